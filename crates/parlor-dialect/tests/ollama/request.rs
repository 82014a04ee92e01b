//! Requests of Ollama's own chat, written and read.

use crate::support::info;
use parlor_core::*;
use parlor_dialect::ollama::{Ollama, Quirks};
use parlor_dialect::{Dialect, Incoming, Profile, Target};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

fn origin() -> Origin {
    Origin::new("ollama", "ollama-chat")
}

fn quirks(json: Value) -> Ollama {
    Ollama::new(serde_json::from_value::<Quirks>(json).unwrap())
}

/// The body and the warned settings.
fn write_to(
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

fn write(request: &ChatRequest) -> Result<(Value, Vec<String>)> {
    write_to(&Ollama::default(), &info(), &Profile::default(), request)
}

fn body(request: &ChatRequest) -> Value {
    let (body, warned) = write(request).unwrap();
    assert_eq!(warned, Vec::<String>::new());
    body
}

fn read(body: Value) -> Incoming {
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

/// What the field `think` becomes, and how many warnings it takes.
fn think(dialect: &Ollama, model: &str, config: ReasoningConfig) -> (Value, usize) {
    let request = ChatRequest::from("Hi").with_reasoning(config);
    let (body, warned) = write_to(dialect, &info(), &Profile::of(model), &request).unwrap();
    (body["think"].clone(), warned.len())
}

#[test]
fn reasoning_becomes_a_switch_or_a_level() {
    let none = Value::Null;
    let rows = [
        // quirk, model, effort, value, warnings
        ("max", "qwen3:8b", Effort::Off, json!(false), 0),
        ("max", "qwen3:8b", Effort::Auto, json!(true), 0),
        ("max", "qwen3:8b", Effort::Low, json!("low"), 0),
        ("max", "qwen3:8b", Effort::Minimal, json!("low"), 1),
        ("max", "qwen3:8b", Effort::Max, json!("max"), 0),
        ("max", "qwen3:8b", Effort::XHigh, json!("max"), 1),
        ("max", "qwen3:8b", Effort::from("ultra"), json!("ultra"), 0),
        ("levels", "qwen3:8b", Effort::Max, json!("high"), 1),
        ("switch", "qwen3:8b", Effort::High, json!(true), 1),
        ("switch", "qwen3:8b", Effort::Off, json!(false), 0),
        ("none", "qwen3:8b", Effort::High, none.clone(), 1),
        ("none", "qwen3:8b", Effort::Off, none.clone(), 0),
        ("max", "gpt-oss:20b", Effort::Off, json!("low"), 1),
        ("max", "gpt-oss:20b", Effort::Auto, none.clone(), 0),
        ("max", "gpt-oss:20b", Effort::Medium, json!("medium"), 0),
        ("max", "gpt-oss:20b", Effort::Max, json!("high"), 1),
    ];
    for (quirk, model, effort, value, warnings) in rows {
        let dialect = quirks(json!({"think": quirk}));
        let row = format!("{quirk} {model} {effort}");
        assert_eq!(
            think(&dialect, model, effort.into()),
            (value, warnings),
            "{row}"
        );
    }
    let dialect = Ollama::default();
    let off = ReasoningConfig::budget(0);
    assert_eq!(think(&dialect, "qwen3:8b", off), (json!(false), 1));
    let on = ReasoningConfig::budget(512);
    assert_eq!(think(&dialect, "qwen3:8b", on), (json!(true), 1));
    assert!(serde_json::from_value::<Quirks>(json!({"thinks": true})).is_err());
}

#[test]
fn a_model_that_cannot_think_is_not_asked_to() {
    let mut info = info();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Reasoning]);
    let ask = |effort: Effort| {
        let request = ChatRequest::from("Hi").with_reasoning(effort);
        write_to(&Ollama::default(), &info, &Profile::default(), &request).unwrap()
    };
    let (body, warned) = ask(Effort::High);
    assert_eq!((&body["think"], warned.len()), (&Value::Null, 1));
    assert_eq!(ask(Effort::Off).0["think"], false);
}

