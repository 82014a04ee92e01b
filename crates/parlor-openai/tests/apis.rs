//! The provider's two APIs are one provider: options and conversations go between them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use parlor_core::{ChatModel, ChatRequest, ErrorKind, Message, ToolResult};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target};
use parlor_openai::{OpenAiOptions, PROVIDERS, ResponsesOptions, Verbosity, built_in};
use parlor_registry::{Config, Env, Registry};
use parlor_testkit::{DialectServer, Sage};
use serde_json::{Value, json};

async fn server(dialect: impl ServerDialect) -> DialectServer {
    let sage = Arc::new(Sage::new("gpt-5-mini"));
    DialectServer::start(dialect, sage).await.unwrap()
}

/// The model of this id at a server.
fn model(id: &str, url: &str) -> Arc<dyn ChatModel> {
    let env = Env::from([("OPENAI_API_KEY", "sk-test"), ("OPENAI_BASE_URL", url)]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    registry.model(id).unwrap()
}

async fn sent(id: &str, server: &DialectServer, request: &ChatRequest) -> Value {
    model(id, &server.url()).chat(request).await.unwrap();
    let seen = server.requests().pop().unwrap();
    seen.json().unwrap()
}

#[tokio::test]
async fn options_have_their_place_in_either_api() {
    let mut options = OpenAiOptions::default();
    options.verbosity = Some(Verbosity::Low);
    options.prompt_cache_key = Some("manual".into());
    let request = options.apply(ChatRequest::from("Hi"));
    let chat = server(OpenAiChat::default()).await;
    let body = sent("openai-chat/gpt-5-mini", &chat, &request).await;
    assert_eq!(body["verbosity"], "low");
    let responses = server(OpenAiResponses::default()).await;
    let body = sent("openai-responses/gpt-5-mini", &responses, &request).await;
    assert_eq!(body["text"]["verbosity"], "low");
    assert_eq!(body.get("verbosity"), None);
    assert_eq!(body["prompt_cache_key"], "manual");
}

#[tokio::test]
async fn what_one_api_alone_knows_is_told_by_the_other() {
    let mut options = ResponsesOptions::default();
    options.truncation = Some("auto".into());
    let request = options.apply(ChatRequest::from("Hi"));
    let chat = server(OpenAiChat::default()).await;
    let model = model("openai/gpt-5-mini", &chat.url());
    let answer = model.chat(&request).await.unwrap();
    assert_eq!(answer.warnings[0].setting, "extra.truncation");
    let seen = chat.requests().pop().unwrap().json().unwrap();
    assert_eq!(seen.get("truncation"), None);

    options.previous_response_id = Some("resp_1".into());
    let request = options.apply(ChatRequest::from("Hi"));
    let error = model.chat(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn nothing_is_kept_unless_the_request_goes_on_from_what_is() {
    let responses = server(OpenAiResponses::default()).await;
    let id = "openai-responses/gpt-5-mini";
    let body = sent(id, &responses, &ChatRequest::from("Hi")).await;
    assert_eq!(body["store"], false);
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    let mut options = ResponsesOptions::default();
    options.conversation = Some("conv_1".into());
    let request = options.apply(ChatRequest::from("Hi"));
    let body = sent(id, &responses, &request).await;
    assert_eq!(body.get("store"), None);
    assert_eq!(body.get("include"), None);
    assert_eq!(body["conversation"], "conv_1");
}

#[tokio::test]
async fn a_conversation_moves_without_foreign_items() {
    let info = parlor_core::ModelInfo::new("openai", "gpt-5-mini");
    let profile = Profile::of("gpt-5-mini");
    let target = Target::new(&info, &profile);
    let body = json!({"id": "resp_1", "status": "completed", "model": "gpt-5-mini", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "gAAA"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
            "arguments": "{}", "status": "completed"},
    ]});
    let body = body.to_string();
    let answer = OpenAiResponses::default().read_response(body.as_bytes(), &target);
    let turn = answer.unwrap().choices.remove(0).message;
    let result = ToolResult::text("call_1", "nothing");
    let request = ChatRequest::from("Look!")
        .with_message(turn)
        .with_message(Message::tool_results([result]));

    let chat = server(OpenAiChat::default()).await;
    let sent_by_chat = sent("openai-chat/gpt-5-mini", &chat, &request)
        .await
        .to_string();
    for foreign in ["rs_1", "ws_1", "fc_1", "gAAA"] {
        assert!(!sent_by_chat.contains(foreign), "{sent_by_chat}");
    }
    assert!(sent_by_chat.contains("call_1"));
}

#[test]
fn ids_that_name_an_api_are_the_same_provider() {
    let env = Env::from([("OPENAI_API_KEY", "sk-test")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    for id in ["openai/gpt-5-mini", "openai-responses/gpt-5-mini"] {
        let model = registry.model(id).unwrap();
        assert_eq!(model.info().native_provider(), "openai", "{id}");
        assert!(model.info().context_window.is_some(), "{id}");
    }
    let config = "[providers.work]\ntype = 'openai-responses'\n\
                  base_url = 'http://127.0.0.1:1'\napi_key = 'k'";
    let registry = registry.with_config(Config::from_toml(config).unwrap());
    let model = registry.unwrap().model("work/gpt-5-mini").unwrap();
    assert_eq!(model.info().native_provider(), "work");
    assert_eq!(model.info().instance_of.as_deref(), Some("openai"));
}

#[tokio::test]
async fn built_in_tools_go_to_responses_alone() {
    let search = built_in(json!({"type": "web_search"}));
    let request = ChatRequest::from("Hi").with_tool(search);
    let responses = server(OpenAiResponses::default()).await;
    let body = sent("openai-responses/gpt-5-mini", &responses, &request).await;
    assert_eq!(body["tools"], json!([{"type": "web_search"}]));
    let chat = server(OpenAiChat::default()).await;
    let model = model("openai-chat/gpt-5-mini", &chat.url());
    let error = model.chat(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
