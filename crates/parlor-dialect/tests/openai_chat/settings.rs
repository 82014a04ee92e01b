//! Settings, quirks and families, as they are written.

use super::*;
use parlor_dialect::openai_chat::{MaxTokens, Thinking};

fn ask() -> ChatRequest {
    ChatRequest::new([Message::user("a")])
}

#[test]
fn the_limit_has_the_name_that_host_and_family_want() {
    let request = ask().with_max_output_tokens(9);
    let field = |quirks: Value, model: &str| {
        let body = write_as(&dialect(quirks), &request, model).unwrap().body;
        let field = ["max_tokens", "max_completion_tokens"]
            .into_iter()
            .find(|it| body[*it] == 9);
        field.unwrap()
    };
    assert_eq!(field(json!({}), "model"), "max_tokens");
    assert_eq!(field(json!({}), "o3-mini"), "max_completion_tokens");
    assert_eq!(
        field(json!({"max_tokens": "max_tokens"}), "o3-mini"),
        "max_tokens"
    );
    assert_eq!(
        field(json!({"max_tokens": "max_completion_tokens"}), "model"),
        "max_completion_tokens"
    );
}

#[test]
fn a_family_with_fixed_sampling_is_asked_for_nothing_else() {
    let mut request = ask().with_temperature(0.5);
    request.top_p = Some(0.5);
    request.presence_penalty = Some(0.5);
    request.logprobs = Some(true);
    request.stop = vec!["x".to_owned()];
    let openai = OpenAiChat::new(Quirks::openai());
    let written = write_as(&openai, &request, "gpt-5-mini").unwrap();
    let warned = [
        "temperature",
        "top_p",
        "presence_penalty",
        "logprobs",
        "stop",
    ];
    assert_eq!(written.warned(), warned);
    assert!(warned.iter().all(|it| written.body.get(*it).is_none()));
    assert_eq!(
        write_as(&openai, &request, "gpt-4o").unwrap().warned(),
        [""; 0]
    );
    // With reasoning off the newer ones take them after all.
    let mut off = ask()
        .with_temperature(0.5)
        .with_reasoning(ReasoningConfig::off());
    let written = write_as(&openai, &off, "gpt-5.1").unwrap();
    assert_eq!(
        (
            &written.body["temperature"],
            &written.body["reasoning_effort"]
        ),
        (&json!(0.5), &json!("none"))
    );
    off.on_unsupported = Some(OnUnsupported::Error);
    assert_eq!(
        write_as(&openai, &off, "o3").err().unwrap().kind(),
        ErrorKind::Unsupported
    );
}

#[test]
fn what_the_host_refuses_is_left_out_with_a_warning() {
    let mut request = ask();
    request.seed = Some(1);
    request.n = Some(2);
    request.top_k = Some(3);
    request.user = Some("u".to_owned());
    request.metadata.insert("k".to_owned(), "v".to_owned());
    request.service_tier = Some("flex".to_owned());
    request.max_output_tokens = Some(9);
    let names = [
        "top_k",
        "n",
        "seed",
        "user",
        "metadata",
        "service_tier",
        "max_output_tokens",
    ];
    let written = write_with(&request, json!({ "refused": names })).unwrap();
    assert_eq!(written.warned(), names);
    assert_eq!(
        written.body,
        json!({"model": "model", "messages": [{"role": "user", "content": "a"}]})
    );
    let written = write_with(
        &request,
        json!({"seed_field": "random_seed", "user_field": "safety_identifier"}),
    )
    .unwrap();
    assert_eq!(
        (
            &written.body["random_seed"],
            &written.body["safety_identifier"]
        ),
        (&json!(1), &json!("u"))
    );
    assert_eq!(written.body["metadata"], json!({"k": "v"}));
    assert_eq!(
        write_with(&request, json!({"user_field": ""}))
            .unwrap()
            .warned(),
        ["user"]
    );
}

