//! iFlytek Spark: `code` in the body tells failures; tool calls as a list on request.

use parlor_core::ErrorKind;
use parlor_dialect::openai_chat::{Documents, JsonOutput, MaxTokens, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("spark", "iFlytek Spark")
        .makes(&["generalv"])
        .feature("compatible")
        .base_url("https://spark-api-open.xf-yun.com/v1")
        .key_env(&["SPARK_API_PASSWORD", "SPARK_API_KEY"])
        .default_model("4.0Ultra")
        .docs_url("https://www.xfyun.cn/doc/spark/HTTP调用文档.html")
        .key_url("https://console.xfyun.cn/services/bm4"),
    quirks,
)
.without_list();

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.max_temperature = Some(1.0);
    quirks.stream_usage = false;
    quirks.output = JsonOutput::Object;
    quirks.parallel_tool_calls = false;
    quirks.documents = Documents::None;
    quirks
        .body
        .insert("tool_calls_switch".to_owned(), true.into());
    quirks.know_codes(&[
        (ErrorKind::ContentFiltered, &["10013", "10014", "10019"]),
        (ErrorKind::Overloaded, &["10007"]),
        (ErrorKind::ContextTooLong, &["10907"]),
        (ErrorKind::QuotaExhausted, &["11200", "11201"]),
        (ErrorKind::RateLimited, &["11202", "11203"]),
    ]);
    quirks.refuse("n seed logprobs top_logprobs metadata service_tier");
    quirks
}
