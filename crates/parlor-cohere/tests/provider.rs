//! What goes to the provider, and what is read from its answers.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_cohere::{CitationMode, Cohere, CohereOptions, Document, PROVIDERS, SafetyMode};
use parlor_core::*;
use parlor_dialect::cohere;
use parlor_registry::{Env, KeySource, Provider, ProviderConfig};
use parlor_testkit::{ApiAnswer, ApiServer, Cassette, Cuts, DialectServer, ReplayServer, Sage};
use serde_json::{Value, json};

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("cohere")
        .with_base_url(base_url)
        .with_key(KeySource::Explicit("co-test".into()))
        .with_env(Env::empty())
}

/// A server that answers every request beneath its URL with this.
async fn replies(status: u16, body: Value) -> (ReplayServer, String) {
    let cassette = json!({
        "provider": "cohere", "dialect": "cohere-v2", "source": {},
        "request": {"method": "POST", "host": "", "path": "/", "headers": {}, "body": null},
        "response": {"status": status, "headers": {"content-type": "application/json", "x-debug-trace-id": "t-1"},
            "body": body.to_string(), "body_encoding": "utf-8", "streaming": false},
        "expected": {},
    });
    let mut cassette: Cassette = serde_json::from_value(cassette).unwrap();
    cassette.name = "answer".to_owned();
    let server = ReplayServer::start([cassette.clone()], Cuts::Whole)
        .await
        .unwrap();
    let url = server.url(&cassette);
    (server, url)
}

#[tokio::test]
async fn options_reach_the_body() {
    let sage = Arc::new(Sage::new("m"));
    let server = DialectServer::start(cohere::Cohere::default(), sage)
        .await
        .unwrap();
    let url = format!("{}/v2/", server.url());
    let model = PROVIDERS[0].build("m", &config(&url)).unwrap();
    let mut options = CohereOptions::default();
    options.documents = vec![Document::new("words").with_id("d").with("title", "T")];
    options.citations = Some(CitationMode::Fast);
    options.safety_mode = Some(SafetyMode::Off);
    options.priority = Some(3);
    let request = options.apply(ChatRequest::from("Hi"));
    model.chat(&request).await.unwrap();
    let seen = server.requests().remove(0);
    assert_eq!(
        (seen.path.as_str(), seen.header("authorization")),
        ("/v2/chat", Some("Bearer co-test"))
    );
    let body = seen.json().unwrap();
    for (key, value) in [
        (
            "documents",
            json!([{"id": "d", "data": {"text": "words", "title": "T"}}]),
        ),
        ("citation_options", json!({"mode": "FAST"})),
        ("safety_mode", json!("OFF")),
        ("priority", json!(3)),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
}

#[tokio::test]
async fn models_that_chat_are_listed_page_by_page() {
    let (_server, url) = replies(
        200,
        json!({"models": [
            {"name": "command-a", "endpoints": ["chat"], "context_length": 288000.0, "features": ["tools", "json_schema"]},
            {"name": "aya", "context_length": 16384, "features": null}],
            "next_page_token": ""}),
    )
    .await;
    let models = Cohere.models(&config(&url)).await.unwrap();
    assert_eq!(models.len(), 2);
    assert!(models[0].capabilities.has(Capability::Tools));
    assert!(models[0].capabilities.lacks(Capability::ImageInput));
    assert_eq!(models[0].context_window, Some(288_000));
    assert_eq!(models[1].capabilities, Capabilities::UNKNOWN);
}

#[tokio::test]
async fn a_trial_keys_month_is_told_from_its_minute() {
    for (limit, kind) in [
        ("20 API calls / minute", ErrorKind::RateLimited),
        ("1000 API calls / month", ErrorKind::QuotaExhausted),
    ] {
        let message = format!("You are using a Trial key, which is limited to {limit}.");
        let (_server, url) = replies(429, json!({ "message": message })).await;
        let model = PROVIDERS[0].build("m", &config(&url)).unwrap();
        let error = model.chat(&"Hi".into()).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, message.as_str()));
        assert_eq!(error.request_id(), Some("t-1"));
    }
}

#[tokio::test]
async fn what_the_provider_warns_of_is_told_with_the_answer() {
    const WARNING: &str = "model 'command' is deprecated and will be removed";
    const WHOLE: &str = r#"{"id": "1", "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}}"#;
    const STREAM: &str = concat!(
        "data: {\"type\":\"message-start\",\"id\":\"1\"}\n\n",
        "data: {\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"Hello\"}}}}\n\n",
        "data: {\"type\":\"content-end\",\"index\":0}\n\n",
        "data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\"}}\n\n",
    );
    let server = ApiServer::answering(|seen| {
        let streams = seen.json().unwrap()["stream"] == true;
        let body = if streams { STREAM } else { WHOLE };
        ApiAnswer::new(200, body).header("x-api-warning", WARNING)
    })
    .await
    .unwrap();
    let model = PROVIDERS[0].build("command", &config(&server.url()));
    let model = model.unwrap();
    let whole = model.ask("Hi").await.unwrap();
    let streamed = model.ask_stream("Hi").await.unwrap().response().await;
    for response in [whole, streamed.unwrap()] {
        assert_eq!(response.text(), "Hello");
        let messages: Vec<_> = response.warnings.iter().map(|it| &*it.message).collect();
        assert_eq!(messages, [WARNING]);
    }
}
