//! What the provider sends and reads, against servers with its answers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::*;
use parlor_dialect::Dialect;
use parlor_dialect::openai_chat::video_at;
use parlor_ernie::{ErnieOptions, PROVIDERS, WebSearch, model};
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::ApiServer;
use serde_json::{Value, json};

const CHAT: &str = "POST /v2/chat/completions";
const TOKEN: &str = "GET /v1/BCE-BEARER/token?expireInSeconds=86400";

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("qianfan")
        .with_base_url(format!("{base_url}/v2"))
        .with_key(KeySource::Explicit("bce-v3/ALTAK-0123456789/x".into()))
        .with_env(Env::empty())
}

fn hello() -> Value {
    json!({"id": "as-1", "object": "chat.completion", "created": 7, "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"},
         "finish_reason": "normal", "flag": 0},
    ], "search_results": [{"index": 1, "url": "https://a", "title": "A"}]})
}

async fn sent(request: &ChatRequest) -> (Value, ChatResponse) {
    let answer = hello().to_string();
    let server = ApiServer::start([(CHAT, 200, answer.as_str())])
        .await
        .unwrap();
    let model = model("ernie-4.5-turbo-128k", &config(&server.url())).unwrap();
    let response = model.chat(request).await.unwrap();
    (server.requests()[0].json().unwrap(), response)
}

#[tokio::test]
async fn search_thinking_and_penalties_go_in_its_words() {
    let mut options = ErnieOptions::default();
    options.web_search = Some(WebSearch::with_citations());
    options.penalty_score = Some(1.5);
    let mut reasoning = ReasoningConfig::budget(500);
    reasoning.effort = Some(Effort::Auto);
    let request = ChatRequest::from("a").with_reasoning(reasoning);
    let (body, response) = sent(&options.apply(request)).await;
    assert_eq!(
        body["web_search"],
        json!({"enable": true, "enable_citation": true, "enable_trace": true})
    );
    assert_eq!(
        (&body["enable_thinking"], &body["thinking_budget"]),
        (&json!(true), &json!(500))
    );
    assert_eq!(body["penalty_score"], 1.5);
    assert_eq!(response.text(), "Hello");
    let reason = response.choices[0].finish_reason.as_ref().unwrap();
    assert_eq!(reason.kind, FinishKind::Stop);
    let Some(Part::Source(source)) = response.message().unwrap().parts.last() else {
        panic!("{response:?}")
    };
    assert_eq!(
        (source.url.as_deref(), source.title.as_deref()),
        (Some("https://a"), Some("A"))
    );
    let off = ChatRequest::from("a").with_reasoning(ReasoningConfig::off());
    assert_eq!(sent(&off).await.0["enable_thinking"], false);
}

#[tokio::test]
async fn pictures_and_films() {
    let info = ModelInfo::new("qianfan", "ernie-4.5-turbo-vl-32k");
    let film = video_at(Media::url(MediaKind::Video, "https://x/a.mp4"), 2.0, &info);
    let image = Media::url(MediaKind::Image, "https://x/a.png");
    let request = ChatRequest::new([Message::new(Role::User, vec![film, image.into()])]);
    let (body, _) = sent(&request).await;
    let parts = &body["messages"][0]["content"];
    assert_eq!(
        parts[0]["video_url"],
        json!({"url": "https://x/a.mp4", "fps": 2.0})
    );
    assert_eq!(parts[1]["image_url"]["url"], "https://x/a.png");
}

#[tokio::test]
async fn an_address_of_an_image_that_is_too_long_is_told_before_it_is_sent() {
    let ask = |source: MediaSource| {
        let image = Media::new(MediaKind::Image, source);
        ChatRequest::new([Message::new(Role::User, vec![image.into()])])
    };
    let address = |bytes: usize| MediaSource::Url(format!("https://x/{:a<1$}", "", bytes - 10));
    let model = model("ernie-4.5-turbo-vl-32k", &config("http://127.0.0.1:9")).unwrap();
    let error = model.chat(&ask(address(1_025))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("1025 bytes"), "{error}");
    assert!(error.message().contains("1024 at most"), "{error}");
    let (body, _) = sent(&ask(address(1_024))).await;
    let url = &body["messages"][0]["content"][0]["image_url"]["url"];
    assert_eq!(url.as_str().unwrap().len(), 1_024);
    let bytes = MediaSource::Bytes(vec![0_u8; 4_096].into());
    sent(&ask(bytes)).await;
}

