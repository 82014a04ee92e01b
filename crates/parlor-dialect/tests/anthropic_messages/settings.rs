//! Settings: sampling, thinking, tools, output, media.

use super::*;

fn hi() -> ChatRequest {
    ChatRequest::from("Hi")
}

fn unsupported(request: &ChatRequest, model: &str) -> String {
    let error = write_for(request, model).err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    error.message().to_owned()
}

#[test]
fn what_nobody_limits_is_limited_where_it_comes_in_one_piece() {
    let mut info = info();
    info.max_output_tokens = Some(64_000);
    let said = |request: &ChatRequest, quirks: Value, stream: bool| {
        let profile = Profile::default();
        let target = Target::new(&info, &profile);
        let target = if stream { target.streaming() } else { target };
        let written = dialect(quirks).write_request(request, &target).unwrap();
        let body: Value = serde_json::from_slice(&written.body).unwrap();
        (body["max_tokens"].clone(), body["thinking"].clone())
    };
    let none = || json!({});
    assert_eq!(said(&hi(), none(), true).0, 64_000);
    assert_eq!(said(&hi(), none(), false).0, 21_333);
    assert_eq!(
        said(&hi(), json!({"whole_max_tokens": 8192}), false).0,
        8192
    );
    let asked = hi().with_max_output_tokens(50_000);
    assert_eq!(said(&asked, none(), false).0, 50_000);
    // Thoughts that are asked for get their room, as far as the model has any.
    let budget = |tokens: u64| hi().with_reasoning(ReasoningConfig::budget(tokens));
    let (limit, thinking) = said(&budget(30_000), none(), false);
    assert_eq!(
        (limit, &thinking["budget_tokens"]),
        (json!(34_096), &json!(30_000))
    );
    assert_eq!(said(&budget(63_000), none(), false).0, 64_000);
    assert_eq!(said(&budget(30_000), none(), true).0, 64_000);
}

#[test]
fn max_tokens_is_always_said() {
    assert_eq!(write(&hi()).body["max_tokens"], 4096);
    let mut info = info();
    info.max_output_tokens = Some(16_000);
    assert_eq!(
        write_with(&hi(), json!({}), &info).unwrap().body["max_tokens"],
        16_000
    );
    let request = hi().with_max_output_tokens(7);
    assert_eq!(
        write_with(&request, json!({}), &info).unwrap().body["max_tokens"],
        7
    );
    let quirks = json!({"default_max_tokens": 100});
    assert_eq!(
        write_with(&hi(), quirks, &super::info()).unwrap().body["max_tokens"],
        100
    );
}

#[test]
fn knobs_that_the_dialect_lacks_warn() {
    let mut request = hi().with_temperature(1.7);
    request.n = Some(2);
    request.seed = Some(1);
    request.frequency_penalty = Some(0.1);
    request.presence_penalty = Some(0.1);
    request.logprobs = Some(true);
    request.top_logprobs = Some(2);
    request.stop = vec!["\n".into(), "END".into()];
    request.metadata.insert("a".into(), "b".into());
    let written = write(&request);
    assert_eq!(
        written.warned(),
        [
            "temperature",
            "n",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "stop",
            "metadata",
        ]
    );
    assert_eq!(written.body["temperature"], 1.0);
    assert_eq!(written.body["stop_sequences"], json!(["END"]));
    request.on_unsupported = Some(OnUnsupported::Error);
    unsupported(&request, MODEL);
}

fn with_tools(choice: Option<ToolChoice>, parallel: Option<bool>) -> ChatRequest {
    let mut request = hi();
    for name in ["f", "g"] {
        request = request.with_tool(ToolDefinition::function(
            name,
            "d",
            json!({"type": "object"}),
        ));
    }
    request.tool_choice = choice;
    request.parallel_tool_calls = parallel;
    request
}

#[test]
fn tool_choices_have_their_words() {
    let choice = |choice, parallel| {
        write(&with_tools(choice, parallel))
            .body
            .get("tool_choice")
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(choice(None, None), Value::Null);
    assert_eq!(
        choice(Some(ToolChoice::Auto), None),
        json!({"type": "auto"})
    );
    assert_eq!(
        choice(Some(ToolChoice::None), Some(false)),
        json!({"type": "none"})
    );
    assert_eq!(
        choice(Some(ToolChoice::Required), None),
        json!({"type": "any"})
    );
    assert_eq!(
        choice(Some(ToolChoice::Tool("f".into())), Some(false)),
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true})
    );
    assert_eq!(
        choice(None, Some(false)),
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    let allowed = ToolChoice::Allowed {
        tools: vec!["g".into()],
        required: true,
    };
    let written = write(&with_tools(Some(allowed), None));
    assert_eq!(written.body["tool_choice"], json!({"type": "any"}));
    assert_eq!(written.body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(written.warned(), ["tool_choice"]);
}

#[test]
fn a_choice_without_tools_is_left_out() {
    for choice in [ToolChoice::None, ToolChoice::Auto, ToolChoice::Required] {
        let mut request = hi();
        request.tool_choice = Some(choice);
        request.parallel_tool_calls = Some(false);
        assert_eq!(write(&request).body.get("tool_choice"), None);
    }
}

#[test]
fn earlier_calls_have_their_tools_where_none_are_given() {
    let call = ToolCall::new("toolu_1", "look", Arguments::json("{}"));
    let result = ToolResult::text("toolu_1", "nothing");
    let request = hi()
        .with_message(Message::new(Role::Assistant, vec![Part::ToolCall(call)]))
        .with_message(Message::tool_results([result]));
    let written = write(&request);
    let named = json!([{
        "name": "look",
        "input_schema": {"type": "object", "properties": {}},
    }]);
    assert_eq!(written.body["tools"], named);
    assert_eq!(written.body["tool_choice"], json!({"type": "none"}));
    assert_eq!(written.warned(), ["tools"]);
    let own = ToolDefinition::function("other", "d", json!({"type": "object"}));
    let written = write(&request.with_tool(own));
    assert_eq!(written.body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(written.body.get("tool_choice"), None);
    assert_eq!(written.warned(), [""; 0]);
}

#[test]
fn tools_of_others_and_models_without_tools_fail() {
    let away = Native::new(
        Origin::new("openai", "openai-responses"),
        json!({"type": "web_search"}),
    );
    unsupported(&hi().with_tool(ToolDefinition::Native(away)), MODEL);
    let mut info = info();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Tools]);
    assert!(write_with(&with_tools(None, None), json!({}), &info).is_err());
    let own = ToolDefinition::Native(native(
        json!({"type": "web_search_20250305", "name": "web_search"}),
    ));
    let request = hi().with_tool(own);
    assert!(write_with(&request, json!({"server_tools": false}), &super::info()).is_err());
    assert_eq!(write(&request).body["tools"][0]["name"], "web_search");
}

