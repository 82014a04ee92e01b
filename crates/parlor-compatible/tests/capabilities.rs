//! What a model lacks is refused before anything is sent, or left out with a
//! warning, by the caller's choice; the nearest model that can is named.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use parlor_compatible::PROVIDERS;
use parlor_core::{
    CacheHint, Capability, ChatModelExt, ChatRequest, ChatResponse, Effort, ErrorKind,
    FunctionDefinition, Media, Message, OnUnsupported, OutputFormat, OutputSchema, Result,
    ToolChoice, ToolDefinition,
};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_registry::{Config, Env, Registry};
use parlor_testkit::{DialectServer, Sage};
use serde_json::json;

/// A registry of a host with a model of which nothing is known, one that lacks
/// all and one that can do all.
fn registry(url: &str) -> Registry {
    let all: Vec<&str> = Capability::ALL.iter().map(|it| it.as_str()).collect();
    let config = format!(
        "[providers.mine]\nbase_url = \"{url}\"\nmodels = [\n\
         {{ id = \"quick-bare\", lacks = {all:?} }},\n{{ id = \"quick-able\", features = {all:?} }},\n]\n"
    );
    let registry = Registry::with(PROVIDERS).unwrap().with_env(Env::empty());
    registry
        .with_config(Config::from_toml(&config).unwrap())
        .unwrap()
}

fn hi(set: impl FnOnce(&mut ChatRequest)) -> ChatRequest {
    let tool = ToolDefinition::Function(FunctionDefinition::new("look"));
    let mut request = ChatRequest::from("Hi").with_tool(tool);
    set(&mut request);
    if request.tool_choice.is_none() && request.parallel_tool_calls.is_none() {
        request.tools.clear();
    }
    request
}

/// Settings, whether they are features, and requests that have them.
fn cases() -> Vec<(&'static str, bool, ChatRequest)> {
    let schema = OutputSchema::new("x", json!({"type": "object", "properties": {}}));
    let media = |media_type: &str| {
        let media = Media::bytes(media_type, &b"\x89PNG"[..]);
        ChatRequest::new([Message::user("see").with(media)])
    };
    let tool = ToolDefinition::Function(FunctionDefinition::new("look"));
    vec![
        ("image", true, media("image/png")),
        ("audio", true, media("audio/wav")),
        ("video", true, media("video/mp4")),
        ("document", true, media("application/pdf")),
        ("tools", true, ChatRequest::from("Hi").with_tool(tool)),
        (
            "output",
            true,
            hi(|it| it.output = Some(OutputFormat::Json)),
        ),
        (
            "output",
            true,
            hi(|it| it.output = Some(OutputFormat::JsonSchema(schema))),
        ),
        (
            "reasoning",
            false,
            hi(|it| it.reasoning = Some(Effort::High.into())),
        ),
        ("n", false, hi(|it| it.n = Some(2))),
        ("logprobs", false, hi(|it| it.logprobs = Some(true))),
        ("seed", false, hi(|it| it.seed = Some(1))),
        ("stop", false, hi(|it| it.stop = vec!["zzz".to_owned()])),
        ("temperature", false, hi(|it| it.temperature = Some(0.5))),
        (
            "presence_penalty",
            false,
            hi(|it| it.presence_penalty = Some(0.5)),
        ),
        (
            "cache",
            false,
            hi(|it| it.cache = Some(CacheHint::default())),
        ),
        (
            "prefill",
            true,
            hi(|it| it.messages.push(Message::assistant("Well,"))),
        ),
    ]
}

/// Calls a model, one that doesn't stream.
async fn ask(registry: &Registry, model: &str, request: &ChatRequest) -> Result<ChatResponse> {
    registry.model(model)?.chat(request).await
}

#[tokio::test]
async fn what_a_model_lacks_is_refused_or_warned_of_and_the_nearest_is_named() {
    let [bare, able, stranger] = ["quick-bare", "quick-able", "stranger"].map(Sage::new);
    let server = DialectServer::new(OpenAiChat::default(), Arc::new(bare))
        .with_model(Arc::new(able))
        .with_model(Arc::new(stranger))
        .start()
        .await
        .unwrap();
    let registry = registry(&server.url());
    let near = "Use `mine/quick-able`, which supports it, or leave out";
    for (setting, feature, mut request) in cases() {
        let sent = server.requests().len();
        request.on_unsupported = Some(OnUnsupported::Error);
        let error = ask(&registry, "mine/quick-bare", &request)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{setting}: {error}");
        let start = format!("`{setting}` ");
        assert!(error.message().starts_with(&start), "{setting}: {error}");
        assert_eq!(error.help(), format!("{near} `{setting}`."));
        assert_eq!(error.model(), Some("quick-bare"));
        assert_eq!(server.requests().len(), sent, "{setting} was sent");

        request.on_unsupported = Some(OnUnsupported::Warn);
        let answer = ask(&registry, "mine/quick-bare", &request).await.unwrap();
        let settings: Vec<_> = answer.warnings.iter().map(|it| &*it.setting).collect();
        assert_eq!(settings, [setting]);
        let near = "; `mine/quick-able` supports it";
        let message = &answer.warnings[0].message;
        assert!(message.ends_with(near), "{message}");

        request.on_unsupported = None;
        let answer = ask(&registry, "mine/quick-bare", &request).await;
        assert_eq!(answer.is_err(), feature, "{setting}: {answer:?}");

        // Nobody knows: the host decides.
        request.on_unsupported = Some(OnUnsupported::Error);
        let answer = ask(&registry, "mine/stranger", &request).await;
        let unasked = answer
            .err()
            .filter(|it| it.kind() == ErrorKind::Unsupported);
        assert!(unasked.is_none(), "{setting}: {unasked:?}");
    }
    let mut forced = hi(|it| it.tool_choice = Some(ToolChoice::Required));
    forced.on_unsupported = Some(OnUnsupported::Error);
    let error = ask(&registry, "mine/quick-bare", &forced)
        .await
        .unwrap_err();
    assert_eq!(error.help(), format!("{near} `tools`."), "tools come first");

    let model = registry.model("mine/quick-bare").unwrap();
    let error = model.ask_stream("Hi").await.unwrap_err();
    assert_eq!(error.help(), format!("{near} `stream`."));
}

#[tokio::test]
async fn the_catalogue_names_the_nearest_of_the_same_provider() {
    let keys = Env::new(|name| name.ends_with("_API_KEY").then(|| "sk-1".to_owned()));
    let registry = Registry::with(PROVIDERS).unwrap().with_env(keys);
    let image = Media::bytes("image/png", &b"\x89PNG"[..]);
    let picture = ChatRequest::new([Message::user("see").with(image)]);
    for (model, near) in [
        (
            "deepseek/deepseek-v4-flash",
            "deepseek/deepseek-v4-flash-vision-exp",
        ),
        ("groq/openai/gpt-oss-120b", "groq/qwen/qwen3.8-27b"),
    ] {
        let error = ask(&registry, model, &picture).await.unwrap_err();
        let help = format!("Use `{near}`, which supports it, or leave out `image`.");
        assert_eq!(error.help(), help, "{model}");
    }
    // Nobody of this provider hears.
    let sound = Media::bytes("audio/wav", &b"RIFF"[..]);
    let spoken = ChatRequest::new([Message::user("hear").with(sound)]);
    let error = ask(&registry, "deepseek/deepseek-v4-flash", &spoken)
        .await
        .unwrap_err();
    assert!(error.help().starts_with("Leave out"), "{}", error.help());
}
