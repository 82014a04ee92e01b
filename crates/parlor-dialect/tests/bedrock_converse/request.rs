//! Requests there and back.

use super::*;

/// A request that uses every field that the dialect has.
fn rich() -> ChatRequest {
    let mut system = Text::new("Be short.");
    system.cache = Some(CacheHint::default());
    let mut seen = Media::bytes("image/png", vec![0x89, b'P']);
    seen.cache = Some(CacheHint::ttl(3600));
    let mut paper = Media::bytes("application/pdf", vec![b'%']);
    paper.name = Some("paper (1)".into());
    let mut film = Media::url(MediaKind::Video, "s3://bucket/film.mp4");
    film.media_type = Some("video/mp4".into());
    let mut request = ChatRequest::new([
        Message::new(Role::System, vec![system.into()]),
        Message::user("What is this?")
            .with(seen)
            .with(paper)
            .with(film)
            .with(Media::bytes("audio/wav", vec![1])),
        Message::new(
            Role::Assistant,
            vec![
                Part::from(Reasoning::new("hm")).with_native(native(json!({"signature": "s"}))),
                Part::text("Let me look."),
                ToolCall::new("t1", "look", json!({"at": "it"})).into(),
                ToolCall::new("t2", "look", json!({})).into(),
            ],
        ),
        Message::tool_results([ToolResult::text("t1", "a cat"), {
            let mut result = ToolResult::error("t2", "no");
            result.cache = Some(CacheHint::ttl(300));
            result
        }]),
        Message::user("Go on."),
    ]);
    let mut look = FunctionDefinition::new("look");
    look.description = Some("Looks.".into());
    look.parameters = Some(
        json!({"type": "object", "properties": {"at": {"type": "string"}},
        "additionalProperties": false}),
    );
    look.strict = Some(true);
    look.cache = Some(CacheHint::default());
    request.tools = vec![
        ToolDefinition::Function(look),
        ToolDefinition::Native(native(json!({"systemTool": {"name": "nova_grounding"}}))),
    ];
    request.tool_choice = Some(ToolChoice::Auto);
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let mut output = OutputSchema::new("answer", schema);
    output.description = Some("The answer.".into());
    request.output = Some(OutputFormat::JsonSchema(output));
    request.max_output_tokens = Some(4_000);
    request.temperature = Some(1.0);
    request.top_p = Some(0.95);
    request.stop = vec!["END".into()];
    request.reasoning = Some(ReasoningConfig::budget(2_000));
    request.metadata.insert("team".into(), "a".into());
    request.service_tier = Some("flex".into());
    request.with_extra(
        "bedrock",
        "guardrailConfig",
        json!({"guardrailIdentifier": "g"}),
    )
}

#[test]
fn a_rich_request_goes_both_ways() {
    let mut request = rich();
    let written = write(&request);
    assert_eq!(written.warned(), [""; 0]);
    // This model takes one of the two; 1 is what there is without it.
    request.temperature = None;
    assert_eq!(read(&written.body), request);
    let path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";
    assert_eq!(written.path, path);
    let wanted = json!({
        "system": [{"text": "Be short."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "What is this?"},
                {"image": {"format": "png", "source": {"bytes": "iVA="}}},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
                {"document": {"format": "pdf", "name": "paper (1)", "source": {"bytes": "JQ=="}}},
                {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/film.mp4"}}}},
                {"audio": {"format": "wav", "source": {"bytes": "AQ=="}}},
            ]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                {"text": "Let me look."},
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "it"}}},
                {"toolUse": {"toolUseId": "t2", "name": "look", "input": {}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "a cat"}]}},
                {"toolResult": {"toolUseId": "t2", "content": [{"text": "no"}], "status": "error"}},
                {"cachePoint": {"type": "default", "ttl": "5m"}},
                {"text": "Go on."},
            ]},
        ],
        "inferenceConfig": {"maxTokens": 4000, "topP": 0.95, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "look", "description": "Looks.", "inputSchema": {"json":
                    {"type": "object", "properties": {"at": {"type": "string"}}, "additionalProperties": false}},
                    "strict": true}},
                {"cachePoint": {"type": "default"}},
                {"systemTool": {"name": "nova_grounding"}},
            ],
            "toolChoice": {"auto": {}},
        },
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
            "schema": "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
            "name": "answer", "description": "The answer."}}}},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
        "guardrailConfig": {"guardrailIdentifier": "g"},
    });
    assert_eq!(written.body, wanted);
}

