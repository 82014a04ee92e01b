//! Whole requests, both ways.

use super::*;

/// A request that uses every field that the dialect can say.
fn rich() -> ChatRequest {
    let mut cited = Text::new("It rains.");
    let location = json!({"type": "char_location", "cited_text": "Rain.", "document_index": 0, "document_title": "Sky", "start_char_index": 0, "end_char_index": 5, "file_id": null});
    let mut citation = Citation::default();
    citation.title = Some("Sky".into());
    citation.quote = Some("Rain.".into());
    citation.native = Some(Box::new(native(location)));
    cited.citations = vec![citation];
    let mut marked = Text::new("Hello");
    marked.cache = Some(CacheHint::ttl(3600));
    let mut pdf = Media::bytes("application/pdf", &b"%PDF-1.7"[..]);
    pdf.name = Some("Sky".into());
    pdf.cache = Some(CacheHint::ttl(300));
    let pdf = Part::from(pdf).with_native(native(
        json!({"context": "weather", "citations": {"enabled": true}}),
    ));
    let mut note = Media::bytes("text/plain", &b"Rain."[..]);
    note.kind = MediaKind::Document;
    let thoughts = Part::from(Reasoning::new("Need weather."));
    let thoughts = thoughts.with_native(native(json!({"signature": "EqQB"})));
    let hidden = Part::from(Reasoning::default());
    let hidden = hidden.with_native(native(json!({"signature": "EqQC"})));
    let redacted = Part::from(Reasoning::default());
    let redacted =
        redacted.with_native(native(json!({"type": "redacted_thinking", "data": "xyz"})));
    let search = json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}});
    let mut searched = ToolCall::new("srvtoolu_1", "web_search", json!({"query": "sky"}));
    searched.executor = Executor::Provider;
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
        {"type": "web_search_result", "url": "https://example.org", "title": "Sky", "encrypted_content": "E"},
    ]});
    let mut source = Source::default();
    source.url = Some("https://example.org".into());
    source.title = Some("Sky".into());
    let mut result = ToolResult::default();
    result.call_id = "srvtoolu_1".into();
    result.executor = Executor::Provider;
    result.parts = vec![source.into()];
    let call = Part::from(ToolCall::new("toolu_1", "f", json!({"city": "Oslo"})));
    let caller = json!({"caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_0"}});
    let mut image_result = ToolResult::text("toolu_1", "see");
    image_result
        .parts
        .push(Media::bytes("image/png", &b"\x89PNG"[..]).into());
    image_result.cache = Some(CacheHint::default());
    let mut function = FunctionDefinition::new("f");
    function.description = Some("The weather.".into());
    function.parameters = Some(
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}),
    );
    function.strict = Some(true);
    function.cache = Some(CacheHint::default());
    function.native = Some(Box::new(native(json!({"defer_loading": true}))));
    let search_tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 2});
    let mut request = ChatRequest::new([
        Message::new(Role::System, vec![Part::text("Be brief."), marked.into()]),
        Message::new(
            Role::User,
            vec![
                Part::text("What is in these?"),
                Media::bytes("image/png", &b"\x89PNG"[..]).into(),
                Media::url(MediaKind::Image, "https://example.org/a.png").into(),
                Media::new(MediaKind::Image, MediaSource::File("file_1".into())).into(),
                pdf,
                note.into(),
                Media::url(MediaKind::Document, "https://example.org/a.pdf").into(),
                Part::Native(native(
                    json!({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}),
                )),
            ],
        ),
        Message::new(
            Role::Assistant,
            vec![
                thoughts,
                hidden,
                redacted,
                cited.into(),
                Part::from(searched).with_native(native(search)),
                Part::from(result).with_native(native(found)),
                call.with_native(native(caller)),
                ToolCall::new("toolu_2", "g", Arguments::json("{}")).into(),
            ],
        ),
        Message::tool_results([image_result, ToolResult::error("toolu_2", "no such city")]),
        Message::user("And now?"),
    ]);
    request.tools = vec![
        ToolDefinition::Function(function),
        ToolDefinition::Native(native(search_tool)),
    ];
    request.tool_choice = Some(ToolChoice::Auto);
    request.parallel_tool_calls = Some(false);
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new(
        "response",
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}),
    )));
    request.max_output_tokens = Some(4000);
    request.temperature = Some(1.0);
    request.top_p = Some(0.97);
    request.stop = vec!["END".into()];
    let mut reasoning = ReasoningConfig::budget(2000);
    reasoning.summary = Some("summarized".into());
    request.reasoning = Some(reasoning);
    request.user = Some("u1".into());
    request.service_tier = Some("auto".into());
    request.cache = Some(CacheHint::default());
    request.with_extra("anthropic", "inference_geo", "eu")
}

