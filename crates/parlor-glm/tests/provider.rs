//! What the provider sends and reads, against servers with its answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::*;
use parlor_dialect::Dialect;
use parlor_glm::{
    AuthForm, GlmOptions, PROVIDERS, WebSearch, count_tokens, files, model, retrieval, web_search,
};
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::ApiServer;
use serde_json::{Value, json};

const CHAT: &str = "POST /chat/completions";

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("zhipu")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit("key-id-01.secret-0123456789".into()))
        .with_env(Env::empty())
}

fn message(message: Value, finish: &str) -> Value {
    json!({"id": "c-1", "model": "glm-5.3", "choices": [
        {"index": 0, "message": message, "finish_reason": finish},
    ]})
}

fn hello() -> Value {
    message(json!({"role": "assistant", "content": "Hello"}), "stop")
}

/// What a request to a model of this name says, and what was warned of.
async fn sent(name: &str, request: &ChatRequest) -> (Value, Vec<String>) {
    let answer = hello().to_string();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let model = model(name, &config(&server.url())).unwrap();
    let response = model.chat(request).await.unwrap();
    let warned = response.warnings.iter().map(|it| it.setting.clone());
    (server.requests()[0].json().unwrap(), warned.collect())
}

#[tokio::test]
async fn each_line_thinks_in_its_own_way() {
    let think = ChatRequest::from("a").with_reasoning(Effort::High);
    let never = ChatRequest::from("a").with_reasoning(ReasoningConfig::off());
    let on = json!({"type": "enabled"});
    let (body, _) = sent("glm-5.3", &think).await;
    assert_eq!(
        (&body["thinking"], &body["reasoning_effort"]),
        (&on, &json!("high"))
    );
    let (body, warned) = sent("glm-4.7", &think).await;
    assert_eq!(
        (&body["thinking"], body.get("reasoning_effort")),
        (&on, None)
    );
    assert_eq!(warned, ["reasoning.effort"]);
    let (body, _) = sent("glm-4.5-air", &never).await;
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    let (body, warned) = sent("glm-z1-air", &think).await;
    assert_eq!((body.get("thinking"), warned.len()), (None, 0));
    assert_eq!(sent("glm-4-plus", &think).await.1, ["reasoning"]);
}

#[tokio::test]
async fn options_and_tools_go_in_its_words() {
    let info = ModelInfo::new("zhipu", "glm-5.3");
    let mut search = WebSearch::default();
    search.search_engine = Some("search_pro".to_owned());
    search.count = Some(3);
    let mut options = GlmOptions::default();
    options.tool_stream = Some(true);
    options.do_sample = Some(false);
    options.request_id = Some("request-1".to_owned());
    let mut request = ChatRequest::from("a")
        .with_tool(search.tool(&info))
        .with_tool(retrieval(&info, "kb-1", Some("{{knowledge}}")));
    request.user = Some("user-1".to_owned());
    request.stop = vec!["x".to_owned(), "y".to_owned()];
    let (body, warned) = sent("glm-5.3", &options.apply(request)).await;
    assert_eq!(
        body["tools"],
        json!([
            {"type": "web_search", "web_search": {
                "enable": true, "search_result": true, "search_engine": "search_pro", "count": 3}},
            {"type": "retrieval", "retrieval": {
                "knowledge_id": "kb-1", "prompt_template": "{{knowledge}}"}},
        ])
    );
    assert_eq!(
        (&body["tool_stream"], &body["do_sample"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&body["request_id"], &body["user_id"]),
        (&json!("request-1"), &json!("user-1"))
    );
    assert_eq!(
        (&body["stop"], warned),
        (&json!(["x"]), vec!["stop".to_owned()])
    );
}

#[tokio::test]
async fn kept_thoughts_go_back() {
    let mut said = Message::assistant("b");
    said.parts.insert(0, Part::from(Reasoning::new("earlier")));
    let request = ChatRequest::new([Message::user("a"), said, Message::user("c")]);
    let (body, _) = sent("glm-5.3", &request).await;
    assert_eq!(body["messages"][1].get("reasoning_content"), None);
    let mut options = GlmOptions::default();
    options.keep_thoughts = true;
    let (body, _) = sent("glm-5.3", &options.apply(request)).await;
    assert_eq!(body["messages"][1]["reasoning_content"], "earlier");
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "clear_thinking": false})
    );
}

#[tokio::test]
async fn media_go_as_the_models_take_them() {
    let ask = |media: Media| ChatRequest::new([Message::new(Role::User, vec![media.into()])]);
    let part = |body: &Value| body["messages"][0]["content"][0].clone();
    let image = ask(Media::bytes("image/png", b"\x89P".as_slice()));
    let (body, _) = sent("glm-4v-plus", &image).await;
    assert_eq!(part(&body)["image_url"]["url"], "iVA=");
    let (body, _) = sent("glm-5v-turbo", &image).await;
    assert_eq!(
        part(&body)["image_url"]["url"],
        "data:image/png;base64,iVA="
    );
    let video = ask(Media::url(MediaKind::Video, "https://x/a.mp4"));
    let (body, _) = sent("glm-5v-turbo", &video).await;
    assert_eq!(part(&body)["video_url"]["url"], "https://x/a.mp4");
    let file = ask(Media::url(MediaKind::Document, "https://x/a.pdf"));
    let (body, _) = sent("glm-5v-turbo", &file).await;
    assert_eq!(
        part(&body),
        json!({"type": "file_url", "file_url": {"url": "https://x/a.pdf"}})
    );
}