#[test]
fn every_code_has_its_kind() {
    let model = model("m", &config("http://127.0.0.1:9")).unwrap();
    let read = |status: u16, body: Value| {
        let body = body.to_string();
        let error = parlor_dialect::WireError::new(status, &[], body.as_bytes());
        model.dialect().read_error(&error).kind()
    };
    for (status, code, expected) in [
        (401, "invalid_iam_token", ErrorKind::Authentication),
        (403, "access_denied", ErrorKind::Permission),
        (404, "invalid_model", ErrorKind::ModelNotFound),
        (429, "rpm_rate_limit_exceeded", ErrorKind::RateLimited),
        (429, "tpm_rate_limit_exceeded", ErrorKind::RateLimited),
        (
            429,
            "preemptible_tpm_rate_limit_exceeded",
            ErrorKind::RateLimited,
        ),
        (403, "account_overdue", ErrorKind::QuotaExhausted),
        (400, "something_new", ErrorKind::InvalidRequest),
        (500, "internal_error", ErrorKind::Server),
    ] {
        let body = json!({"id": "as-1", "error": {"code": code, "message": "no", "type": "x"}});
        assert_eq!(read(status, body), expected, "{code}");
    }
    for (code, expected) in [
        (1, ErrorKind::Server),
        (2, ErrorKind::Server),
        (3, ErrorKind::ModelNotFound),
        (4, ErrorKind::QuotaExhausted),
        (6, ErrorKind::Permission),
        (13, ErrorKind::Authentication),
        (17, ErrorKind::QuotaExhausted),
        (18, ErrorKind::RateLimited),
        (19, ErrorKind::QuotaExhausted),
        (110, ErrorKind::Authentication),
        (111, ErrorKind::Authentication),
        (336_000, ErrorKind::Server),
        (336_003, ErrorKind::InvalidRequest),
        (336_100, ErrorKind::Overloaded),
        (336_104, ErrorKind::InvalidRequest),
        (336_117, ErrorKind::InvalidRequest),
        (336_501, ErrorKind::RateLimited),
    ] {
        let body = json!({"error_code": code, "error_msg": "no"});
        assert_eq!(read(200, body), expected, "{code}");
    }
}

#[tokio::test]
async fn an_error_with_status_200_is_one_whole_and_streamed() {
    let body = r#"{"error_code": 336501, "error_msg": "too many"}"#;
    let server = ApiServer::start([(CHAT, 200, body)]).await.unwrap();
    let model = model("m", &config(&server.url())).unwrap();
    let ask = ChatRequest::from("a");
    let whole = model.chat(&ask).await.unwrap_err();
    assert_eq!(whole.kind(), ErrorKind::RateLimited);
    let streamed = model.stream(&ask).await;
    let streamed = match streamed {
        Err(error) => error,
        Ok(stream) => stream.response().await.unwrap_err(),
    };
    assert_eq!(streamed.kind(), ErrorKind::RateLimited);
}

/// A configuration whose key is a pair, and whose token service is the server.
fn pair(base_url: &str) -> ProviderConfig {
    let url = base_url.to_owned();
    let env = Env::new(move |name| match name {
        "QIANFAN_ACCESS_KEY" => Some("ak-1".to_owned()),
        "QIANFAN_SECRET_KEY" => Some("sk-0123456789ab".to_owned()),
        "QIANFAN_IAM_BASE_URL" => Some(url.clone()),
        _ => None,
    });
    let names = PROVIDERS[0].descriptor().key_env;
    let names = names.iter().map(|it| (*it).to_owned()).collect();
    ProviderConfig::new("qianfan")
        .with_base_url(format!("{base_url}/v2"))
        .with_key(KeySource::Env(names))
        .with_env(env)
}

#[tokio::test]
async fn tokens_are_made_of_a_pair_and_kept() {
    let answer = hello().to_string();
    let server = ApiServer::start([
        (
            TOKEN,
            200,
            r#"{"token": "bce-v3/token-1", "expireTime": "2999-01-01T00:00:00Z"}"#,
        ),
        (
            TOKEN,
            200,
            r#"{"token": "bce-v3/token-2", "expireTime": "2999-01-01T00:00:00Z"}"#,
        ),
        (CHAT, 200, answer.as_str()),
        (CHAT, 200, answer.as_str()),
        (
            CHAT,
            401,
            r#"{"error": {"code": "invalid_iam_token", "message": "no"}}"#,
        ),
        (CHAT, 200, answer.as_str()),
    ])
    .await
    .unwrap();
    let model = model("m", &pair(&server.url())).unwrap();
    for _ in 0..3 {
        model.chat(&ChatRequest::from("a")).await.unwrap();
    }
    let seen = server.requests();
    let seen: Vec<(&str, &str)> = seen
        .iter()
        .map(|it| (it.path.as_str(), it.header("authorization").unwrap()))
        .collect();
    let chats: Vec<&str> = seen
        .iter()
        .filter(|it| it.0.starts_with("/v2"))
        .map(|it| it.1)
        .collect();
    let (first, second) = ("Bearer bce-v3/token-1", "Bearer bce-v3/token-2");
    assert_eq!(chats, [first, first, first, second]);
    let signed: Vec<&str> = seen
        .iter()
        .filter(|it| it.0.starts_with("/v1"))
        .map(|it| it.1)
        .collect();
    assert_eq!(signed.len(), 2);
    assert!(signed[0].starts_with("bce-auth-v1/ak-1/20") && signed[0].contains("Z/1800/host/"));
    assert!(!signed[0].contains("sk-0123456789ab"));
}

#[tokio::test]
async fn a_pair_that_is_refused_or_not_whole_says_what_to_do() {
    let refused = r#"{"code": "InvalidAccessKeyId", "message": "no such key", "requestId": "r-1"}"#;
    let server = ApiServer::start([(TOKEN, 403, refused)]).await.unwrap();
    let model_of = |config: &ProviderConfig| model("m", config);
    let error = model_of(&pair(&server.url())).unwrap();
    let error = error.chat(&ChatRequest::from("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.help().contains("QIANFAN_SECRET_KEY"), "{error}");
    let half = Env::from([("QIANFAN_ACCESS_KEY", "ak-1")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(half);
    let error = registry.model("ernie/ernie-4.5-turbo-128k").unwrap_err();
    assert!(error.help().contains("QIANFAN_SECRET_KEY"), "{error}");
}
