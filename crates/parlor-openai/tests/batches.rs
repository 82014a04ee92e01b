//! Batches in a file: what goes out, and what is made of what comes back.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use parlor_core::*;
use parlor_dialect::ServerDialect;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_openai::PROVIDERS;
use parlor_registry::{Config, Env, Registry};
use parlor_testkit::{ApiServer, BatchAnswer, BatchServer};

fn batches_at(url: &str, id: &str) -> Arc<dyn ChatBatches> {
    let env = Env::from([("OPENAI_API_KEY", "sk-of-openai")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let provider = id.split('/').next().unwrap();
    let config = format!("[providers.{provider}]\nbase_url = '{url}/v1'");
    let config = Config::from_toml(&config).unwrap();
    registry.with_config(config).unwrap().batches(id).unwrap()
}

/// A server whose paths begin with `/v1`, as the provider's do.
async fn server(
    dialect: impl ServerDialect,
    answers: impl Fn(&str, &ChatRequest) -> BatchAnswer + Send + Sync + 'static,
) -> BatchServer {
    BatchServer::start(dialect, answers).await.unwrap()
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
async fn requests_go_in_a_file_and_results_come_by_their_ids() {
    let server = server(OpenAiChat::default(), |id, request| match id {
        "a" => BatchAnswer::Text(format!("to: {}", request.messages[0].text())),
        "b" => BatchAnswer::Fails(Error::new(ErrorKind::ContextTooLong, "too long")),
        "c" => BatchAnswer::Expired,
        "d" => BatchAnswer::Line("{\"custom_id\": \"d\", ".to_owned()),
        "e" => BatchAnswer::Missing,
        _ => BatchAnswer::Text("the last".to_owned()),
    })
    .await;
    server.end_after(1);
    let batches = batches_at(&server.url(), "openai/gpt-4.1-mini");
    let limits = batches.limits();
    assert_eq!(
        (limits.requests, limits.bytes),
        (Some(50_000), Some(200_000_000))
    );
    assert!(
        batches.info().price.is_none(),
        "the price of a batch isn't known"
    );

    let ids = ["a", "b", "c", "d", "e", "f"];
    let status = batches.submit("nightly", &items(&ids)).await.unwrap();
    assert_eq!(status.name.as_deref(), Some("nightly"));
    assert_eq!(status.state, BatchState::InProgress);
    assert_eq!(status.created, Some(1_785_578_400));
    assert_eq!(server.taken(), [6]);

    let seen = server.requests();
    let form = String::from_utf8(seen[0].body.clone()).unwrap();
    assert_eq!(seen[0].path, "/v1/files");
    assert_eq!(seen[0].header("authorization"), Some("Bearer sk-of-openai"));
    assert!(form.contains("name=\"purpose\"\r\n\r\nbatch\r\n"), "{form}");
    let first = r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","#;
    assert!(form.contains(first), "{form}");
    let order = seen[1].json().unwrap();
    assert_eq!(order["endpoint"], "/v1/chat/completions");
    assert_eq!(order["completion_window"], "24h");

    // Known by its id alone, and not over yet.
    let again = batches_at(&server.url(), "openai/gpt-4.1-mini");
    let early = again.results(&status.id).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Validation);
    let over = again.status(&status.id).await.unwrap();
    assert_eq!(
        (over.state, over.ended),
        (BatchState::Ended, Some(1_785_582_000))
    );
    assert_eq!((over.counts.total, over.counts.done()), (6, 6));

    let (read, broken) = all(again.results(&status.id).await.unwrap()).await;
    assert_eq!(read.keys().collect::<Vec<_>>(), ["a", "b", "c", "f"]);
    let answer = read["a"].as_ref().unwrap();
    assert_eq!(answer.text(), "to: say a");
    assert_eq!(answer.provider, "openai");
    assert_eq!(answer.usage.as_ref().unwrap().total_tokens(), Some(10));
    assert_eq!(answer.metadata.request_id.as_deref(), Some("req-1"));
    let failed = read["b"].as_ref().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ContextTooLong);
    assert_eq!(failed.request_id(), Some("req-2"));
    assert_eq!(failed.model(), Some("gpt-4.1-mini"));
    let expired = read["c"].as_ref().unwrap_err();
    assert_eq!(expired.code(), Some("batch_expired"));
    assert!(matches!(expired.kind(), ErrorKind::Timeout(_)));
    assert_eq!(read["f"].as_ref().unwrap().text(), "the last");
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].kind(), ErrorKind::Decode);

    let listed = again.list().await.unwrap();
    assert_eq!(listed[0].id, status.id);
}

#[tokio::test]
async fn models_that_go_by_the_other_api_do_so_in_batches() {
    let server = server(OpenAiResponses::default(), |_, _| {
        BatchAnswer::Text("4".into())
    })
    .await;
    let batches = batches_at(&server.url(), "openai-responses/gpt-5-mini");
    let status = batches.submit("sums", &items(&["sum-1"])).await.unwrap();
    let order = server.requests()[1].json().unwrap();
    assert_eq!(order["endpoint"], "/v1/responses");
    let (read, _) = all(batches.results(&status.id).await.unwrap()).await;
    assert_eq!(read["sum-1"].as_ref().unwrap().text(), "4");
}

