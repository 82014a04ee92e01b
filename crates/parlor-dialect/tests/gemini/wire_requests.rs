//! Reading requests.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::gemini::{Gemini, Quirks};
use parlor_dialect::{Dialect, Profile, ServerDialect, Target};
use serde_json::{Value, json};

/// A request that uses every field that the wire can say.
fn rich() -> ChatRequest {
    let item = |it: Value| native(it);
    let call = Part::from(ToolCall::new("c1", "f", Arguments::json(r#"{"a":1}"#))).with_native(
        item(json!({"functionCall": {"id": "c1"}, "thoughtSignature": "s"})),
    );
    let second = Part::from(ToolCall::new("call00001", "f", Arguments::json("{}")))
        .with_native(item(json!({})));
    let mut ran = ToolCall::new(
        "x1",
        "code_execution",
        Arguments::json(r#"{"language":"PYTHON","code":"1"}"#),
    );
    ran.executor = Executor::Provider;
    let ran = Part::from(ran).with_native(item(
        json!({"executableCode": {"language": "PYTHON", "code": "1", "id": "x1"}}),
    ));
    let mut result = ToolResult::text("c1", r#"{"t":4}"#);
    result.name = Some("f".to_owned());
    result
        .parts
        .push(Media::bytes("image/png", vec![1, 2]).into());
    let result = Part::from(result).with_native(item(
        json!({"functionResponse": {"scheduling": "SILENT", "id": "c1"}}),
    ));
    let mut failed = ToolResult::error("call00001", "no");
    failed.name = Some("f".to_owned());
    let mut film = Media::url(MediaKind::Video, "gs://bucket/a");
    film.media_type = Some("video/mp4".to_owned());
    let film = Part::from(film).with_native(item(json!({"videoMetadata": {"fps": 2.0}})));
    let mut named = Message::system("Be short.");
    named.native = Some(Box::new(item(json!({"role": "user"}))));
    let mut request = ChatRequest::new([
        named,
        Message::new(Role::User, vec![Part::text("Hi"), film]),
        Message::new(
            Role::Assistant,
            vec![
                Part::from(Reasoning::new("hm")).with_native(item(json!({}))),
                Part::text("Let me see.").with_native(item(json!({"thoughtSignature": "t"}))),
                ran,
                Part::Native(item(json!({"newThing": {"a": 1}}))),
                call,
                second,
            ],
        ),
        Message::new(Role::Tool, vec![result, failed.into()]),
    ]);
    let mut function = FunctionDefinition::new("f");
    function.description = Some("does".to_owned());
    function.parameters = Some(json!({"type": "object", "properties": {"a": {"type": "integer"}}}));
    function.native = Some(Box::new(item(json!({"behavior": "BLOCKING"}))));
    request.tools = vec![
        ToolDefinition::Function(function),
        ToolDefinition::Native(item(json!({"googleSearch": {}}))),
    ];
    request.tool_choice = Some(ToolChoice::Tool("f".to_owned()));
    let schema =
        json!({"title": "answer", "type": "object", "properties": {"b": {"type": "string"}}});
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new(
        "answer", schema,
    )));
    request.max_output_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.9);
    request.top_k = Some(40);
    request.frequency_penalty = Some(0.1);
    request.presence_penalty = Some(-0.1);
    request.seed = Some(7);
    request.stop = vec!["END".to_owned()];
    request.n = Some(2);
    request.logprobs = Some(true);
    request.top_logprobs = Some(3);
    request.reasoning = Some(Effort::High.into());
    request.service_tier = Some("flex".to_owned());
    let safety = json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]);
    request
        .with_extra("gemini", "safetySettings", safety)
        .with_extra(
            "gemini",
            "generationConfig",
            json!({"responseModalities": ["TEXT"]}),
        )
        .with_extra(
            "gemini",
            "toolConfig",
            json!({"retrievalConfig": {"languageCode": "no"}}),
        )
}

#[test]
fn stop_texts_beyond_the_limit_are_cut_with_a_warning() {
    let mut request = ask(vec![Part::text("Hi")]);
    request.stop = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let stop = |body: &Value| body["generationConfig"]["stopSequences"].clone();
    assert_eq!(stop(&write(&request)), json!(request.stop));
    request.stop.push("f".to_owned());
    let (body, warnings) = write_to(MODEL, Quirks::default(), &request).unwrap();
    assert_eq!(stop(&body), json!(["a", "b", "c", "d", "e"]));
    assert_eq!(warnings, ["only the first 5 stop sequences were sent"]);
    let (body, _) = write_to(MODEL, quirks(json!({"max_stop": 0})), &request).unwrap();
    assert_eq!(stop(&body), json!(request.stop));
}

#[test]
fn a_rich_request_reads_back_as_it_was() {
    let request = rich();
    assert_eq!(read_request(&write(&request)).unwrap(), request);
    let mut labelled = request;
    labelled.metadata.insert("team".to_owned(), "a".to_owned());
    let (info, profile) = (info(), Profile::default());
    let vertex = Gemini::new(Quirks::vertex());
    let written = vertex
        .write_request(&labelled, &Target::new(&info, &profile))
        .unwrap();
    let read = vertex
        .read_request(&written.path, &written.body, &origin())
        .unwrap();
    assert_eq!(read.request, labelled);
}