#[test]
fn a_tool_without_arguments_has_a_schema() {
    let tool = ToolDefinition::Function(FunctionDefinition::new("f"));
    let body = write(&hi().with_tool(tool)).body;
    assert_eq!(
        body["tools"][0],
        json!({"name": "f", "input_schema": {"type": "object", "properties": {}}})
    );
}

#[test]
fn schemas_are_sealed_and_say_what_they_lost() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}, "o": {"type": "object", "properties": {}}}, "required": ["n"]});
    let request = hi().with_output(OutputFormat::JsonSchema(OutputSchema::new("x", schema)));
    let written = write(&request);
    assert_eq!(
        written.body["output_config"]["format"],
        json!({"type": "json_schema", "schema": {
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "integer"}, "o": {"type": "object", "properties": {}, "additionalProperties": false}},
        }})
    );
    assert_eq!(written.warned(), ["output.schema"]);
    assert!(write_with(&request, json!({"output_format": false}), &info()).is_err());
    unsupported(&hi().with_output(OutputFormat::Json), MODEL);
}

#[test]
fn media_that_the_dialect_lacks_fail_or_warn() {
    let with = |media: Media| {
        ChatRequest::new([Message::new(
            Role::User,
            vec![media.into(), Part::text("a")],
        )])
    };
    for media in [
        Media::bytes("audio/wav", &b"RIFF"[..]),
        Media::url(MediaKind::Video, "https://example.org/a.mp4"),
        Media::bytes("image/bmp", &b"BM"[..]),
        Media::bytes("application/zip", &b"PK"[..]),
    ] {
        let mut request = with(media);
        unsupported(&request, MODEL);
        request.on_unsupported = Some(OnUnsupported::Warn);
        let written = write(&request);
        assert_eq!(written.body["messages"][0]["content"], "a");
        assert_eq!(written.warnings.len(), 1);
    }
    let pdf = with(Media::bytes("application/pdf", &b"%PDF"[..]));
    assert!(write_with(&pdf, json!({"documents": false}), &info()).is_err());
    let mut blind = info();
    blind.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::ImageInput]);
    let image = with(Media::bytes("image/png", &b"\x89PNG"[..]));
    assert!(write_with(&image, json!({}), &blind).is_err());
}

#[test]
fn media_types_are_said_exactly() {
    let source = |media: Media| {
        let request = ChatRequest::new([Message::new(Role::User, vec![media.into()])]);
        write(&request).body["messages"][0]["content"][0]["source"].clone()
    };
    assert_eq!(
        source(Media::bytes("image/jpg", &b"x"[..]))["media_type"],
        "image/jpeg"
    );
    assert_eq!(
        source(Media::bytes("text/markdown", &b"# x"[..]))["media_type"],
        "text/plain"
    );
    let data = Media::url(MediaKind::Image, "data:image/gif;base64,R0lG");
    assert_eq!(
        source(data),
        json!({"type": "base64", "media_type": "image/gif", "data": "R0lG"})
    );
    let bytes = MediaSource::Bytes((&b"\xFF\xD8\xFFx"[..]).into());
    assert_eq!(
        source(Media::new(MediaKind::Image, bytes))["media_type"],
        "image/jpeg"
    );
}

#[test]
fn cache_times_are_the_two_that_there_are() {
    let with = |hint: CacheHint| {
        let mut request = hi();
        request.cache = Some(hint);
        request
    };
    for (seconds, word, warned) in [
        (300, "5m", 0),
        (3600, "1h", 0),
        (60, "5m", 1),
        (1800, "1h", 1),
        (86_400, "1h", 1),
    ] {
        let written = write(&with(CacheHint::ttl(seconds)));
        assert_eq!(written.body["cache_control"]["ttl"], word);
        assert_eq!(written.warnings.len(), warned);
    }
    let written = write_with(
        &with(CacheHint::default()),
        json!({"cache": false}),
        &info(),
    )
    .unwrap();
    assert!(written.body.get("cache_control").is_none());
    assert_eq!(written.warned(), ["cache"]);
}

#[test]
fn an_unknown_quirk_is_refused() {
    assert!(serde_json::from_value::<Quirks>(json!({"pathh": "/"})).is_err());
    let quirks = Quirks::default();
    let json = serde_json::to_value(&quirks).unwrap();
    assert_eq!(serde_json::from_value::<Quirks>(json).unwrap(), quirks);
}
