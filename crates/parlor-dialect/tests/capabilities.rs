//! Every dialect judges what a model lacks the same way: the same setting by
//! the same name, an error or a warning by the caller's choice, and the nearest
//! model that can in the error's help or the warning.

#![allow(clippy::unwrap_used)]

use parlor_core::{
    Alternatives, CacheHint, Capabilities, Capability, ChatRequest, Effort, ErrorKind,
    FunctionDefinition, Media, Message, ModelInfo, OnUnsupported, OutputFormat, OutputSchema,
    Result, Text, ToolChoice, ToolDefinition,
};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::hunyuan::Hunyuan;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Dialect, Profile, Target, WireRequest};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A setting, the capability that it takes, and whether it is a feature.
struct Case {
    setting: &'static str,
    capability: Capability,
    feature: bool,
    request: ChatRequest,
}

fn hi(set: impl FnOnce(&mut ChatRequest)) -> ChatRequest {
    let mut request = ChatRequest::from("Hi");
    set(&mut request);
    request
}

fn with_tool(set: impl FnOnce(&mut ChatRequest)) -> ChatRequest {
    let tool = ToolDefinition::Function(FunctionDefinition::new("look"));
    let mut request = ChatRequest::from("Hi").with_tool(tool);
    set(&mut request);
    request
}

fn with_media(media_type: &str) -> ChatRequest {
    let media = Media::bytes(media_type, &b"\x89PNG"[..]);
    ChatRequest::new([Message::user("see").with(media)])
}

fn with_hint() -> ChatRequest {
    let mut text = Text::new("a long text");
    text.cache = Some(CacheHint::default());
    ChatRequest::new([Message::user("read").with(text)])
}

fn cases() -> Vec<Case> {
    use Capability as C;
    let knob = |setting, capability, request| Case {
        setting,
        capability,
        feature: false,
        request,
    };
    let feature = |setting, capability, request| Case {
        feature: true,
        ..knob(setting, capability, request)
    };
    let schema = OutputSchema::new("x", json!({"type": "object", "properties": {}}));
    let allowed = ToolChoice::Allowed {
        tools: vec!["look".to_owned()],
        required: true,
    };
    vec![
        feature("stream", C::Streaming, hi(|_| {})),
        feature("tools", C::Tools, with_tool(|_| {})),
        feature(
            "tool_choice",
            C::ToolChoice,
            with_tool(|it| it.tool_choice = Some(ToolChoice::Required)),
        ),
        feature(
            "tool_choice",
            C::ToolChoice,
            with_tool(|it| it.tool_choice = Some(ToolChoice::Tool("look".to_owned()))),
        ),
        feature(
            "tool_choice",
            C::ToolChoice,
            with_tool(|it| it.tool_choice = Some(allowed)),
        ),
        knob(
            "parallel_tool_calls",
            C::ParallelTools,
            with_tool(|it| it.parallel_tool_calls = Some(true)),
        ),
        feature(
            "output",
            C::Json,
            hi(|it| it.output = Some(OutputFormat::Json)),
        ),
        feature(
            "output",
            C::JsonSchema,
            hi(|it| it.output = Some(OutputFormat::JsonSchema(schema))),
        ),
        knob(
            "reasoning",
            C::Reasoning,
            hi(|it| it.reasoning = Some(Effort::High.into())),
        ),
        feature("image", C::ImageInput, with_media("image/png")),
        feature("audio", C::AudioInput, with_media("audio/wav")),
        feature("video", C::VideoInput, with_media("video/mp4")),
        feature("document", C::DocumentInput, with_media("application/pdf")),
        knob("n", C::MultipleChoices, hi(|it| it.n = Some(2))),
        knob("logprobs", C::Logprobs, hi(|it| it.logprobs = Some(true))),
        knob(
            "top_logprobs",
            C::Logprobs,
            hi(|it| it.top_logprobs = Some(2)),
        ),
        knob("seed", C::Seed, hi(|it| it.seed = Some(1))),
        knob("stop", C::Stop, hi(|it| it.stop = vec!["x".to_owned()])),
        knob(
            "temperature",
            C::Sampling,
            hi(|it| it.temperature = Some(0.5)),
        ),
        knob("top_p", C::Sampling, hi(|it| it.top_p = Some(0.5))),
        knob("top_k", C::Sampling, hi(|it| it.top_k = Some(5))),
        knob(
            "frequency_penalty",
            C::Penalties,
            hi(|it| it.frequency_penalty = Some(0.5)),
        ),
        knob(
            "presence_penalty",
            C::Penalties,
            hi(|it| it.presence_penalty = Some(0.5)),
        ),
        feature(
            "prefill",
            C::Prefill,
            hi(|it| it.messages.push(Message::assistant("Well,"))),
        ),
        knob(
            "cache",
            C::CacheControl,
            hi(|it| it.cache = Some(CacheHint::default())),
        ),
        knob("cache", C::CacheControl, with_hint()),
    ]
}

/// What no request asks for: a model's output is of what kinds it is.
const UNASKED: &[Capability] = &[Capability::ImageOutput, Capability::AudioOutput];

#[test]
fn every_capability_has_a_case() {
    let cases = cases();
    for capability in Capability::ALL {
        let cased = cases.iter().any(|case| case.capability == *capability);
        assert!(cased != UNASKED.contains(capability), "{capability:?}");
    }
}

fn write(dialect: &impl Dialect, info: &ModelInfo, request: &ChatRequest) -> Result<WireRequest> {
    let profile = Profile::default();
    dialect.write_request(request, &Target::new(info, &profile).streaming())
}