#[tokio::test]
async fn what_was_found_and_what_was_withheld_is_told() {
    let mut found = hello();
    found["web_search"] =
        json!([{"title": "A", "link": "https://a", "content": "q", "media": "m"}]);
    let withheld = message(json!({"role": "assistant", "content": ""}), "sensitive");
    let (found, withheld) = (found.to_string(), withheld.to_string());
    let server = ApiServer::start([(CHAT, 200, found.as_str()), (CHAT, 200, withheld.as_str())])
        .await
        .unwrap();
    let model = model("glm-5.3", &config(&server.url())).unwrap();
    let ask = ChatRequest::from("a");
    let response = model.chat(&ask).await.unwrap();
    let Some(Part::Source(source)) = response.message().unwrap().parts.last() else {
        panic!("{response:?}")
    };
    assert_eq!(
        (source.url.as_deref(), source.title.as_deref()),
        (Some("https://a"), Some("A"))
    );
    let response = model.chat(&ask).await.unwrap();
    let reason = &response.choices[0].finish_reason;
    assert_eq!(reason.as_ref().unwrap().kind, FinishKind::ContentFilter);
}

#[test]
fn every_code_has_its_kind() {
    let model = model("glm-5.3", &config("http://127.0.0.1:9")).unwrap();
    let kind = |status: u16, code: &str| {
        let body = json!({"error": {"code": code, "message": "no"}}).to_string();
        let error = parlor_dialect::WireError::new(status, &[], body.as_bytes());
        model.dialect().read_error(&error).kind()
    };
    for (expected, status, codes) in [
        (ErrorKind::Authentication, 401, "1000 1001 1002 1003 1004"),
        (ErrorKind::Permission, 429, "1005 1110 1111 1112 1311 1313"),
        (ErrorKind::Permission, 403, "1220"),
        (ErrorKind::QuotaExhausted, 429, "1113 1308 1309 1310"),
        (ErrorKind::Server, 500, "1120 1200 1230 1234"),
        (ErrorKind::InvalidRequest, 400, "1210 1213 1214 1215 1231"),
        (ErrorKind::Unsupported, 400, "1212 1221 1222"),
        (ErrorKind::ModelNotFound, 400, "1211"),
        (ErrorKind::ContextTooLong, 400, "1261"),
        (ErrorKind::ContentFiltered, 400, "1300 1301"),
        (ErrorKind::RateLimited, 429, "1302 1303 1304"),
        (ErrorKind::Overloaded, 429, "1305 1312"),
        (ErrorKind::Permission, 434, ""),
        (ErrorKind::Media, 435, ""),
    ] {
        for code in codes.split(' ') {
            assert_eq!(kind(status, code), expected, "{status} {code}");
        }
    }
}