#[test]
fn a_request_survives_the_wire() {
    let mut request = rich();
    let written = write(&request);
    assert_eq!(written.warned(), [] as [&str; 0]);
    // This model takes one of the two; 1 is what there is without it.
    request.temperature = None;
    assert_eq!(read(&written.body), request);
}

#[test]
fn the_body_is_what_the_reference_says() {
    let body = write(&rich()).body;
    assert_eq!(body["model"], MODEL);
    assert_eq!(
        body["system"][1]["cache_control"],
        json!({"type": "ephemeral", "ttl": "1h"})
    );
    let user = &body["messages"][0]["content"];
    assert_eq!(user[1]["source"]["type"], "base64");
    assert_eq!(user[1]["source"]["media_type"], "image/png");
    assert_eq!(
        user[2]["source"],
        json!({"type": "url", "url": "https://example.org/a.png"})
    );
    assert_eq!(
        user[3]["source"],
        json!({"type": "file", "file_id": "file_1"})
    );
    assert_eq!(
        (&user[4]["title"], &user[4]["context"]),
        (&json!("Sky"), &json!("weather"))
    );
    assert_eq!(user[4]["cache_control"]["ttl"], "5m");
    assert_eq!(
        user[5]["source"],
        json!({"type": "text", "media_type": "text/plain", "data": "Rain."})
    );
    let assistant = &body["messages"][1]["content"];
    assert_eq!(
        assistant[0],
        json!({"type": "thinking", "thinking": "Need weather.", "signature": "EqQB"})
    );
    assert_eq!(
        assistant[1],
        json!({"type": "thinking", "thinking": "", "signature": "EqQC"})
    );
    assert_eq!(
        assistant[2],
        json!({"type": "redacted_thinking", "data": "xyz"})
    );
    assert_eq!(assistant[6]["input"], json!({"city": "Oslo"}));
    let results = &body["messages"][2];
    assert_eq!(results["role"], "user");
    assert_eq!(results["content"][1]["is_error"], true);
    assert_eq!(
        results["content"][2],
        json!({"type": "text", "text": "And now?"})
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "auto", "disable_parallel_tool_use": true})
    );
    assert_eq!(body["tools"][0]["defer_loading"], true);
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "budget_tokens": 2000, "display": "summarized"})
    );
    assert_eq!(body["metadata"], json!({"user_id": "u1"}));
    assert_eq!(body["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(body["inference_geo"], "eu");
    assert!(body.get("stream").is_none());
}

#[test]
fn headers_name_the_version_and_the_betas() {
    let plain = write(&ChatRequest::from("Hi"));
    assert_eq!(plain.path, "/v1/messages");
    assert_eq!(plain.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(plain.header("anthropic-beta"), None);
    let request = rich().with_extra("anthropic", "betas", json!(["a-1", "b-2"]));
    let written = write(&request);
    assert_eq!(
        written.header("anthropic-beta"),
        Some("a-1,b-2,files-api-2025-04-14")
    );
    assert!(written.body.get("betas").is_none());
    let request = ChatRequest::from("Hi").with_extra("anthropic", "betas", "a-1, b-2");
    let written = write_with(&request, json!({"betas": "body"}), &info()).unwrap();
    assert_eq!(written.body["anthropic_beta"], json!(["a-1", "b-2"]));
    let written = write_with(&request, json!({"betas": "none"}), &info()).unwrap();
    assert_eq!(written.warned(), ["extra.betas"]);
}

#[test]
fn a_host_may_name_the_model_in_the_path() {
    let quirks = json!({
        "path": "/models/{model}:rawPredict", "stream_path": "/models/{model}:streamRawPredict",
        "version": null, "body_version": "v-1", "model_in_body": false, "stream_in_body": false,
    });
    let info = ModelInfo::new("anthropic", "claude-3-7-sonnet@2025/x");
    let profile = Profile::default();
    let dialect = dialect(quirks);
    let target = Target::new(&info, &profile).streaming();
    let wire = dialect
        .write_request(&ChatRequest::from("Hi"), &target)
        .unwrap();
    assert_eq!(
        wire.path,
        "/models/claude-3-7-sonnet@2025%2Fx:streamRawPredict"
    );
    assert!(wire.headers.is_empty());
    let body: Value = serde_json::from_slice(&wire.body).unwrap();
    assert_eq!(body["anthropic_version"], "v-1");
    assert!(body.get("model").is_none() && body.get("stream").is_none());
    let incoming = dialect
        .read_request(&wire.path, &wire.body, &home())
        .unwrap();
    assert_eq!(incoming.model, info.model);
    assert!(incoming.stream);
}

#[test]
fn extra_goes_last_and_its_null_takes_a_field_out() {
    let mut request = ChatRequest::from("Hi").with_temperature(0.5);
    request = request.with_extra("anthropic", "temperature", Value::Null);
    request = request.with_extra("anthropic", "max_tokens", 9);
    request = request.with_extra("openai", "max_tokens", 8);
    let body = write(&request).body;
    assert!(body.get("temperature").is_none());
    assert_eq!(body["max_tokens"], 9);
}

#[test]
fn what_core_cannot_say_is_kept_as_extra() {
    let body = json!({
        "model": MODEL, "max_tokens": 5, "stream": true,
        "messages": [{"role": "user", "content": "Hi"}],
        "thinking": {"type": "between_tools"},
        "tool_choice": {"type": "any", "new": 1},
        "metadata": {"user_id": "u", "team": "t"},
        "cache_control": {"type": "ephemeral", "ttl": "1d"},
        "mcp_servers": [{"name": "x"}],
        "output_config": {"effort": "high"},
        "container": null,
    });
    let request = read(&body);
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    let extra = serde_json::to_value(&request.extra["anthropic"]).unwrap();
    assert_eq!(
        extra,
        json!({
            "tool_choice": {"new": 1}, "metadata": {"team": "t"}, "mcp_servers": [{"name": "x"}],
            "cache_control": {"type": "ephemeral", "ttl": "1d"}, "thinking": {"type": "between_tools"},
            "output_config": {"effort": "high"},
        })
    );
}

#[test]
fn effort_alone_leaves_thinking_off() {
    let body = json!({
        "model": "claude-opus-4-8", "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}], "output_config": {"effort": "high"},
    });
    let request = read(&body);
    assert_eq!(request.reasoning, Some(Effort::High.into()));
    let written = write_for(&request, "claude-opus-4-8").unwrap().body;
    assert_eq!(written, body);
}

#[test]
fn a_body_that_is_no_request_is_refused() {
    let dialect = AnthropicMessages::default();
    for body in [
        r#"{"messages": ["Invalid content"]}"#,
        r#"{"messages": [{"role": "wizard", "content": "Hi"}]}"#,
        r#"{"messages": 1}"#,
        "[]",
        "",
    ] {
        let error = dialect.read_request("/v1/messages", body.as_bytes(), &home());
        assert_eq!(
            error.unwrap_err().kind(),
            ErrorKind::InvalidRequest,
            "{body}"
        );
    }
}

#[test]
fn the_older_form_of_structured_output_is_read() {
    let body = json!({
        "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}],
        "output_format": {"type": "json_schema", "schema": {"type": "object"}},
    });
    let Some(OutputFormat::JsonSchema(schema)) = read(&body).output else {
        panic!("no schema");
    };
    assert_eq!(schema.schema, json!({"type": "object"}));
}