#[test]
fn snake_case_and_bare_elements_are_read() {
    let read = read_request(&json!({
        "system_instruction": {"parts": {"text": "Be short."}},
        "contents": {"parts": [{"text": "Hi"}, {"inline_data": {"mime_type": "image/png", "data": "-_8"}}]},
        "tools": {"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}}}]},
        "tool_config": {"function_calling_config": {"mode": 2, "allowed_function_names": ["f", "g"]}, "retrieval_config": null},
        "generation_config": {"max_output_tokens": 5, "top_k": 40.0, "response_mime_type": "text/x.enum",
            "thinking_config": {"thinking_budget": -1}, "speech_config": {"a": 1}},
        "safety_settings": [],
        "model": "models/x",
    }))
    .unwrap();
    assert_eq!(read.messages.len(), 2);
    assert_eq!(read.messages[0], Message::system("Be short."));
    let Part::Media(image) = &read.messages[1].parts[1] else {
        panic!()
    };
    assert_eq!(image.source, MediaSource::Bytes(vec![0xfb, 0xff].into()));
    let function = read.tools[0].as_function().unwrap();
    assert_eq!(
        function.parameters.as_ref().unwrap()["properties"]["a"]["type"],
        json!(["string", "null"])
    );
    let both = ToolChoice::Allowed {
        tools: vec!["f".to_owned(), "g".to_owned()],
        required: true,
    };
    assert_eq!(read.tool_choice, Some(both));
    assert_eq!((read.max_output_tokens, read.top_k), (Some(5), Some(40)));
    let reasoning = read.reasoning.unwrap();
    assert_eq!(
        (reasoning.effort, reasoning.summary.as_deref()),
        (Some(Effort::Auto), Some("omitted"))
    );
    let extra = Value::Object(read.extra["gemini"].clone());
    assert_eq!(
        extra,
        json!({
            "generationConfig": {"responseMimeType": "text/x.enum", "speechConfig": {"a": 1}},
            "safetySettings": [],
        })
    );
}

#[test]
fn results_are_messages_of_their_own_and_join_again() {
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"n": 1}}},
            {"functionCall": {"name": "g", "args": {}}},
            {"functionCall": {"name": "f", "args": {"n": 2}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "g", "response": {"output": "b"}}},
            {"functionResponse": {"name": "f", "response": {"x": [1, 2.0]}}},
            {"functionResponse": {"name": "f", "response": {"error": "c"}}},
            {"text": "and now?"},
            {"inlineData": {"mimeType": "image/png", "data": "AQ=="}},
        ]},
        {"role": "function", "parts": [{"functionResponse": {"name": "h", "response": {"output": ""}}}]},
    ]});
    let request = read_request(&body).unwrap();
    let roles: Vec<Role> = request.messages.iter().map(|it| it.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::Tool,
            Role::User,
            Role::Tool
        ]
    );
    let calls: Vec<&str> = request.messages[1]
        .tool_calls()
        .map(|it| it.id.as_str())
        .collect();
    assert!(calls.iter().all(|it| it.len() == 9));
    let results: Vec<&ToolResult> = request
        .messages
        .iter()
        .flat_map(|it| &it.parts)
        .filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
        .collect();
    let ids: Vec<&str> = results.iter().map(|it| it.call_id.as_str()).collect();
    assert_eq!(ids[..3], [calls[1], calls[0], calls[2]]);
    assert!(!calls.contains(&ids[3]));
    assert_eq!(results[1].joined_text(), r#"{"x":[1,2.0]}"#);
    assert!(results[2].is_error && results[3].parts.is_empty());
    // An old family, so that no signature is asked for.
    let (written, warnings) = write_to("gemini-2.5-flash", Quirks::default(), &request).unwrap();
    assert_eq!((written, warnings.len()), (body, 0));
    // Read again it is the same.
    assert_eq!(read_request(&write(&request)).unwrap().messages.len(), 5);
}

#[test]
fn results_of_any_form_come_through() {
    for (text, response) in [
        ("4 C", json!({"output": "4 C"})),
        ("[1]", json!({"output": "[1]"})),
        (r#"{"a":1}"#, json!({"a": 1})),
        ("{}", json!({})),
        (r#"{"output":"x"}"#, json!({"output": r#"{"output":"x"}"#})),
        (r#"{"output":1}"#, json!({"output": 1})),
        (r#"{"error":"x"}"#, json!({"output": r#"{"error":"x"}"#})),
    ] {
        let mut result = ToolResult::text("call00001", text);
        result.name = Some("f".to_owned());
        let message = Message::tool_results([result]);
        let request = ChatRequest::new([message]);
        let body = write(&request);
        assert_eq!(
            body["contents"][0]["parts"][0]["functionResponse"]["response"],
            response
        );
        assert_eq!(read_request(&body).unwrap(), request);
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let path = format!("/v1beta/models/{MODEL}:generateContent");
    let read = |path: &str, body: &str| {
        let read = Gemini::default().read_request(path, body.as_bytes(), &origin());
        read.map(|_| ()).unwrap_err().kind()
    };
    let good = r#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#;
    for (path, body) in [
        (path.as_str(), "{"),
        (&path, "[]"),
        (&path, "{}"),
        (&path, r#"{"contents":[{"role":"assistant","parts":[]}]}"#),
        ("/v1beta/models/x:countTokens", good),
        ("/v1beta/models/:generateContent", good),
        ("/v1beta/models", good),
    ] {
        assert_eq!(read(path, body), ErrorKind::InvalidRequest, "{path} {body}");
    }
}