#[test]
fn a_name_of_the_end_user_that_is_too_long_is_left_out_with_a_warning() {
    let written = |length: usize, quirks: Value| {
        let mut request = ask();
        request.user = Some("ü".repeat(length));
        let written = write_with(&request, quirks).unwrap();
        let warned = written.warned() == ["user"];
        assert_eq!(written.body.get("user").is_none(), warned);
        !warned
    };
    assert!(written(64, json!({})));
    assert!(!written(65, json!({})));
    assert!(written(150, json!({ "max_user": 0 })));
    let glm = json!({ "min_user": 6, "max_user": 128 });
    for (length, fits) in [(5, false), (6, true), (128, true), (129, false)] {
        assert_eq!(written(length, glm.clone()), fits, "{length}");
    }
}

#[test]
fn stop_texts_beyond_the_limit_are_cut_with_a_warning() {
    let mut request = ask();
    request.stop = ["a", "b", "c"].map(str::to_owned).to_vec();
    let written = write_with(&request, json!({"max_stop": 1})).unwrap();
    assert_eq!(
        (&written.body["stop"], written.warned()),
        (&json!(["a"]), vec!["stop"])
    );
    assert_eq!(write(&request).body["stop"], json!(["a", "b", "c"]));
}

#[test]
fn usage_of_a_stream_is_asked_for_unless_the_host_rejects_that() {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let body = |quirks: Value| -> Value {
        let wire = dialect(quirks).write_request(&ask(), &target).unwrap();
        serde_json::from_slice(&wire.body).unwrap()
    };
    assert_eq!(
        body(json!({}))["stream_options"],
        json!({"include_usage": true})
    );
    let without = body(json!({"stream_usage": false}));
    assert_eq!(
        (&without["stream"], without.get("stream_options")),
        (&json!(true), None)
    );
    assert_eq!(write(&ask()).body.get("stream"), None);
}

#[test]
fn forms_of_answer_as_far_as_the_host_knows_them() {
    let mut schema = OutputSchema::new("city", json!({"type": "object"}));
    schema.strict = Some(true);
    let mut request = ask().with_output(OutputFormat::JsonSchema(schema));
    let inner = json!({"name": "city", "schema": {"type": "object"}, "strict": true});
    assert_eq!(
        write(&request).body["response_format"],
        json!({"type": "json_schema", "json_schema": inner})
    );
    let written = write_with(&request, json!({"strict": false})).unwrap();
    assert_eq!(
        (
            written.body["response_format"]["json_schema"].get("strict"),
            written.warned()
        ),
        (None, vec!["output.strict"])
    );
    assert!(write_with(&request, json!({"output": "object"})).is_err());
    request.on_unsupported = Some(OnUnsupported::Warn);
    let written = write_with(&request, json!({"output": "object"})).unwrap();
    assert_eq!(
        (&written.body["response_format"], written.warnings.len()),
        (&json!({"type": "json_object"}), 1)
    );
    assert_eq!(
        write_with(&request, json!({"output": "none"}))
            .unwrap()
            .body
            .get("response_format"),
        None
    );
    let json_mode = ask().with_output(OutputFormat::Json);
    assert_eq!(
        write(&json_mode).body["response_format"],
        json!({"type": "json_object"})
    );
    assert!(write_with(&json_mode, json!({"output": "none"})).is_err());
}

#[test]
fn the_callers_extra_wins_over_the_hosts_and_over_everything() {
    let mut request = ask().with_temperature(0.5);
    request.extra.insert(
        "host".to_owned(),
        Map::from_iter([
            ("temperature".to_owned(), json!(1)),
            ("provider".to_owned(), json!({"sort": "price"})),
        ]),
    );
    request.extra.insert(
        "elsewhere".to_owned(),
        Map::from_iter([("x".to_owned(), json!(1))]),
    );
    let written = write_with(
        &request,
        json!({"body": {"provider": {"zdr": true, "sort": "x"}, "tool_stream": true}}),
    )
    .unwrap();
    assert_eq!(written.body["temperature"], 1);
    assert_eq!(
        written.body["provider"],
        json!({"zdr": true, "sort": "price"})
    );
    assert_eq!(
        (&written.body["tool_stream"], written.body.get("x")),
        (&json!(true), None)
    );
}

