//! Settings of an agent over HTTP: where it asks, with which key, how often and in which form.
#![cfg(all(feature = "agent", feature = "compatible"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use parlor::{Env, ErrorKind, Registry, Result, Settings};
use parlor_testkit::{ApiServer, SeenRequest};
use serde_json::Value;

const ANSWER: &str = r#"{"id":"1","model":"tiny","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;
const CALL: &str = r#"{"id":"1","model":"tiny","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call00001","type":"function","function":{"name":"look","arguments":"{nope}"}}]},"finish_reason":"tool_calls"}]}"#;
const PLACE: &str = "POST /v1/chat/completions";

/// What comes of one question, and the requests that a server saw.
async fn ask(
    answers: &[(&str, u16, &str)],
    settings: Settings,
) -> (Result<String>, Vec<SeenRequest>) {
    let server = ApiServer::start(answers.iter().copied()).await.unwrap();
    let env = Env::from([("HOUSE_KEY", "my-house-key-1234")]);
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    let settings = settings.with_base_url(format!("{}/v1", server.url()));
    let agent = settings.agent_in(&registry).unwrap();
    let reply = agent.conversation().send("Hi").await;
    (reply.map(|reply| reply.text()), server.requests())
}

fn body(request: &SeenRequest) -> Value {
    request.json().unwrap()
}

#[tokio::test]
async fn an_address_a_key_and_a_name_are_enough() {
    let settings = Settings::new("tiny")
        .with_api_key("my-own-secret-9876")
        .with_temperature(0.5)
        .with_max_tokens(20)
        .with(|it| {
            it.model.seed = Some(7);
            it.model.user = Some("u-1".to_owned());
        });
    let (reply, seen) = ask(&[(PLACE, 200, ANSWER)], settings).await;
    assert_eq!(reply.unwrap(), "Hello");
    let key = seen[0].header("authorization");
    assert_eq!(key, Some("Bearer my-own-secret-9876"));
    let body = body(&seen[0]);
    assert_eq!(body["model"], "tiny");
    assert_eq!(body["temperature"], 0.5);
    assert_eq!(body["seed"], 7);
    assert_eq!(body["user"], "u-1");
    assert_eq!(body["stream"], true);
    let tokens = [&body["max_tokens"], &body["max_completion_tokens"]];
    assert!(tokens.iter().any(|it| **it == 20), "{body}");
}

#[tokio::test]
async fn a_name_with_slashes_stays_whole_and_a_key_s_variable_is_read() {
    let settings =
        Settings::new("house/tiny").with(|it| it.model.api_key_env = Some("HOUSE_KEY".to_owned()));
    let (reply, seen) = ask(&[(PLACE, 200, ANSWER)], settings).await;
    reply.unwrap();
    assert_eq!(body(&seen[0])["model"], "house/tiny");
    let key = seen[0].header("authorization");
    assert_eq!(key, Some("Bearer my-house-key-1234"));
}

#[tokio::test]
async fn a_whole_answer_is_asked_for_where_streams_are_not_wanted() {
    let settings = Settings::new("tiny").with(|it| it.model.stream = Some(false));
    let (reply, seen) = ask(&[(PLACE, 200, ANSWER)], settings).await;
    assert_eq!(reply.unwrap(), "Hello");
    assert_ne!(body(&seen[0])["stream"], true);
}

#[tokio::test]
async fn so_many_retries_and_no_more() {
    let failing = r#"{"error":{"message":"try again"}}"#;
    for retries in [0, 2] {
        let settings = Settings::new("tiny").with_max_retries(retries).with(|it| {
            it.run.retry_delay = Some(std::time::Duration::from_millis(1));
            it.run.error_length = Some(3);
        });
        let (reply, seen) = ask(&[(PLACE, 503, failing)], settings).await;
        assert_eq!(seen.len() as u32, retries + 1);
        let error = reply.unwrap_err();
        assert_eq!(error.message(), "try again");
        assert!(
            error.to_string().contains("try… (6 more characters)"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_can_t_be_read_is_an_error_where_parsing_is_strict() {
    let strict = |strict| Settings::new("tiny").with(|it| it.run.strict_parsing = Some(strict));
    let answers = [(PLACE, 200, CALL), (PLACE, 200, ANSWER)];
    let (reply, _) = ask(&answers, strict(false)).await;
    assert_eq!(reply.unwrap(), "Hello", "the model is told and asked again");
    let (reply, seen) = ask(&answers, strict(true)).await;
    let error = reply.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.message().starts_with("the call of `look`"), "{error}");
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn an_instance_retries_as_it_says_itself() {
    let server = ApiServer::start([(PLACE, 500, "{}")]).await.unwrap();
    for (retry, attempts) in [("false", 1), ("{ attempts = 2, base_delay = \"1ms\" }", 2)] {
        let toml = format!(
            "[layers.retry]\nattempts = 3\nbase_delay = \"1ms\"\n\
             [providers.house]\ntype = \"openai-compatible\"\nbase_url = \"{}/v1\"\n\
             [providers.house.layers]\nretry = {retry}\n",
            server.url()
        );
        let config = parlor::Config::from_toml(&toml).unwrap();
        let registry = Registry::global(parlor::PROVIDERS).unwrap();
        let registry = registry.with_env(Env::empty()).with_config(config).unwrap();
        let layers = parlor::layers::ConfiguredLayers::new(registry.config()).unwrap();
        let model = layers.model(&registry, "house/tiny").unwrap();
        let before = server.requests().len();
        let error = parlor::ChatModelExt::ask(&*model, "Hi").await.unwrap_err();
        assert_eq!(error.status(), Some(500), "{error}");
        assert_eq!(server.requests().len() - before, attempts, "{retry}");
    }
}
