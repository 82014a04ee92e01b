//! What a configured instance of the provider sends.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::{ChatModel, ChatRequest};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_openai::{OpenAiOptions, PROVIDERS};
use parlor_registry::{Config, Env, Registry};
use parlor_testkit::{DialectServer, Sage};

/// The model of an instance that a configuration describes.
fn model(config: &str, id: &str) -> Arc<dyn ChatModel> {
    let env = Env::from([
        ("OPENAI_API_KEY", "sk-of-openai"),
        ("OPENAI_ORG_ID", "org-of-openai"),
    ]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let config = Config::from_toml(config).unwrap();
    registry.with_config(config).unwrap().model(id).unwrap()
}

async fn server() -> DialectServer {
    let sage = Arc::new(Sage::new("gpt-4o"));
    DialectServer::start(OpenAiChat::default(), sage)
        .await
        .unwrap()
}

#[tokio::test]
async fn options_reach_an_instance_of_any_name() {
    let server = server().await;
    let url = server.url();
    let config = format!("[providers.work]\ntype = 'openai'\nbase_url = '{url}'\napi_key = 'k'");
    let model = model(&config, "work/gpt-4o");
    assert_eq!(model.info().instance_of.as_deref(), Some("openai"));
    let mut options = OpenAiOptions::default();
    options.prompt_cache_key = Some("manual".into());
    let request = options.apply(ChatRequest::from("Hi"));
    model.chat(&request).await.unwrap();
    let seen = server.requests().remove(0);
    assert_eq!(seen.json().unwrap()["prompt_cache_key"], "manual");
    assert_eq!(seen.header("openai-organization"), None);
}

#[tokio::test]
async fn a_configured_header_wins_over_a_variable() {
    let server = server().await;
    let url = server.url();
    for (headers, expected) in [
        ("", "org-of-openai"),
        ("headers.openai-organization = 'org-mine'", "org-mine"),
    ] {
        let config = format!("[providers.openai]\nbase_url = '{url}'\n{headers}");
        let model = model(&config, "openai/gpt-4o");
        assert_eq!(model.info().instance_of, None);
        model.chat(&ChatRequest::from("Hi")).await.unwrap();
        let seen = server.requests().pop().unwrap();
        assert_eq!(seen.header("openai-organization"), Some(expected));
    }
}
