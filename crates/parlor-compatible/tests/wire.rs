//! What presets write, against what their hosts document.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use parlor_compatible::{DeepSeekOptions, DeepSeekThinking, PROVIDERS, QwenOptions};
use parlor_core::{ChatRequest, Effort, FunctionDefinition, ToolChoice, ToolDefinition};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_registry::{Env, KeySource, ProviderConfig};
use parlor_testkit::{DialectServer, Sage};
use serde_json::{Value, json};

/// The body that a preset sends, and the settings that it warns of.
async fn sent(id: &str, model: &str, request: ChatRequest) -> (Value, Vec<String>) {
    let sage = Arc::new(Sage::new(model));
    let server = DialectServer::start(OpenAiChat::default(), sage)
        .await
        .unwrap();
    let preset = PROVIDERS
        .iter()
        .find(|it| it.descriptor().id == id)
        .unwrap();
    let mut config = ProviderConfig::new(id)
        .with_base_url(server.url())
        .with_key(KeySource::Explicit("sk-1".into()))
        .with_env(Env::empty());
    config.instance_of = preset.descriptor().region_of.map(str::to_owned);
    let built = preset.build(model, &config).unwrap();
    let answer = built.chat(&request).await.unwrap();
    let body = &server.requests()[0].body;
    let warned = answer.warnings.iter().map(|it| it.setting.to_string());
    (serde_json::from_slice(body).unwrap(), warned.collect())
}

fn thinking(effort: Effort) -> ChatRequest {
    ChatRequest::from("Hi").with_reasoning(effort)
}

/// The fields of a body that aren't those of every request.
fn beside(body: &Value) -> Value {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    for field in [
        "model",
        "messages",
        "context_length_exceeded_behavior",
        "reasoning_split",
    ] {
        fields.remove(field);
    }
    body
}

#[tokio::test]
async fn thinking_is_switched_in_each_hosts_words() {
    let high = || thinking(Effort::High);
    let off = || thinking(Effort::Off);
    for (id, on, without) in [
        (
            "deepseek",
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            "volcengine",
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            "dashscope",
            json!({"enable_thinking": true}),
            json!({"enable_thinking": false}),
        ),
        (
            "dashscope-intl",
            json!({"enable_thinking": true}),
            json!({"enable_thinking": false}),
        ),
        (
            "siliconflow",
            json!({"enable_thinking": true}),
            json!({"enable_thinking": false}),
        ),
        (
            "groq",
            json!({"reasoning_effort": "high"}),
            json!({"reasoning_effort": "none"}),
        ),
        (
            "xai",
            json!({"reasoning_effort": "high"}),
            json!({"reasoning_effort": "none"}),
        ),
        (
            "openrouter",
            json!({"reasoning": {"effort": "high"}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            "vercel",
            json!({"reasoning": {"effort": "high"}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            "vllm",
            json!({"chat_template_kwargs": {"enable_thinking": true}}),
            json!({"chat_template_kwargs": {"enable_thinking": false}}),
        ),
        (
            "nvidia",
            json!({"chat_template_kwargs": {"thinking": true}}),
            json!({"chat_template_kwargs": {"thinking": false}}),
        ),
        ("minimax", json!({}), json!({})),
        ("minimax-cn", json!({}), json!({})),
    ] {
        assert_eq!(beside(&sent(id, "m", high()).await.0), on, "{id}");
        assert_eq!(beside(&sent(id, "m", off()).await.0), without, "{id}");
    }
    // Less than high is taken for it, and said to be.
    let (body, warned) = sent("deepseek", "m", thinking(Effort::Low)).await;
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(warned, ["reasoning.effort"]);
}

#[tokio::test]
async fn open_models_that_think_in_streams_alone_are_told_not_to() {
    let hi = || ChatRequest::from("Hi");
    for (model, told) in [
        ("qwen3-32b", json!(false)),
        ("qwen3-235b-a22b", json!(false)),
        ("qwen3-0.6b", json!(false)),
        ("qwen3-30b-a3b-instruct-2507", Value::Null),
        ("qwen3-max", Value::Null),
        ("qwen-plus", Value::Null),
    ] {
        assert_eq!(
            sent("dashscope", model, hi()).await.0["enable_thinking"],
            told,
            "{model}"
        );
    }
}

#[tokio::test]
async fn options_of_a_vendor_serve_all_its_regions() {
    let mut options = QwenOptions::default();
    options.enable_search = Some(true);
    for id in ["dashscope", "dashscope-intl"] {
        let request = options.apply(ChatRequest::from("Hi"));
        assert_eq!(
            sent(id, "m", request).await.0["enable_search"],
            true,
            "{id}"
        );
    }
    // They win over what the request says for all.
    let mut options = DeepSeekOptions::default();
    options.thinking = Some(DeepSeekThinking::Adaptive);
    let body = sent("deepseek", "m", options.apply(thinking(Effort::High)))
        .await
        .0;
    assert_eq!(body["thinking"]["type"], "adaptive");
    assert_eq!(body["reasoning_effort"], "high");
}

#[tokio::test]
async fn a_named_tool_stays_where_required_is_unknown() {
    let tool = ToolDefinition::Function(FunctionDefinition::new("look"));
    let mut request = ChatRequest::from("Hi").with_tool(tool);
    request.tool_choice = Some(ToolChoice::Tool("look".to_owned()));
    let (body, _) = sent("dashscope", "m", request).await;
    assert_eq!(body["tool_choice"]["function"]["name"], "look");
}

#[tokio::test]
async fn models_that_answer_in_streams_alone_are_read_to_the_end() {
    for (model, streamed) in [
        ("qwq-plus", true),
        ("qvq-max", true),
        ("qwen3-omni-flash", true),
        ("qwen3-235b-a22b-thinking-2507", true),
        ("qwen3-32b", false),
        ("qwen-plus", false),
    ] {
        let (body, _) = sent("dashscope", model, ChatRequest::from("Hi")).await;
        assert_eq!(body["stream"] == true, streamed, "{model}");
    }
}

#[tokio::test]
async fn grok_is_spared_what_its_lines_refuse() {
    let request = || {
        let mut request = thinking(Effort::Medium);
        request.presence_penalty = Some(0.0);
        request.frequency_penalty = Some(0.0);
        request.stop = vec!["END".to_owned()];
        request
    };
    let [penalties, stop] = [
        ["frequency_penalty", "presence_penalty"].as_slice(),
        &["stop"],
    ];
    for (model, left_out, effort) in [
        ("grok-3", [].as_slice(), Value::Null),
        ("grok-3-mini", &[penalties, stop], json!("low")),
        ("grok-4", &[penalties, stop], Value::Null),
        ("grok-4.20-0309-non-reasoning", &[penalties], Value::Null),
        ("grok-4.5", &[penalties, stop], json!("medium")),
        ("grok-5", &[penalties, stop], json!("medium")),
    ] {
        let (body, warned) = sent("xai", model, request()).await;
        for field in penalties.iter().chain(stop) {
            let is_left_out = left_out.iter().any(|it| it.contains(field));
            assert_eq!(body.get(field).is_none(), is_left_out, "{model}: {field}");
            assert_eq!(warned.contains(&(*field).to_owned()), is_left_out);
        }
        assert_eq!(body["reasoning_effort"], effort, "{model}");
    }
}