#[test]
fn knobs_warn_and_features_fail() {
    type Set = fn(&mut ChatRequest);
    let knobs: [(&str, Set); 6] = [
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
        ("n", {
            let mut request = ChatRequest::from("Hi");
            request.n = Some(2);
            request
        }),
        (
            "images",
            media(MediaKind::Image, "https://x.example/a.png").into(),
        ),
        (
            "video",
            media(MediaKind::Video, "https://x.example/a.mp4").into(),
        ),
        (
            "documents",
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
fn thoughts_go_home_or_where_the_family_wants_them() {
    let thoughts = |origin: Option<Origin>| {
        let part = Part::from(Reasoning::new("hm"));
        match origin {
            Some(origin) => part.with_native(Native::new(origin, json!({}))),
            None => part,
        }
    };
    let sent = |part: Part, model: &str| {
        let message = Message::new(Role::Assistant, vec![part, Part::text("Hi")]);
        let request = ChatRequest::new([message]);
        let profile = Profile::of(model);
        let (body, warned) = write_to(&Ollama::default(), &info(), &profile, &request).unwrap();
        assert!(warned.is_empty());
        body["messages"][0]["thinking"] == "hm"
    };
    assert!(sent(thoughts(Some(origin())), "llama3"));
    assert!(!sent(
        thoughts(Some(Origin::new("acme", "ollama-chat"))),
        "llama3"
    ));
    assert!(!sent(thoughts(None), "llama3"));
    assert!(sent(thoughts(None), "minimax-m3"));
    assert!(!sent(thoughts(None), "gpt-oss:20b"));
}

#[test]
fn what_only_another_provider_knows_is_left_out_with_a_warning() {
    let native = Native::new(Origin::new("acme", "acme"), json!({"x": 1}));
    let mut search = ToolCall::new("1", "search", json!({}));
    search.executor = Executor::Provider;
    for part in [Part::from(native), Part::from(search)] {
        let message = Message::new(Role::Assistant, vec![Part::text("Hi"), part]);
        let (body, warned) = write(&ChatRequest::new([message])).unwrap();
        assert_eq!(
            body["messages"],
            json!([{"role": "assistant", "content": "Hi"}])
        );
        assert_eq!(warned, ["messages"]);
    }
}

#[test]
fn a_history_without_ids_is_paired_by_name_and_order() {
    let call = |name: &str| json!({"function": {"name": name, "arguments": {}}});
    let result =
        |name: &str, text: &str| json!({"role": "tool", "tool_name": name, "content": text});
    let incoming = read(json!({"model": "m", "messages": [
        {"role": "assistant", "content": "", "tool_calls": [call("f"), call("g"), call("f")]},
        result("g", "1"), result("f", "2"), {"role": "tool", "content": "3"},
        {"role": "tool", "content": "nobody asked"},
    ]}));
    let messages = &incoming.request.messages;
    assert_eq!(messages.len(), 2);
    let ids: Vec<_> = messages[0].tool_calls().map(|it| it.id.as_str()).collect();
    assert!(ids.iter().all(|it| it.len() == 9), "{ids:?}");
    let results = messages[1].parts.iter().map(|part| match part {
        Part::ToolResult(result) => result.call_id.as_str(),
        other => panic!("{other:?}"),
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results[..3], [ids[1], ids[0], ids[2]]);
    assert!(!ids.contains(&results[3]));
}

#[test]
fn reads_leniently_and_keeps_what_it_does_not_know() {
    let incoming = read(json!({
        "model": "m", "stream": true, "format": null, "keep_alive": null, "think": 3, "debug": {"a": 1},
        "options": {"num_predict": -1, "temperature": null, "stop": "x", "top_k": 1},
        "messages": [
            {"role": "User", "content": null},
            {"role": "control", "content": "thinking"},
            {"role": "user", "content": "see", "images": ["data:image/png;base64,iVBORw0KGgo="]},
        ],
    }));
    let request = &incoming.request;
    assert_eq!(request.top_k, Some(1));
    assert_eq!(request.max_output_tokens, None);
    assert_eq!(
        json!(request.extra["ollama"]),
        json!({"think": 3, "debug": {"a": 1}, "options": {"num_predict": -1, "stop": "x"}})
    );
    assert_eq!(request.messages[0], Message::new(Role::User, vec![]));
    let body = body(request);
    assert_eq!(body["messages"][1]["role"], "control");
    assert_eq!(body["options"]["num_predict"], -1);
    assert_eq!(read(body).request, *request);
}

#[test]
fn what_is_no_request_is_refused() {
    let read = |body: &[u8]| {
        Ollama::default()
            .read_request("/api/chat", body, &origin())
            .unwrap_err()
    };
    for body in [
        &b"{}"[..],
        b"",
        b"[1]",
        b"{\"model\":\"m\",\"messages\":3}",
        b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"images\":[\"?\"]}]}",
    ] {
        assert_eq!(read(body).kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn broken_text_in_a_request_is_repaired() {
    let body = b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\ud83d\xff\"}]}";
    let incoming = Ollama::default()
        .read_request("/api/chat", body, &origin())
        .unwrap();
    assert_eq!(incoming.request.messages[0].text(), "a\u{fffd}\u{fffd}");
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