#[tokio::test]
async fn what_was_left_out_is_told() {
    let server = server(OpenAiChat::default(), |_, _| BatchAnswer::Missing).await;
    let batches = batches_at(&server.url(), "openai-chat/gpt-5-mini");
    let mut request = ChatRequest::from("hi");
    request.temperature = Some(0.3);
    request.include_raw = true;
    let items = [BatchItem::new("a", "hi"), BatchItem::new("b", request)];
    let status = batches.submit("n", &items).await.unwrap();
    let told: Vec<_> = status
        .warnings
        .iter()
        .map(|it| (&*it.0, &*it.1.setting))
        .collect();
    assert_eq!(told, [("b", "temperature"), ("b", "include_raw")]);
    let kept = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<BatchStatus>(&kept).unwrap(), status);
}

#[tokio::test]
async fn a_lost_answer_is_told_and_a_refusal_is_not_taken_for_one() {
    let server = server(OpenAiChat::default(), |_, _| BatchAnswer::Missing).await;
    let batches = batches_at(&server.url(), "openai/gpt-4.1-mini");
    server.lose_next_answer();
    let error = batches.submit("mine", &items(&["a"])).await.unwrap_err();
    assert!(Unconfirmed::is_in(&error), "{error}");
    assert_eq!(error.retry(), Retry::Never);
    assert!(error.help().contains("`mine`"), "{}", error.help());
    assert_eq!(server.taken(), [1], "submitted twice");
    let found = batches.list().await.unwrap();
    assert_eq!(found[0].name.as_deref(), Some("mine"));

    for (at, status) in [
        ("POST /v1/files", 500),
        ("POST /v1/batches", 429),
        ("POST /v1/batches", 400),
    ] {
        server.fail_next(at, status, r#"{"error":{"message":"no"}}"#);
        let error = batches.submit("more", &items(&["a"])).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert!(!Unconfirmed::is_in(&error), "{at} {status}");
    }
    let nobody = batches_at("http://127.0.0.1:9", "openai/gpt-4.1-mini");
    let error = nobody.submit("n", &items(&["a"])).await.unwrap_err();
    assert!(!Unconfirmed::is_in(&error), "nothing was sent");
}

#[tokio::test]
async fn a_batch_that_is_at_fault_says_why_and_a_cancelled_one_keeps_what_is_done() {
    let server = server(OpenAiChat::default(), |_, _| {
        BatchAnswer::Text("done".into())
    })
    .await;
    let batches = batches_at(&server.url(), "openai/gpt-4.1-mini");
    server.end_after(9);
    let status = batches.submit("n", &items(&["a", "b"])).await.unwrap();
    let state = batches.cancel(&status.id).await.unwrap().state;
    assert_eq!(state, BatchState::Cancelling);
    let over = batches.status(&status.id).await.unwrap();
    assert_eq!(over.state, BatchState::Cancelled);
    let (read, _) = all(batches.results(&status.id).await.unwrap()).await;
    assert_eq!(read.into_keys().collect::<Vec<_>>(), ["a"]);

    server.end_after(0);
    server.find_fault("the file is empty");
    let status = batches.submit("n", &items(&["a"])).await.unwrap();
    let over = batches.status(&status.id).await.unwrap();
    assert_eq!(over.state, BatchState::Failed);
    assert_eq!(over.problem.as_deref(), Some("line 1: the file is empty"));
    let (read, broken) = all(batches.results(&status.id).await.unwrap()).await;
    assert!(read.is_empty() && broken.is_empty());

    let gone = batches.status("batch-77").await.unwrap_err();
    assert_eq!(gone.status(), Some(404));
    assert!(gone.help().contains("the batch's id"), "{}", gone.help());
}

#[tokio::test]
async fn strange_words_break_nothing_and_pages_are_followed() {
    let server = ApiServer::start([
        (
            "GET /v1/batches?limit=100",
            200,
            r#"{"data": [{"id": "b1", "status": "pondering", "request_counts": null}, {"x": 1}],
                "has_more": true, "last_id": "b 1"}"#,
        ),
        (
            "GET /v1/batches?limit=100&after=b%201",
            200,
            r#"{"data": [{"id": "b2", "status": null, "created_at": "soon", "errors": []}]}"#,
        ),
    ])
    .await
    .unwrap();
    let batches = batches_at(&server.url(), "openai/gpt-4.1-mini");
    let listed = batches.list().await.unwrap();
    assert_eq!(listed[0].state, BatchState::Other("pondering".to_owned()));
    assert!(!listed[0].state.is_over());
    assert_eq!((&*listed[1].id, listed[1].created), ("b2", None));
}
