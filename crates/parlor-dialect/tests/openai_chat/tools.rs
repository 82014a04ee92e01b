//! Tools and the choice among them, as they are written.

use super::*;

fn request(choice: Option<ToolChoice>) -> ChatRequest {
    let mut request = ChatRequest::new([Message::user("a")])
        .with_tool(ToolDefinition::function(
            "f",
            "does f",
            json!({"type": "object", "properties": {"x": {}}}),
        ))
        .with_tool(ToolDefinition::Function(FunctionDefinition::new("g")));
    request.tool_choice = choice;
    request
}

fn chosen(choice: ToolChoice, words: Value) -> (Value, Vec<String>) {
    let written = write_with(&request(Some(choice)), json!({"tool_choice": words})).unwrap();
    let tools = written.body["tools"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let names = tools
        .iter()
        .map(|it| it["function"]["name"].as_str().unwrap().to_owned());
    (written.body["tool_choice"].clone(), names.collect())
}

#[test]
fn functions_have_a_schema_always() {
    let written = write(&request(None));
    assert_eq!(
        written.body["tools"],
        json!([
            {"type": "function", "function": {"name": "f", "description": "does f", "parameters": {"type": "object", "properties": {"x": {}}}}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ])
    );
    assert_eq!(written.body.get("tool_choice"), None);
}

#[test]
fn choices_in_the_words_that_the_host_knows() {
    let all = json!(["auto", "none", "required", "named", "allowed"]);
    let both = vec!["f".to_owned(), "g".to_owned()];
    assert_eq!(
        chosen(ToolChoice::Auto, all.clone()),
        (json!("auto"), both.clone())
    );
    assert_eq!(
        chosen(ToolChoice::None, all.clone()),
        (json!("none"), both.clone())
    );
    assert_eq!(
        chosen(ToolChoice::Required, all.clone()),
        (json!("required"), both.clone())
    );
    let named = json!({"type": "function", "function": {"name": "g"}});
    assert_eq!(
        chosen(ToolChoice::Tool("g".to_owned()), all.clone()),
        (named.clone(), both.clone())
    );
    let allowed = || ToolChoice::Allowed {
        tools: vec!["g".to_owned()],
        required: true,
    };
    let wanted =
        json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}});
    assert_eq!(chosen(allowed(), all), (wanted, both.clone()));

    // The nearest where a word is missing.
    let few = json!(["auto", "required"]);
    let only = vec!["g".to_owned()];
    assert_eq!(
        chosen(ToolChoice::Tool("g".to_owned()), few.clone()),
        (json!("required"), only.clone())
    );
    assert_eq!(chosen(allowed(), few.clone()), (json!("required"), only));
    assert_eq!(chosen(ToolChoice::None, few), (json!(null), vec![]));
    assert_eq!(chosen(ToolChoice::Auto, json!([])), (json!(null), both));
}

#[test]
fn a_choice_that_the_host_lacks_is_an_error_or_a_warning() {
    let mut request = request(Some(ToolChoice::Required));
    let quirks = json!({"tool_choice": ["auto"]});
    let error = write_with(&request, quirks.clone()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    request.on_unsupported = Some(OnUnsupported::Warn);
    let written = write_with(&request, quirks).unwrap();
    assert_eq!(
        (written.body.get("tool_choice"), written.warned()),
        (None, vec!["tool_choice"])
    );
    let any = write_with(&request, json!({"required_word": "any"})).unwrap();
    assert_eq!(any.body["tool_choice"], "any");
}

#[test]
fn a_call_cannot_be_forced_while_such_a_family_reasons() {
    let forced = request(Some(ToolChoice::Required)).with_reasoning(Effort::High);
    let quirks = json!({"thinking": "type", "effort_beside_switch": true});
    let written =
        |request: &ChatRequest| write_as(&dialect(quirks.clone()), request, "deepseek-v4-pro");
    assert_eq!(
        written(&forced).err().unwrap().kind(),
        ErrorKind::Unsupported
    );
    let off = request(Some(ToolChoice::Required)).with_reasoning(ReasoningConfig::off());
    assert_eq!(written(&off).unwrap().body["tool_choice"], "required");
}

#[test]
fn strictness_and_parallel_calls_where_they_are_known() {
    let mut request = request(None);
    request.parallel_tool_calls = Some(false);
    let ToolDefinition::Function(function) = &mut request.tools[0] else {
        panic!()
    };
    function.strict = Some(true);
    let written = write(&request);
    assert_eq!(written.body["tools"][0]["function"]["strict"], true);
    assert_eq!(written.body["parallel_tool_calls"], false);
    let written = write_with(
        &request,
        json!({"strict": false, "parallel_tool_calls": false}),
    )
    .unwrap();
    assert_eq!(written.warned(), ["tools.strict", "parallel_tool_calls"]);
    assert_eq!(written.body["tools"][0]["function"].get("strict"), None);
}

#[test]
fn a_hosts_own_tools_go_to_it_alone() {
    let custom = json!({"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}});
    let mut request = ChatRequest::new([Message::user("a")])
        .with_tool(ToolDefinition::Native(native(custom.clone())));
    request.tool_choice = Some(ToolChoice::Tool("sql".to_owned()));
    let written = write(&request);
    assert_eq!(written.body["tools"], json!([custom]));
    assert_eq!(
        written.body["tool_choice"],
        json!({"type": "custom", "custom": {"name": "sql"}})
    );
    let away = ToolDefinition::Native(Native::new(Origin::new("elsewhere", "openai-chat"), custom));
    let error = write_with(
        &ChatRequest::new([Message::user("a")]).with_tool(away),
        json!({}),
    )
    .err()
    .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn tools_are_refused_where_the_model_is_known_to_have_none() {
    let mut info = info();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Tools]);
    let profile = Profile::default();
    let error = OpenAiChat::default()
        .write_request(&request(None), &Target::new(&info, &profile))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.model()),
        (ErrorKind::Unsupported, Some("model"))
    );
}

#[test]
fn nothing_is_said_of_tools_where_none_is_sent() {
    let away = Native::new(Origin::new("away", "gemini"), json!({"googleSearch": {}}));
    let mut request = ChatRequest::from("Hi").with_tool(ToolDefinition::Native(away));
    request.on_foreign_tools = Some(OnUnsupported::Warn);
    request.tool_choice = Some(ToolChoice::Auto);
    request.parallel_tool_calls = Some(false);
    let written = write_with(&request, json!({})).unwrap();
    assert_eq!(written.warned(), ["tools"]);
    for field in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert_eq!(written.body.get(field), None, "{field}");
    }
    // Nor where the host knows no other way to forbid calls.
    let mut request = self::request(Some(ToolChoice::None));
    request.parallel_tool_calls = Some(true);
    let written = write_with(&request, json!({"tool_choice": ["auto"]})).unwrap();
    assert_eq!(written.body.get("parallel_tool_calls"), None);
}