#[test]
fn a_stream_and_an_arn_stand_in_the_path() {
    let arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a";
    let info = ModelInfo::new("bedrock", arn);
    let profile = Profile::default();
    let target = Target::new(&info, &profile).streaming();
    let dialect = BedrockConverse::default();
    let wire = dialect
        .write_request(&ChatRequest::from("Hi"), &target)
        .unwrap();
    let path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fa/converse-stream";
    assert_eq!(wire.path, path);
    let incoming = dialect.read_request(path, &wire.body, &home()).unwrap();
    assert_eq!((incoming.model.as_str(), incoming.stream), (arn, true));
}

#[test]
fn what_core_cant_say_is_kept_and_goes_back() {
    let body = json!({
        "system": [{"guardContent": {"text": {"text": "a", "qualifiers": ["guard_content"]}}}],
        "messages": [
            {"role": "user", "content": [
                {"cachePoint": {"type": "default"}},
                {"document": {"format": "txt", "name": "a", "source": {"text": "words"}, "citations": {"enabled": true}}},
                {"document": {"format": "md", "name": "b", "source": {"content": [{"text": "x"}, {"text": "y"}]}, "context": "c"}},
                {"document": {"format": "pdf", "name": "c", "source": {"s3Location": {"uri": "s3://b/c.pdf", "bucketOwner": "1"}}}},
                {"document": {"format": "pdf", "name": "d", "source": {"bytes": "JQ=="}, "citations": {"enabled": true}}},
                {"video": {"format": "mpg", "source": {"bytes": "AQ=="}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
                {"text": "Well?"},
                {"cachePoint": {"type": "default", "ttl": "2h"}},
            ]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "news"}},
                {"citationsContent": {"content": [{"text": "So."}], "citations": [{"title": "a"}]}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": [1]}}, {"searchResult": {"title": "t"}}],
                    "status": "news"}},
            ]},
        ],
        "inferenceConfig": {"news": 1},
        "toolConfig": {"tools": [{"cachePoint": {"type": "default"}}, {"toolSpec": {"name": "f",
            "inputSchema": {"json": {"type": "object"}}, "news": 1}}], "toolChoice": {"news": {}}, "more": 1},
        "outputConfig": {"textFormat": {"type": "news"}},
        "additionalModelRequestFields": {"thinking": {"type": "news"}, "anthropic_beta": ["b"]},
        "serviceTier": {"type": "flex", "news": 1},
        "requestMetadata": {"a": "b", "news": 1},
        "performanceConfig": {"latency": "optimized"},
        "promptVariables": {"a": {"text": "b"}},
    });
    let request = read(&body);
    let written = write(&request);
    assert_eq!(written.warned(), [""; 0]);
    assert_eq!(written.body, body);
    let text = |at: usize| match &request.messages[1].parts[at] {
        Part::Media(it) => it.source.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(1), MediaSource::Bytes("words".into()));
    assert_eq!(text(2), MediaSource::Bytes("x\ny".into()));
    assert_eq!(text(3), MediaSource::Url("s3://b/c.pdf".into()));
    // To another provider a block goes by its plain meaning.
    let Part::ToolResult(result) = &request.messages[3].parts[0] else {
        panic!("{:?}", request.messages[3])
    };
    assert_eq!(result.joined_text(), "{\"a\":[1]}");
}

#[test]
fn a_system_message_within_stays_where_it_was_read() {
    let body = json!({"messages": [
        {"role": "user", "content": [{"text": "a"}]},
        {"role": "system", "content": [{"text": "b"}]},
        {"role": "user", "content": [{"text": "c"}]},
    ]});
    let request = read(&body);
    assert_eq!(request.messages[1].role, Role::System);
    assert_eq!(write(&request).body, body);
}

#[test]
fn what_is_no_request_says_so() {
    let dialect = BedrockConverse::default();
    for body in [
        "",
        "[]",
        "{\"messages\":3}",
        "{\"messages\":[{\"role\":\"x\"}]}",
    ] {
        let outcome = dialect.read_request("/model/m/converse", body.as_bytes(), &home());
        let kind = outcome.map_err(|it| it.kind());
        assert_eq!(kind, Err(ErrorKind::InvalidRequest), "{body}");
    }
    let empty = dialect.read_request("/nowhere", b"{\"messages\":null}", &home());
    assert_eq!(empty.unwrap().model, "");
}
