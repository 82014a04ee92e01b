//! Requests of Ollama's own chat, written and read.

use crate::support::info;
use parlor_core::*;
use parlor_dialect::ollama::{Ollama, Quirks};
use parlor_dialect::{Dialect, Incoming, Profile, ServerDialect, Target};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

pub(crate) fn origin() -> Origin {
    Origin::new("ollama", "ollama-chat")
}

pub(crate) fn quirks(json: Value) -> Ollama {
    Ollama::new(serde_json::from_value::<Quirks>(json).unwrap())
}

/// The body and the warned settings.
pub(crate) fn write_to(
    dialect: &Ollama,
    info: &ModelInfo,
    profile: &Profile,
    request: &ChatRequest,
) -> Result<(Value, Vec<String>)> {
    let wire = dialect.write_request(request, &Target::new(info, profile))?;
    assert_eq!(wire.path, "/api/chat");
    let warned = wire.warnings.iter().map(|it| it.setting.clone()).collect();
    Ok((serde_json::from_slice(&wire.body).unwrap(), warned))
}

pub(crate) fn write(request: &ChatRequest) -> Result<(Value, Vec<String>)> {
    write_to(&Ollama::default(), &info(), &Profile::default(), request)
}

pub(crate) fn body(request: &ChatRequest) -> Value {
    let (body, warned) = write(request).unwrap();
    assert_eq!(warned, Vec::<String>::new());
    body
}

pub(crate) fn read(body: Value) -> Incoming {
    let body = body.to_string();
    Ollama::default()
        .read_request("/api/chat", body.as_bytes(), &origin())
        .unwrap()
}

fn system_and(message: Message) -> ChatRequest {
    ChatRequest::new([Message::system("Be brief."), message])
}

/// A request that uses every field the dialect has.
fn rich() -> ChatRequest {
    let thoughts = Part::from(Reasoning::new("Two cities."));
    let thoughts = thoughts.with_native(Native::new(origin(), json!({})));
    let mut call = Part::from(ToolCall::new("call_a", "weather", json!({"city": "Oslo"})));
    call.set_native(Native::new(origin(), json!({"type": "function"})));
    let mut named = ToolResult::text("call_a", "rain");
    named.name = Some("weather".to_owned());
    let mut shown = ToolResult::text("call_b", "see");
    shown.name = Some("weather".to_owned());
    shown.parts.push(Media::bytes("image/png", PNG).into());
    let mut user = Message::user("What is this?");
    user.parts.push(Media::bytes("image/png", PNG).into());
    user.native = Some(Box::new(Native::new(origin(), json!({"weight": 1}))));
    let mut strict = FunctionDefinition::new("now");
    strict.native = Some(Box::new(Native::new(
        origin(),
        json!({"function": {"version": 2}}),
    )));
    let mut request = ChatRequest::new([
        Message::system("Be brief."),
        user,
        Message::new(
            Role::Assistant,
            vec![
                thoughts,
                Part::text("Let me see."),
                call,
                ToolCall::new("call_b", "weather", json!({"city": "Rome", "n": 1.5})).into(),
            ],
        ),
        Message::tool_results([named, shown]),
        Message::assistant("Rain."),
        Message::user("Thanks."),
    ]);
    request.tools = vec![
        ToolDefinition::function(
            "weather",
            "Tells it.",
            json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        ),
        ToolDefinition::Function(strict),
        ToolDefinition::Native(Native::new(origin(), json!({"type": "web_search"}))),
    ];
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new(
        "response",
        json!({"type": "object"}),
    )));
    request.max_output_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.25);
    request.top_k = Some(7);
    request.frequency_penalty = Some(0.5);
    request.presence_penalty = Some(-0.5);
    request.seed = Some(-3);
    request.stop = vec!["END".to_owned()];
    request.logprobs = Some(true);
    request.top_logprobs = Some(3);
    request.reasoning = Some(Effort::High.into());
    request
        .with_extra("ollama", "keep_alive", "10m")
        .with_extra("ollama", "options", json!({"num_ctx": 8192, "mirostat": 1}))
        .with_extra("ollama", "truncate", false)
}

#[test]
fn a_rich_request_reads_back_as_it_was() {
    let request = rich();
    let body = body(&request);
    let incoming = read(body.clone());
    assert_eq!(incoming.request, request);
    assert_eq!(
        (incoming.model.as_str(), incoming.stream),
        ("qwen3:8b", false)
    );
    assert_eq!(body["options"]["num_ctx"], 8192);
    assert_eq!(body["options"]["num_predict"], 100);
    assert_eq!(body["messages"][1]["images"], json!(["iVBORw0KGgpyZXN0"]));
    assert_eq!(body["messages"][3]["tool_call_id"], "call_a");
    assert_eq!(body["messages"].as_array().unwrap().len(), 7);
}