/// The settings that were said to be unsupported by the model.
fn lacking(wire: &WireRequest) -> Vec<&str> {
    let warnings = wire.warnings.iter();
    let lacking = warnings.filter(|it| it.message.contains("is not supported by this model"));
    lacking.map(|it| it.setting.as_str()).collect()
}

/// Checks a dialect; what it says of some settings by itself, whatever the
/// model, is in `own`.
fn check(dialect: &impl Dialect, own: &[&str]) {
    let name = dialect.name();
    for case in cases() {
        let Case {
            setting,
            capability,
            feature,
            mut request,
        } = case;
        if own.contains(&setting) {
            continue;
        }
        let mut info = ModelInfo::new("acme", "m");
        info.alternatives = Alternatives::new(|it| Some(format!("acme/{}", it.as_str())));
        let at = format!("{name}: {setting}, {capability:?}");

        // Nobody knows: it is sent, or the dialect has a reason of its own.
        match write(dialect, &info, &request) {
            Ok(wire) => assert_eq!(lacking(&wire), [""; 0], "{at}"),
            Err(error) => assert!(!error.message().contains("this model"), "{at}: {error}"),
        }

        info.capabilities = Capabilities::UNKNOWN.lacking(&[capability]);
        let default = write(dialect, &info, &request);
        assert_eq!(default.is_err(), feature, "{at}: {default:?}");

        request.on_unsupported = Some(OnUnsupported::Error);
        let error = write(dialect, &info, &request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{at}");
        let message = format!("`{setting}` is not supported by this model");
        assert_eq!(error.message(), message, "{at}");
        let near = format!("`acme/{}`", capability.as_str());
        assert!(error.help().contains(&near), "{at}: {}", error.help());
        assert_eq!(error.model(), Some("m"), "{at}");

        request.on_unsupported = Some(OnUnsupported::Warn);
        let wire = write(dialect, &info, &request).unwrap();
        assert_eq!(lacking(&wire), [setting], "{at}: {:?}", wire.warnings);
        let told = wire.warnings.iter().filter(|it| it.setting == setting);
        assert_eq!(told.count(), 1, "{at}: {:?}", wire.warnings);
        let near = format!("; `acme/{}` supports it", capability.as_str());
        let mut messages = wire.warnings.iter().map(|it| &it.message);
        assert!(messages.any(|it| it.ends_with(&near)), "{at}: {near}");
    }
}

#[test]
fn every_dialect_judges_alike() {
    check(&OpenAiChat::default(), &[]);
    check(&OpenAiResponses::default(), &[]);
    check(&AnthropicMessages::default(), &[]);
    check(&BedrockConverse::default(), &[]);
    check(&Gemini::default(), &[]);
    check(&Ollama::default(), &[]);
    // Documents go as their text.
    check(&Cohere::default(), &["document"]);
    // It has no forms of output and no audio and documents at all.
    check(&Hunyuan::default(), &["output"]);
}

#[test]
fn others_are_looked_for_once_and_only_where_something_lacks() {
    let looked = Arc::new(AtomicU32::new(0));
    let counter = looked.clone();
    let mut info = ModelInfo::new("acme", "m");
    info.alternatives = Alternatives::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        None
    });
    let image = || Media::bytes("image/png", &b"\x89PNG"[..]);
    let message = Message::user("see").with(image()).with(image());
    let mut request = ChatRequest::new([message]);
    request.on_unsupported = Some(OnUnsupported::Warn);

    write(&OpenAiChat::default(), &info, &request).unwrap();
    assert_eq!(looked.load(Ordering::Relaxed), 0, "nothing lacks");

    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::ImageInput]);
    let wire = write(&OpenAiChat::default(), &info, &request).unwrap();
    assert_eq!(looked.load(Ordering::Relaxed), 1);
    // Where nobody can, nobody is named.
    let messages: Vec<_> = wire.warnings.iter().map(|it| &*it.message).collect();
    assert_eq!(messages, ["`image` is not supported by this model"]);
}

#[test]
fn a_choice_that_forces_nothing_comes_about_by_leaving_out() {
    let mut info = ModelInfo::new("acme", "m");
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::ToolChoice]);
    let other = ToolDefinition::Function(FunctionDefinition::new("other"));
    let tools = |choice: ToolChoice| {
        let request = with_tool(|it| {
            it.tools.push(other.clone());
            it.tool_choice = Some(choice);
        });
        let wire = write(&OpenAiChat::default(), &info, &request).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&wire.body).unwrap();
        assert_eq!(body.get("tool_choice"), None);
        let settings: Vec<_> = wire.warnings.iter().map(|it| &*it.setting).collect();
        assert_eq!(settings, ["tool_choice"]);
        body["tools"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(tools(ToolChoice::None), 0);
    let allowed = ToolChoice::Allowed {
        tools: vec!["other".to_owned()],
        required: false,
    };
    assert_eq!(tools(allowed), 1);
}

#[test]
fn none_is_granted_by_a_model_without_thoughts() {
    let mut info = ModelInfo::new("acme", "m");
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Reasoning]);
    let mut request = ChatRequest::from("Hi").with_reasoning(Effort::Off);
    request.on_unsupported = Some(OnUnsupported::Error);
    fn silent(dialect: &impl Dialect, info: &ModelInfo, request: &ChatRequest) {
        let wire = write(dialect, info, request).unwrap();
        assert_eq!(wire.warnings, [], "{}", dialect.name());
    }
    silent(&OpenAiChat::default(), &info, &request);
    silent(&OpenAiResponses::default(), &info, &request);
    silent(&AnthropicMessages::default(), &info, &request);
    silent(&BedrockConverse::default(), &info, &request);
    silent(&Gemini::default(), &info, &request);
    silent(&Ollama::default(), &info, &request);
    silent(&Cohere::default(), &info, &request);
}