#[test]
fn the_path_and_the_headers_are_the_hosts() {
    let quirks = json!({"path": "/deployments/{model}/chat/completions?api-version=1", "headers": {"x-a": "b"}});
    let written = write_as(&dialect(quirks), &ask(), "my model/é:1").unwrap();
    assert_eq!(
        written.path,
        "/deployments/my%20model%2F%C3%A9%3A1/chat/completions?api-version=1"
    );
    assert_eq!(written.headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(write(&ask()).path, "/chat/completions");
}

#[test]
fn quirks_are_configured_by_name_over_a_preset() {
    let preset = Quirks::openai();
    let own = overridden(
        preset.clone(),
        &json!({"max-tokens": "max_tokens", "thinking": "enable", "headers": {"a": "b"}}),
    )
    .unwrap();
    assert_eq!(overridden(preset.clone(), &Value::Null).unwrap(), preset);
    assert_eq!(
        (own.max_tokens, own.thinking),
        (MaxTokens::MaxTokens, Thinking::Enable)
    );
    assert!(own.text_parts && own.headers["a"] == "b");
    for wrong in [
        json!({"max_token": 1}),
        json!({"thinking": "loud"}),
        json!({"strict": "yes"}),
        json!([]),
    ] {
        assert_eq!(
            overridden(preset.clone(), &wrong).unwrap_err().kind(),
            ErrorKind::Configuration
        );
    }
    let all = serde_json::to_value(&preset).unwrap();
    assert_eq!(serde_json::from_value::<Quirks>(all).unwrap(), preset);
    assert_eq!(
        serde_json::from_value::<Quirks>(json!({})).unwrap(),
        Quirks::compatible()
    );
}

#[test]
fn a_strict_schema_is_closed_where_it_must_be() {
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let mut schema = OutputSchema::new("out", open.clone());
    schema.strict = Some(true);
    let request = ask().with_output(OutputFormat::JsonSchema(schema));
    let sent = |quirks: Quirks| {
        let written = write_as(&OpenAiChat::new(quirks), &request, "model").unwrap();
        let schema = written.body["response_format"]["json_schema"]["schema"].clone();
        (schema, written.warnings.len())
    };
    assert_eq!(sent(Quirks::compatible()), (open, 0));
    let (closed, warnings) = sent(Quirks::openai());
    assert_eq!(
        (&closed["additionalProperties"], &closed["required"]),
        (&json!(false), &json!(["a"]))
    );
    assert_eq!(warnings, 0);
    // One that is closed already stays as it is.
    let mut schema = OutputSchema::new("out", closed.clone());
    schema.strict = Some(true);
    let request = ask().with_output(OutputFormat::JsonSchema(schema));
    let written = write_as(&OpenAiChat::new(Quirks::openai()), &request, "model").unwrap();
    assert_eq!(
        written.body["response_format"]["json_schema"]["schema"],
        closed
    );
    assert_eq!(written.warned(), [""; 0]);
}

#[test]
fn a_temperature_is_lowered_to_the_hosts_highest() {
    let written = write_with(
        &ask().with_temperature(1.5),
        json!({"max_temperature": 1.0}),
    )
    .unwrap();
    assert_eq!(
        (&written.body["temperature"], written.warned()),
        (&json!(1.0), vec!["temperature"])
    );
    let written = write_with(
        &ask().with_temperature(0.5),
        json!({"max_temperature": 1.0}),
    )
    .unwrap();
    assert_eq!(
        (&written.body["temperature"], written.warned()),
        (&json!(0.5), vec![])
    );
}

#[test]
fn a_last_assistant_message_is_marked_where_it_is_to_be_continued() {
    let request = ChatRequest::new([
        Message::assistant("a"),
        Message::user("b"),
        Message::assistant("{"),
    ]);
    let written = write_with(&request, json!({"prefill_field": "prefix"})).unwrap();
    assert_eq!(
        written.messages()[2],
        json!({"role": "assistant", "content": "{", "prefix": true})
    );
    assert_eq!(written.messages()[0].get("prefix"), None);
    assert_eq!(write(&request).messages()[2].get("prefix"), None);
}