#[test]
fn stream_is_written_always_and_read_as_true_when_missing() {
    let (info, profile) = (info(), Profile::default());
    let request = ChatRequest::from("Hi");
    for stream in [false, true] {
        let mut target = Target::new(&info, &profile);
        target.stream = stream;
        let wire = Ollama::default().write_request(&request, &target).unwrap();
        let body: Value = serde_json::from_slice(&wire.body).unwrap();
        assert_eq!(body["stream"], stream);
    }
    assert!(read(json!({"model": "m", "messages": []})).stream);
}

#[test]
fn extra_goes_deep_and_last() {
    let mut request = ChatRequest::from("Hi").with_temperature(0.5);
    request.top_k = Some(3);
    let request = request.with_extra("ollama", "options", json!({"temperature": 1, "num_ctx": 9}));
    let options = &body(&request)["options"];
    assert_eq!(
        options,
        &json!({"temperature": 1, "top_k": 3, "num_ctx": 9})
    );
    let replaced = ChatRequest::from("Hi").with_extra("ollama", "messages", json!([]));
    assert_eq!(body(&replaced)["messages"], json!([]));
    let other = ChatRequest::from("Hi").with_extra("openai", "x", 1);
    assert_eq!(body(&other)["x"], Value::Null);
}

#[test]
fn texts_of_a_message_are_joined() {
    let user = Message::user("a").with("b");
    let model = Message::assistant("a").with("b");
    let body = body(&ChatRequest::new([user, model]));
    assert_eq!(body["messages"][0]["content"], "a\n\nb");
    assert_eq!(body["messages"][1]["content"], "ab");
}

#[test]
fn results_in_a_message_of_another_role_keep_their_place() {
    let call = ToolCall::new("1", "f", json!({}));
    let request = ChatRequest::new([
        Message::new(Role::Assistant, vec![call.into()]),
        Message::new(
            Role::User,
            vec![ToolResult::error("1", "no").into(), Part::text("Go on.")],
        ),
    ]);
    let messages = &body(&request)["messages"];
    assert_eq!(
        messages[1],
        json!({"role": "tool", "content": "no", "tool_name": "f", "tool_call_id": "1"})
    );
    assert_eq!(messages[2], json!({"role": "user", "content": "Go on."}));
}

#[test]
fn arguments_are_an_object_as_the_model_wrote_it() {
    let call = |arguments: Arguments| {
        let part = Part::from(ToolCall::new("1", "f", arguments));
        let (body, warned) = write(&ChatRequest::new([Message::new(
            Role::Assistant,
            vec![part],
        )]))
        .unwrap();
        let call = body["messages"][0]["tool_calls"][0].clone();
        (call["function"]["arguments"].clone(), warned.len())
    };
    assert_eq!(call(Arguments::json("")), (json!({}), 0));
    assert_eq!(call(Arguments::json("null")), (json!({}), 0));
    assert_eq!(call(Arguments::json("{\"a\": 1}")), (json!({"a": 1}), 0));
    assert_eq!(call(Arguments::json("[1]")), (json!({"input": [1]}), 1));
    assert_eq!(call(Arguments::text("x")), (json!({"input": "x"}), 1));
    assert_eq!(call(Arguments::cut("{\"a")), (json!({"input": "{\"a"}), 1));
}

#[test]
fn an_old_server_gets_no_ids() {
    let dialect = quirks(json!({"call_ids": false}));
    let (body, _) = write_to(&dialect, &info(), &Profile::default(), &rich()).unwrap();
    let text = body.to_string();
    assert!(
        !text.contains("call_a") && !text.contains("tool_call_id"),
        "{text}"
    );
}

