//! The dialect server answers in its dialect: whole, streamed, and by failures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod raw;

use std::sync::Arc;
use std::time::Duration;

use parlor_core::{Error, ErrorKind, Retry};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{DialectServer, Sage, Script, Scripted};
use raw::{Client, End, Got, KEY};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(5);

async fn ask(server: &DialectServer, path: &str, body: &Value) -> Got {
    let url = server.url() + path;
    Client::connect(&url)
        .await
        .ask(&url, &body.to_string())
        .await
}

fn prompt(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": "Repeat: one two three"}]})
}

#[tokio::test]
async fn answers_are_whole_or_streamed_a_chunk_a_frame() {
    let sage = Sage::new("sage-1");
    let server = DialectServer::start(OpenAiChat::default(), Arc::new(sage.clone()));
    let server = server.await.unwrap();
    let path = "/chat/completions";
    let got = ask(&server, path, &prompt("sage-1", false)).await;
    assert_eq!((got.status, got.end), (200, End::Proper));
    let body: Value = serde_json::from_slice(&got.body()).unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "one two three");

    let got = ask(&server, path, &prompt("sage-1", true)).await;
    assert_eq!(got.header("content-type"), Some("text/event-stream"));
    assert_eq!((got.status, got.end), (200, End::Proper));
    let framed = |chunk: &Vec<u8>| chunk.starts_with(b"data: ") && chunk.ends_with(b"\n\n");
    assert!(got.chunks.iter().all(framed), "{:?}", got.text());
    assert!(got.chunks.len() > 4);
    assert!(got.text().ends_with("data: [DONE]\n\n"));

    assert_eq!(sage.requests().len(), 2);
    assert_eq!(
        sage.requests()[0].messages[0].text(),
        "Repeat: one two three"
    );
    let done = server.wait_until(SOON, |seen| seen.iter().all(|it| it.finished));
    assert!(done.await);
    assert_eq!(server.requests()[1].json().unwrap()["stream"], true);
}

#[tokio::test]
async fn frames_have_the_framing_of_the_dialect() {
    let model = || Arc::new(Sage::new("sage-1"));
    let named = DialectServer::start(AnthropicMessages::default(), model());
    let got = ask(
        &named.await.unwrap(),
        "/v1/messages",
        &prompt("sage-1", true),
    )
    .await;
    assert!(got.text().starts_with("event: message_start\ndata: {"));
    let lines = DialectServer::start(Ollama::default(), model())
        .await
        .unwrap();
    let got = ask(&lines, "/api/chat", &prompt("sage-1", true)).await;
    assert_eq!(got.header("content-type"), Some("application/x-ndjson"));
    let text = got.text();
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    assert!(lines.all(|line| line.unwrap().is_object()));
}

#[tokio::test]
async fn keys_models_and_paths_are_checked_in_the_shape_of_the_dialect() {
    let server = DialectServer::new(AnthropicMessages::default(), Arc::new(Sage::new("a")))
        .with_model(Arc::new(Sage::new("b")))
        .with_key(KEY)
        .start()
        .await
        .unwrap();
    let kind = |got: &Got| -> Value {
        let body: Value = serde_json::from_slice(&got.body()).unwrap();
        body["error"]["type"].clone()
    };
    assert_eq!(
        ask(&server, "/v1/messages", &prompt("b", false))
            .await
            .status,
        200
    );
    let got = ask(&server, "/v1/messages", &prompt("c", true)).await;
    assert_eq!((got.status, kind(&got)), (404, json!("not_found_error")));
    let got = ask(&server, "/v1/messages", &json!({"model": 1})).await;
    assert_eq!(
        (got.status, kind(&got)),
        (400, json!("invalid_request_error"))
    );

    let other = DialectServer::new(AnthropicMessages::default(), Arc::new(Sage::new("a")));
    let other = other.with_key("sk-other").start().await.unwrap();
    let got = ask(&other, "/v1/messages", &prompt("a", true)).await;
    assert_eq!(
        (got.status, kind(&got)),
        (401, json!("authentication_error"))
    );
}

#[tokio::test]
async fn a_failure_before_the_first_event_has_a_status_and_a_later_one_has_none() {
    let fails = |script: Script| async move {
        let error = Error::new(ErrorKind::RateLimited, "slow down");
        let error = error.with_retry(Retry::Later(Some(Duration::from_secs(3))));
        let scripted = Scripted::new([script.fails(error)]);
        let server = DialectServer::start(OpenAiChat::default(), Arc::new(scripted));
        let server = server.await.unwrap();
        ask(&server, "/chat/completions", &prompt("script", true)).await
    };
    let early = fails(Script::new()).await;
    assert_eq!(
        (early.status, early.header("retry-after")),
        (429, Some("3"))
    );
    let late = fails(Script::text("one two").cut(3)).await;
    assert_eq!((late.status, late.end), (200, End::Proper));
    let text = late.text();
    let (before, after) = text.split_once("slow down").expect("the error is told");
    assert!(
        before.contains("one") && !after.contains("finish_reason\":\"stop\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_stream() {
    let scripted = Scripted::new([Script::text("one two").cut(3).hangs()]);
    let server = DialectServer::start(OpenAiChat::default(), Arc::new(scripted.clone()));
    let server = server.await.unwrap();
    let url = server.url() + "/chat/completions";
    let mut client = Client::connect(&url).await;
    client.send(&url, &prompt("script", true).to_string()).await;
    assert!(server.wait_until(SOON, |seen| !seen.is_empty()).await);
    drop(client);
    assert!(server.wait_until(SOON, |seen| seen[0].dropped).await);
    assert_eq!(scripted.exchanges().open, 0);
}