#[tokio::test]
async fn a_key_goes_as_it_is_or_as_a_token() {
    let answer = hello().to_string();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let ask = ChatRequest::from("a");
    let plain = config(&server.url());
    model("glm-5.3", &plain).unwrap().chat(&ask).await.unwrap();
    let by_extension = plain.clone().with_extension(AuthForm::Token);
    model("glm-5.3", &by_extension)
        .unwrap()
        .chat(&ask)
        .await
        .unwrap();
    let by_variable = plain.clone().with_env(Env::from([("GLM_AUTH", "token")]));
    model("glm-5.3", &by_variable)
        .unwrap()
        .chat(&ask)
        .await
        .unwrap();
    let sent: Vec<String> = server
        .requests()
        .iter()
        .map(|it| it.header("authorization").unwrap().to_owned())
        .collect();
    assert_eq!(sent[0], "Bearer key-id-01.secret-0123456789");
    for token in &sent[1..] {
        let parts: Vec<&str> = token.strip_prefix("Bearer ").unwrap().split('.').collect();
        assert_eq!(
            (parts.len(), parts[0]),
            (3, "eyJhbGciOiJIUzI1NiIsInNpZ25fdHlwZSI6IlNJR04ifQ")
        );
        assert!(!token.contains("secret-0123456789"));
    }
    let wrong = plain.with_env(Env::from([("GLM_AUTH", "jwt")]));
    let error = model("glm-5.3", &wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let bare = ProviderConfig::new("zhipu")
        .with_key(KeySource::Explicit("no-dot".into()))
        .with_extension(AuthForm::Token);
    assert_eq!(
        model("glm-5.3", &bare).unwrap_err().kind(),
        ErrorKind::Authentication
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_made_anew() {
    let refused = json!({"error": {"code": "1003", "message": "expired"}}).to_string();
    let answer = hello().to_string();
    let server = ApiServer::start([(CHAT, 401, refused.as_str()), (CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let config = config(&server.url()).with_extension(AuthForm::Token);
    let model = model("glm-5.3", &config).unwrap();
    let response = model.chat(&ChatRequest::from("a")).await.unwrap();
    assert_eq!(
        (response.text().as_str(), server.requests().len()),
        ("Hello", 2)
    );
}

#[tokio::test]
async fn files_and_tokens() {
    let list = json!({"data": [{"id": "f-1", "filename": "a.txt"}]}).to_string();
    let server = ApiServer::start([
        ("GET /files", 200, list.as_str()),
        (
            "POST /tokenizer",
            200,
            r#"{"id": "1", "usage": {"prompt_tokens": 55, "total_tokens": 56}}"#,
        ),
    ])
    .await
    .unwrap();
    let config = config(&server.url());
    assert_eq!(files(&config).unwrap().list().await.unwrap()[0].id, "f-1");
    let model = model("glm-5.3", &config).unwrap();
    let request = ChatRequest::from("a").with_max_output_tokens(3);
    assert_eq!(count_tokens(&model, &request).await.unwrap(), 56);
    assert_eq!(
        server.requests()[1].json().unwrap(),
        json!({"model": "glm-5.3", "messages": [{"role": "user", "content": "a"}]})
    );
}

#[test]
fn a_key_goes_to_the_host_that_it_is_for() {
    let address = |variable: &'static str, url: Option<&'static str>| {
        let mut vars = vec![(variable, "id.secret-0123456789")];
        vars.extend(url.map(|url| ("ZAI_BASE_URL", url)));
        let env = Env::new(move |name| {
            let mut all = vars.iter();
            all.find(|it| it.0 == name).map(|it| it.1.to_owned())
        });
        let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
        format!("{:?}", registry.model("glm/glm-5.3").unwrap())
    };
    assert!(address("ZHIPUAI_API_KEY", None).contains("https://open.bigmodel.cn"));
    assert!(address("GLM_API_KEY", None).contains("https://open.bigmodel.cn"));
    assert!(address("ZAI_API_KEY", None).contains("https://api.z.ai"));
    let elsewhere = address("ZAI_API_KEY", Some("https://x.example/v4"));
    assert!(elsewhere.contains("https://x.example"), "{elsewhere}");
}

#[tokio::test]
async fn the_web_is_searched_without_a_chat() {
    const SEARCH: &str = "POST /web_search";
    let answer = json!({"id": "s-1", "created": 7, "search_intent": [], "search_result": [
        {"title": "A", "content": "a", "link": "https://a", "media": "M", "icon": null,
         "refer": "ref_1", "publish_date": "2026-11-01"},
        {"link": "https://b"},
    ]});
    let refused = r#"{"error": {"code": "1113", "message": "no balance"}}"#;
    let answer = answer.to_string();
    let server = ApiServer::start([
        (SEARCH, 200, answer.as_str()),
        (SEARCH, 429, refused),
        (SEARCH, 200, "{}"),
    ])
    .await
    .unwrap();
    let config = config(&server.url());
    let mut search = WebSearch::default();
    search.count = Some(2);
    search.require_search = Some(true);
    let found = web_search(&config, "what is new", &search).await.unwrap();
    assert_eq!(
        server.requests()[0].json().unwrap(),
        json!({"search_engine": "search_std", "count": 2, "search_query": "what is new"})
    );
    let [first, second] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (&*first.title, &*first.icon, &*first.refer),
        ("A", "", "ref_1")
    );
    assert_eq!((&*second.link, &*second.title), ("https://b", ""));
    let error = web_search(&config, "a", &search).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    let error = web_search(&config, "a", &search).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn marks_of_boxes_are_taken_out_whole_and_streamed() {
    let text = "<think>hm</think>\nIt is <|begin_of_box|>42<|end_of_box|>.";
    let whole = message(json!({"role": "assistant", "content": text}), "stop").to_string();
    let mut frames: Vec<String> = text
        .split_inclusive(['_', 'e', '|', '>'])
        .map(|piece| json!({"choices": [{"index": 0, "delta": {"content": piece}}]}).to_string())
        .collect();
    frames
        .push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string());
    let frames: Vec<String> = frames.iter().map(|it| format!("data: {it}\n\n")).collect();
    let frames = frames.concat();
    for (name, said) in [("glm-4.5v", "It is 42."), ("glm-4.6v", text)] {
        let answers = [(CHAT, 200, whole.as_str()), (CHAT, 200, frames.as_str())];
        let server = ApiServer::start(answers).await.unwrap();
        let model = model(name, &config(&server.url())).unwrap();
        let ask = ChatRequest::from("a");
        assert_eq!(model.chat(&ask).await.unwrap().text(), said);
        let stream = model.stream(&ask).await.unwrap();
        assert_eq!(stream.response().await.unwrap().text(), said);
    }
}
