//! Batches from an id to the answers: the registry, the transport and the waiting together, at a
//! server that speaks both forms.
#![cfg(all(feature = "agent", feature = "openai", feature = "anthropic"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor::agent::Batch;
use parlor::{ChatBatches, ChatRequest, ChatResponse, Config, Env, ErrorKind, Registry, Result};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{BatchAnswer, BatchServer};

/// A path of its own for a test, with nothing there.
fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("batches-{name}.jsonl"));
    let _ = std::fs::remove_file(&path);
    path
}

fn batches(server: &BatchServer, id: &str) -> Result<Arc<dyn ChatBatches>> {
    let url = server.url();
    let config = format!(
        "[providers.openai]\nbase_url = '{url}/v1'\napi_key = 'k'\n\
         [providers.anthropic]\nbase_url = '{url}'\napi_key = 'k'\n\
         [models.terse]\nmodel = '{id}'\nsystem = 'Be brief.'"
    );
    let config = Config::from_toml(&config).unwrap();
    let registry = Registry::global(parlor::PROVIDERS).unwrap();
    let registry = registry.with_env(Env::empty()).with_config(config).unwrap();
    registry.batches("terse")
}

fn answers(_: &str, request: &ChatRequest) -> BatchAnswer {
    let said: Vec<String> = request.messages.iter().map(|it| it.text()).collect();
    match said[1].as_str() {
        "late" => BatchAnswer::Expired,
        _ => BatchAnswer::Text(said.join(" ")),
    }
}

async fn servers() -> [(BatchServer, &'static str); 2] {
    let chat = BatchServer::start(OpenAiChat::default(), answers).await;
    let messages = BatchServer::start(AnthropicMessages::default(), answers).await;
    [
        (chat.unwrap(), "openai/gpt-4.1-mini"),
        (messages.unwrap(), "anthropic/claude-haiku-4-5"),
    ]
}

fn batch(file: &PathBuf) -> Batch {
    let (first, most) = (Duration::from_millis(1), Duration::from_millis(3));
    Batch::new().with_file(file).with_polling(first, most)
}

fn texts(results: Vec<Result<ChatResponse>>) -> Vec<String> {
    let text = |it: Result<ChatResponse>| match it {
        Ok(answer) => answer.text(),
        Err(error) => error.kind().to_string(),
    };
    results.into_iter().map(text).collect()
}

#[tokio::test]
async fn an_id_leads_to_answers_whatever_the_form() {
    for (server, id) in servers().await {
        let file = path(id.split('/').next().unwrap());
        server.end_after(3);
        let polled = match id.starts_with("openai") {
            true => "GET /v1/batches/",
            false => "GET /v1/messages/batches/",
        };
        server.fail_next(polled, 429, r#"{"error":{"message":"slow down"}}"#);
        server.fail_next(polled, 500, "<html>oh no</html>");
        let asked = ["one", "late", "two"];
        let run = batch(&file).ask_provider(batches(&server, id).unwrap(), asked);
        let results = texts(run.unwrap().all().await);
        assert_eq!(
            results,
            ["Be brief. one", "total_timeout", "Be brief. two"],
            "{id}"
        );
        assert_eq!(server.taken(), [3], "{id}");
    }
}

#[tokio::test]
async fn a_run_that_is_killed_goes_on_with_the_same_batch() {
    for (server, id) in servers().await {
        let file = path(&format!("killed-{}", id.split('/').next().unwrap()));
        server.end_after(usize::MAX);
        let run = batch(&file).ask_provider(batches(&server, id).unwrap(), ["one", "two"]);
        let mut run = run.unwrap();
        let waiting = async {
            while server.requests().len() < 5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = run.next() => panic!("{ended:?}"),
            () = waiting => {}
        }
        drop(run);
        server.end_after(0);
        let run = batch(&file).ask_provider(batches(&server, id).unwrap(), ["two", "one"]);
        let results = texts(run.unwrap().all().await);
        assert_eq!(results, ["Be brief. two", "Be brief. one"], "{id}");
        assert_eq!(server.taken(), [2], "{id}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_made_good_where_names_are_kept() {
    for (server, id) in servers().await {
        let file = path(&format!("lost-{}", id.split('/').next().unwrap()));
        server.lose_next_answer();
        let run = batch(&file).ask_provider(batches(&server, id).unwrap(), ["one"]);
        let results = texts(run.unwrap().all().await);
        let expected = match id.starts_with("openai") {
            true => "Be brief. one",
            false => "server",
        };
        assert_eq!(results, [expected], "{id}");
        let run = batch(&file).ask_provider(batches(&server, id).unwrap(), ["one"]);
        run.unwrap().all().await;
        assert_eq!(server.taken(), [1], "{id}: handed in twice in silence");
    }
}

#[tokio::test]
async fn who_takes_no_batches_says_who_does() {
    let [(server, _), _] = servers().await;
    let error = batches(&server, "echo/echo").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.help().contains("anthropic, "), "{}", error.help());
    assert!(error.help().contains("openai"), "{}", error.help());
}
