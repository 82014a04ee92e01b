//! MiniMax: errors in `base_resp` of a 200; thoughts are split off on request.

use parlor_core::ErrorKind;
use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = host(
    Descriptor::new("minimax", "MiniMax")
        .makes(&["MiniMax-", "minimax-"])
        .base_url("https://api.minimax.io/v1")
        .base_url_env(&["MINIMAX_BASE_URL"])
        .docs_url("https://platform.minimax.io/docs")
        .key_url("https://platform.minimax.io"),
);

pub(super) static CHINA: ChatHost = host(
    Descriptor::new("minimax-cn", "MiniMax, China")
        .base_url("https://api.minimaxi.com/v1")
        .region_of("minimax")
        .with_shared_key()
        .docs_url("https://platform.minimaxi.com/docs")
        .key_url("https://platform.minimaxi.com"),
);

const fn host(descriptor: Descriptor) -> ChatHost {
    let descriptor = descriptor.feature("compatible");
    let descriptor = descriptor.key_env(&["MINIMAX_API_KEY"]);
    ChatHost::new(descriptor.default_model("MiniMax-M3"), quirks)
}

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.max_temperature = Some(1.0);
    quirks.thinking = Thinking::Always;
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks
        .body
        .insert("reasoning_split".to_owned(), true.into());
    quirks.know_codes(&[
        (ErrorKind::Server, &["1000", "1001", "1024", "1033"]),
        (ErrorKind::RateLimited, &["1002", "1039", "1041", "2045"]),
        (ErrorKind::Authentication, &["1004", "2049"]),
        (ErrorKind::QuotaExhausted, &["1008"]),
        (ErrorKind::ContentFiltered, &["1026", "1027"]),
        (ErrorKind::InvalidRequest, &["1042", "2013"]),
    ]);
    quirks.refuse("n presence_penalty seed metadata service_tier user");
    quirks
}
