//! Batches in the body: what goes out, and what is made of what comes back.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use parlor_anthropic::{AnthropicOptions, PROVIDERS, batches};
use parlor_core::*;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_registry::{Env, KeySource, ProviderConfig, Registry};
use parlor_testkit::{BatchAnswer, BatchServer};

async fn server() -> BatchServer {
    let dialect = AnthropicMessages::default();
    let answers = |id: &str, request: &ChatRequest| match id {
        "a" => BatchAnswer::Text(format!("to: {}", request.messages[0].text())),
        "b" => BatchAnswer::Fails(Error::new(ErrorKind::InvalidRequest, "prompt is too long")),
        "c" => BatchAnswer::Expired,
        "d" => BatchAnswer::Line("not JSON".to_owned()),
        "e" => BatchAnswer::Missing,
        "x" => BatchAnswer::Line(r#"{"custom_id": "x", "result": {"type": "vanished"}}"#.into()),
        _ => BatchAnswer::Text("fine".to_owned()),
    };
    BatchServer::start(dialect, answers).await.unwrap()
}

fn config(url: &str) -> ProviderConfig {
    let mut config = ProviderConfig::new("anthropic")
        .with_base_url(url)
        .with_key(KeySource::Explicit("sk-ant-of-mine".into()))
        .with_env(Env::empty());
    config.price = Some(Price::usd(3.0, 15.0));
    config
}

fn items(ids: &[&str]) -> Vec<BatchItem> {
    let item = |id: &&str| BatchItem::new(*id, format!("say {id}"));
    ids.iter().map(item).collect()
}

async fn all(mut results: BatchResults) -> (BTreeMap<String, Result<ChatResponse>>, Vec<Error>) {
    let (mut read, mut broken) = (BTreeMap::new(), Vec::new());
    while let Some(next) = results.next().await {
        match next {
            Ok(it) => drop(read.insert(it.id, it.result)),
            Err(error) => broken.push(error),
        }
    }
    (read, broken)
}

#[tokio::test]
async fn requests_go_in_the_body_and_results_come_by_their_ids() {
    let server = server().await;
    let batches = batches("claude-haiku-4-5", &config(&server.url())).unwrap();
    let limits = batches.limits();
    assert_eq!(
        (limits.requests, limits.bytes),
        (Some(100_000), Some(256_000_000))
    );
    let price = batches.info().price.clone().unwrap();
    assert_eq!((price.input, price.output), (1.5, 7.5));

    let mut beta = AnthropicOptions::default().apply(ChatRequest::from("hi"));
    beta.extra
        .entry("anthropic".into())
        .or_default()
        .insert("betas".into(), "one,two".into());
    let mut items = items(&["a", "b", "c", "d", "e", "x"]);
    items.push(BatchItem::new("f", beta.clone()));
    items.push(BatchItem::new("g", beta));
    let status = batches.submit("nightly", &items).await.unwrap();
    assert_eq!(status.name, None, "names aren't kept");
    assert_eq!(status.expires, Some(1_785_664_800));

    let seen = server.requests().remove(0);
    assert_eq!(seen.path, "/v1/messages/batches");
    assert_eq!(seen.header("x-api-key"), Some("sk-ant-of-mine"));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.header("anthropic-beta"), Some("one,two"));
    let sent = seen.json().unwrap();
    assert_eq!(sent["requests"].as_array().unwrap().len(), 8);
    assert_eq!(sent["requests"][0]["custom_id"], "a");
    assert_eq!(sent["requests"][0]["params"]["model"], "claude-haiku-4-5");
    assert!(sent["requests"][0]["params"].get("stream").is_none());

    let (read, broken) = all(batches.results(&status.id).await.unwrap()).await;
    assert_eq!(
        read.keys().collect::<Vec<_>>(),
        ["a", "b", "c", "f", "g", "x"]
    );
    assert_eq!(read["a"].as_ref().unwrap().text(), "to: say a");
    let kind = |id: &str| read[id].as_ref().unwrap_err().kind();
    assert_eq!(kind("b"), ErrorKind::ContextTooLong);
    assert_eq!(kind("c"), ErrorKind::Timeout(TimeoutKind::Total));
    assert_eq!(kind("x"), ErrorKind::Decode);
    assert_eq!(broken.len(), 1, "{broken:?}");
    let asked = server.requests().pop().unwrap();
    assert_eq!(asked.path, "/v1/messages/batches/batch-0/results");
    assert_eq!(asked.header("anthropic-version"), Some("2023-06-01"));
}

#[tokio::test]
async fn what_was_not_begun_is_told_one_by_one() {
    let server = server().await;
    server.end_after(9);
    let batches = batches("claude-haiku-4-5", &config(&server.url())).unwrap();
    let status = batches.submit("n", &items(&["a", "z"])).await.unwrap();
    let state = batches.cancel(&status.id).await.unwrap().state;
    assert_eq!(state, BatchState::Cancelling);
    assert_eq!(
        batches.status(&status.id).await.unwrap().state,
        BatchState::Cancelled
    );
    let (read, _) = all(batches.results(&status.id).await.unwrap()).await;
    assert!(read["a"].is_ok());
    assert_eq!(read["z"].as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn the_key_is_shown_to_no_other_host() {
    let server = server().await;
    server.results_at("https://results.example");
    let batches = batches("claude-haiku-4-5", &config(&server.url())).unwrap();
    let status = batches.submit("n", &items(&["a"])).await.unwrap();
    let error = batches.results(&status.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.message().contains("https://results.example"),
        "{error}"
    );
}

#[tokio::test]
async fn those_that_take_no_batches_name_those_that_do() {
    let registry = Registry::with(PROVIDERS).unwrap().with_env(Env::empty());
    let error = registry.batches("echo/echo").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.help(), "These take batches: anthropic.");
}