#[test]
fn knobs_warn_and_features_fail() {
    type Set = fn(&mut ChatRequest);
    let knobs: [(&str, Set); 7] = [
        ("n", |it| it.n = Some(2)),
        ("parallel_tool_calls", |it| {
            it.parallel_tool_calls = Some(false)
        }),
        ("user", |it| it.user = Some("u".to_owned())),
        ("metadata", |it| {
            it.metadata.insert("a".to_owned(), "b".to_owned());
        }),
        ("service_tier", |it| {
            it.service_tier = Some("flex".to_owned())
        }),
        ("messages.name", |it| {
            it.messages[0].name = Some("Al".to_owned())
        }),
        ("reasoning.summary", |it| {
            let mut config = ReasoningConfig::default();
            config.summary = Some("auto".to_owned());
            it.reasoning = Some(config);
        }),
    ];
    for (setting, set) in knobs {
        let mut request = ChatRequest::from("Hi");
        set(&mut request);
        assert_eq!(write(&request).unwrap().1, [setting]);
        request.on_unsupported = Some(OnUnsupported::Error);
        assert_eq!(write(&request).unwrap_err().kind(), ErrorKind::Unsupported);
    }
    let media = |kind, url: &str| Message::user("see").with(Media::url(kind, url));
    let foreign = Native::new(Origin::new("acme", "acme"), json!({}));
    let features = [
        (
            "image",
            media(MediaKind::Image, "https://x.example/a.png").into(),
        ),
        (
            "video",
            media(MediaKind::Video, "https://x.example/a.mp4").into(),
        ),
        (
            "document",
            media(MediaKind::Document, "https://x.example/a.pdf").into(),
        ),
        (
            "tools",
            ChatRequest::from("Hi").with_tool(ToolDefinition::Native(foreign)),
        ),
        ("tool_choice", {
            let mut request = rich();
            request.tool_choice = Some(ToolChoice::Required);
            request
        }),
    ];
    for (setting, mut request) in features {
        let error = write(&request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{setting}");
        assert!(error.message().contains(setting), "{error}");
        request.on_unsupported = Some(OnUnsupported::Warn);
        assert_eq!(write(&request).unwrap().1, [setting]);
    }
    let url = write(&media(MediaKind::Image, "https://x.example/a.png").into());
    assert!(url.unwrap_err().help().contains("Download"));
}

#[test]
fn media_is_bare_base64() {
    let image = Media::url(MediaKind::Image, "data:image/png;base64,iVA=");
    let sound = Media::bytes("audio/wav", &b"RIFF"[..]);
    let request = ChatRequest::new([Message::user("see").with(image).with(sound)]);
    assert_eq!(
        body(&request)["messages"][0],
        json!({"role": "user", "content": "see", "images": ["iVA=", "UklGRg=="]})
    );
    let mut info = info();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::AudioInput]);
    let refused = write_to(&Ollama::default(), &info, &Profile::default(), &request);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn tool_choice_does_what_leaving_tools_out_can_do() {
    let names = |choice: ToolChoice, wish: Option<OnUnsupported>| -> Vec<Value> {
        let mut request = rich();
        request.tools.pop();
        request.tool_choice = Some(choice);
        request.on_unsupported = wish;
        let (body, _) = write(&request).unwrap();
        let tools = body["tools"].as_array().cloned().unwrap_or_default();
        tools
            .iter()
            .map(|it| it["function"]["name"].clone())
            .collect()
    };
    let only = |tools: &[&str]| ToolChoice::Allowed {
        tools: tools.iter().map(|it| (*it).to_owned()).collect(),
        required: false,
    };
    assert_eq!(names(ToolChoice::Auto, None), ["weather", "now"]);
    assert_eq!(names(ToolChoice::None, None), Vec::<Value>::new());
    assert_eq!(names(only(&["now"]), None), ["now"]);
    let named = ToolChoice::Tool("now".to_owned());
    assert_eq!(names(named, Some(OnUnsupported::Warn)), ["now"]);
}

#[test]
fn what_only_another_provider_knows_is_left_out_with_a_warning() {
    let native = Native::new(Origin::new("acme", "acme"), json!({"x": 1}));
    let mut search = ToolCall::new("1", "search", json!({}));
    search.executor = Executor::Provider;
    for (part, setting) in [
        (Part::from(native), "messages.native"),
        (Part::from(search), "messages.tool_call"),
    ] {
        let message = Message::new(Role::Assistant, vec![Part::text("Hi"), part]);
        let (body, warned) = write(&ChatRequest::new([message])).unwrap();
        assert_eq!(
            body["messages"],
            json!([{"role": "assistant", "content": "Hi"}])
        );
        assert_eq!(warned, [setting]);
    }
}

#[test]
fn output_is_free_json_or_by_schema() {
    let format = |output: OutputFormat| {
        let request = ChatRequest::from("Hi").with_output(output);
        body(&request)["format"].clone()
    };
    assert_eq!(format(OutputFormat::Text), Value::Null);
    assert_eq!(format(OutputFormat::Json), "json");
    let incoming = read(json!({"model": "m", "format": "json"}));
    assert_eq!(incoming.request.output, Some(OutputFormat::Json));
    let incoming = read(json!({"model": "m", "format": ""}));
    assert_eq!(incoming.request.output, None);
    assert!(incoming.request.extra.is_empty());
    let mut described = OutputSchema::new("x", json!({}));
    described.description = Some("d".to_owned());
    let request = ChatRequest::from("Hi").with_output(OutputFormat::JsonSchema(described));
    assert_eq!(write(&request).unwrap().1, ["output.description"]);
    let message = system_and(Message::user("Hi"));
    assert_eq!(body(&message)["messages"].as_array().unwrap().len(), 2);
}
