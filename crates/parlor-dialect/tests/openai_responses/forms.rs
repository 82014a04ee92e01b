//! Tools in groups, tools that take a text, and tools amid the input, as Codex offers them.

use super::{info, origin, read, written};
use parlor_core::*;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::{self, OpenAiChat};
use parlor_dialect::openai_responses::{OpenAiResponses, Quirks};
use parlor_dialect::{Dialect, Incoming, Profile, ServerDialect, Target};
use serde_json::{Value, json};

pub(super) fn incoming(body: &Value) -> Incoming {
    OpenAiResponses::default()
        .read_request("/responses", body.to_string().as_bytes(), &origin())
        .unwrap()
}

/// A request with these tools amid its input.
pub(super) fn bringing(tools: Value) -> Value {
    json!({"model": "m", "input": [
        {"type": "additional_tools", "role": "developer", "tools": tools},
        {"type": "message", "role": "developer", "content": "Rules."},
        {"type": "message", "role": "user", "content": "Hi"}]})
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "description": format!("Does {name}."), "strict": false,
        "parameters": {"type": "object", "properties": {"at": {"type": "number"}}}})
}

/// What Codex offers, in small.
pub(super) fn tools() -> Value {
    json!([
        {"type": "namespace", "name": "functions", "description": "Tools.", "tools": [
            {"type": "custom", "name": "exec", "description": "Runs code.",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: CODE"}},
            function("wait")]},
        {"type": "namespace", "name": "agents", "description": "", "tools": [
            function("wait"), function("close")]},
        {"type": "custom", "name": "note"}])
}

fn names(request: &ChatRequest) -> Vec<&str> {
    let functions = request.tools.iter().filter_map(ToolDefinition::as_function);
    functions.map(|it| it.name.as_str()).collect()
}

/// The body that another dialect writes, without warnings.
fn elsewhere(dialect: &impl Dialect, request: &ChatRequest) -> Value {
    let (info, profile) = (ModelInfo::new("away", "m"), Profile::default());
    let wire = dialect
        .write_request(request, &Target::new(&info, &profile))
        .unwrap();
    assert_eq!(wire.warnings, []);
    serde_json::from_slice(&wire.body).unwrap()
}

fn chat(request: &ChatRequest) -> Value {
    elsewhere(&OpenAiChat::new(openai_chat::Quirks::compatible()), request)
}

/// The answer of these parts, whole.
pub(super) fn whole(parts: Vec<Part>, incoming: &Incoming) -> Value {
    let response = response(parts);
    let dialect = OpenAiResponses::default();
    let body = dialect.write_response_for(&response, &incoming.tools);
    serde_json::from_slice(&body.unwrap()).unwrap()
}

pub(super) fn response(parts: Vec<Part>) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut response = ChatResponse::default();
    (response.id, response.created) = (Some("a".into()), Some(7));
    response.choices = vec![choice];
    response
}

pub(super) fn call(id: &str, name: &str, arguments: Value) -> Part {
    ToolCall::new(id, name, arguments).into()
}

#[test]
fn tools_of_all_forms_are_functions_elsewhere() {
    let request = incoming(&bringing(tools())).request;
    assert_eq!(
        names(&request),
        ["exec", "wait", "agents__wait", "agents__close", "note"]
    );
    let sent = chat(&request);
    let sent: Vec<&Value> = sent["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["function"])
        .collect();
    assert_eq!(sent.len(), 5);
    let text = json!({"type": "object", "properties": {"input": {"type": "string"}},
        "required": ["input"], "additionalProperties": false});
    assert_eq!(
        (&sent[0]["parameters"], &sent[4]["parameters"]),
        (&text, &text)
    );
    let told = sent[0]["description"].as_str().unwrap();
    for word in ["Runs code.", "`input`", "lark", "start: CODE"] {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(sent[2]["description"], "Does wait.");
    assert_eq!(sent[2]["parameters"], function("wait")["parameters"]);
    let names = ["exec", "wait", "agents__wait", "agents__close", "note"];
    let anthropic = elsewhere(&AnthropicMessages::default(), &request);
    let gemini = elsewhere(&Gemini::default(), &request);
    let ollama = elsewhere(&Ollama::default(), &request);
    for (at, name) in names.iter().enumerate() {
        assert_eq!(anthropic["tools"][at]["name"], *name);
        assert_eq!(
            gemini["tools"][0]["functionDeclarations"][at]["name"],
            *name
        );
        assert_eq!(ollama["tools"][at]["function"]["name"], *name);
    }
    // The same in the ordinary place.
    let body = json!({"model": "m", "input": "Hi", "tools": tools()});
    assert_eq!(self::names(&incoming(&body).request), names);
}

#[test]
fn its_own_provider_gets_them_as_they_were() {
    let mut body = bringing(json!([
        {"type": "namespace", "name": "functions", "description": "Tools.", "tools": [
            {"type": "custom", "name": "exec", "format": {"type": "text"}},
            {"type": "glimmer", "x": 1},
            function("wait")]},
        {"type": "namespace", "name": "agents", "tools": [function("close")]},
        {"type": "image_generation"},
        function("look")]));
    body["input"][0]["id"] = "at_1".into();
    body["tools"] = json!([
        {"type": "web_search"},
        {"type": "namespace", "name": "files", "tools": [function("open"), function("shut")]},
        {"type": "namespace", "name": "more", "tools": [function("open")]},
        function("see"),
        {"type": "custom", "name": "note"}]);
    body["tool_choice"] = json!({"type": "custom", "name": "note"});
    let items = json!([
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "exec",
            "namespace": "functions", "input": "a\n\"b\"", "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "close", "namespace": "agents", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c3", "name": "gone", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": "three"}]);
    let input = body["input"].as_array_mut().unwrap();
    input.extend(items.as_array().unwrap().iter().cloned());
    let late =
        json!({"type": "additional_tools", "role": "developer", "tools": [function("late")]});
    let end = body["input"].as_array().unwrap().len();
    body["input"].as_array_mut().unwrap().insert(end - 3, late);
    let request = read(&body);
    let json = serde_json::to_value(&request).unwrap();
    assert_eq!(
        serde_json::from_value::<ChatRequest>(json).unwrap(),
        request
    );
    let (mut again, warnings) = written(&request, Quirks::default()).unwrap();
    again["model"] = "m".into();
    assert_eq!((again, warnings), (body, vec![]));
}

#[test]
fn names_are_there_once_and_suit_everyone() {
    let long = "a_tool_with_a_name_that_goes_on".repeat(3);
    let group =
        |name: &str, tools: Value| json!({"type": "namespace", "name": name, "tools": tools});
    let mut body = bringing(json!([
        group("functions", json!([function("look"), function("see")])),
        group("mcp__eyes__", json!([function("look"), function("see.it")])),
        group("2nd", json!([function("look")])),
        group("eyes", json!([function(&long), function(&format!("{long}2"))])),
        function(&long),
        {"type": "custom", "name": "eyes__see"},
        group("eyes", json!([function("see")]))]));
    body["tools"] = json!([function("look")]);
    let request = incoming(&body).request;
    let names = names(&request);
    assert_eq!(
        &names[..4],
        ["look", "functions__look", "see", "mcp__eyes__look"]
    );
    for (at, name) in names.iter().enumerate() {
        assert!(name.len() <= 64 && !names[..at].contains(name), "{names:?}");
        let suits = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
        assert!(
            name.chars().all(suits) && !name.starts_with('2'),
            "{names:?}"
        );
    }
    assert_eq!(names.len(), 11);
    assert_eq!(names, self::names(&incoming(&body).request));
    let sent = chat(&request);
    assert_eq!(sent["tools"].as_array().unwrap().len(), 11);
    // Whatever they are called, answers find them.
    let parts = names.iter().map(|it| call(it, it, json!({})));
    let answer = whole(parts.collect(), &incoming(&body));
    let told: Vec<(&str, &str)> = (answer["output"].as_array().unwrap().iter())
        .map(|it| {
            (
                it["namespace"].as_str().unwrap_or(""),
                it["name"].as_str().unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("", "look"),
        ("functions", "look"),
        ("functions", "see"),
        ("mcp__eyes__", "look"),
        ("mcp__eyes__", "see.it"),
        ("2nd", "look"),
        ("eyes", &long),
        ("eyes", &format!("{long}2")),
        ("", &long),
        ("", "eyes__see"),
        ("eyes", "see"),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn the_last_of_two_with_one_name_counts() {
    let mut body = bringing(tools());
    let mut again = tools();
    again[1]["tools"][1]["description"] = "Ends it.".into();
    let item = json!({"type": "additional_tools", "role": "developer", "tools": again});
    body["input"].as_array_mut().unwrap().push(item);
    let request = incoming(&body).request;
    assert_eq!(
        names(&request),
        ["exec", "wait", "agents__wait", "agents__close", "note"]
    );
    let close = request.tools[3].as_function().unwrap();
    assert_eq!(close.description.as_deref(), Some("Ends it."));
}

#[test]
fn the_next_turn_goes_elsewhere_as_it_came_from_there() {
    let mut body = bringing(tools());
    let first = vec![
        call("c1", "exec", json!({"input": "a\nb"})),
        call("c2", "agents__close", json!({"at": 1})),
        call("c3", "exec", json!({"input": ""})),
    ];
    let answer = whole(first.clone(), &incoming(&body));
    let input = body["input"].as_array_mut().unwrap();
    input.extend(answer["output"].as_array().unwrap().iter().cloned());
    let outputs = json!([
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": "two"},
        {"type": "custom_tool_call_output", "call_id": "c3", "output": [
            {"type": "input_text", "text": "thr"}, {"type": "input_text", "text": "ee"}]}]);
    input.extend(outputs.as_array().unwrap().iter().cloned());
    let request = incoming(&body).request;
    let sent = chat(&request);
    let messages = sent["messages"].as_array().unwrap();
    let turn = &messages[messages.len() - 4];
    let calls: Vec<(&str, Value)> = (turn["tool_calls"].as_array().unwrap().iter())
        .map(|it| {
            (
                it["function"]["name"].as_str().unwrap(),
                serde_json::from_str(it["function"]["arguments"].as_str().unwrap()).unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("exec", json!({"input": "a\nb"})),
        ("agents__close", json!({"at": 1})),
        ("exec", json!({"input": ""})),
    ];
    assert_eq!(calls, wanted);
    let ids: Vec<&Value> = messages[messages.len() - 3..]
        .iter()
        .map(|it| &it["tool_call_id"])
        .collect();
    assert_eq!(ids, ["c1", "c2", "c3"]);
    let sent = elsewhere(&Gemini::default(), &request);
    let results = sent["contents"].as_array().unwrap().last().unwrap()["parts"]
        .as_array()
        .unwrap();
    let names: Vec<&Value> = results
        .iter()
        .map(|it| &it["functionResponse"]["name"])
        .collect();
    assert_eq!(names, ["exec", "agents__close", "exec"]);
    let sent = elsewhere(&AnthropicMessages::default(), &request);
    let turn = &sent["messages"][1]["content"];
    assert_eq!(
        (&turn[0]["name"], &turn[0]["input"]),
        (&json!("exec"), &json!({"input": "a\nb"}))
    );
}

#[test]
fn what_a_tool_says_beside_its_result_is_part_of_it() {
    let mut body = bringing(tools());
    let said = |id: &str, output: &str| json!({"type": "custom_tool_call_output", "call_id": id, "output": output});
    let called =
        |id: &str| json!({"type": "custom_tool_call", "call_id": id, "name": "exec", "input": "a"});
    let items = [
        called("c1"),
        called("c2"),
        said("c1", "whole"),
        said("c1", "half"),
        said("c2", "other"),
        called("c1"),
        said("c1", "again"),
    ];
    body["input"].as_array_mut().unwrap().extend(items);
    let request = incoming(&body).request;
    let sent = chat(&request);
    let told: Vec<(&Value, String)> = (sent["messages"].as_array().unwrap().iter())
        .filter(|it| it["role"] == "tool")
        .map(|it| (&it["tool_call_id"], it["content"].to_string()))
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for (at, (id, words)) in [
        ("c1", ["whole", "half"]),
        ("c2", ["other"; 2]),
        ("c1", ["again"; 2]),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(told[at].0, id);
        assert!(words.iter().all(|it| told[at].1.contains(it)), "{told:?}");
    }
    let again = written(&request, Quirks::default()).unwrap().0;
    assert_eq!(again["input"][5]["type"], "custom_tool_call_output");
    assert_eq!(again["input"][5]["output"][1]["text"], "half");
}

#[test]
fn a_call_without_its_group_is_the_only_one_s_of_that_name() {
    let mut body = bringing(json!([
        {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]},
        {"type": "namespace", "name": "agents", "tools": [function("close"), function("look")]},
        {"type": "namespace", "name": "files", "tools": [function("close")]}]));
    body["tools"] = json!([function("look")]);
    let items = json!([
        {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "input": "a"},
        {"type": "function_call", "call_id": "c2", "name": "close", "arguments": "{}"},
        {"type": "function_call", "call_id": "c3", "name": "look", "arguments": "{}"}]);
    let input = body["input"].as_array_mut().unwrap();
    input.extend(items.as_array().unwrap().iter().cloned());
    let request = incoming(&body).request;
    let calls: Vec<&ToolCall> = request
        .messages
        .iter()
        .flat_map(Message::tool_calls)
        .collect();
    assert_eq!(calls[0].arguments.parse().unwrap(), json!({"input": "a"}));
    // Nobody knows which; a plain function is called by its own name.
    assert_eq!(
        (calls[1].name.as_str(), calls[2].name.as_str()),
        ("close", "look")
    );
}

#[test]
fn a_choice_names_the_function() {
    for (choice, wanted) in [
        (
            json!({"type": "custom", "name": "exec"}),
            ToolChoice::Tool("exec".into()),
        ),
        (
            json!({"type": "function", "name": "close"}),
            ToolChoice::Tool("agents__close".into()),
        ),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [
                {"type": "function", "name": "close"}, {"type": "custom", "name": "note"}]}),
            ToolChoice::Allowed {
                tools: vec!["agents__close".into(), "note".into()],
                required: true,
            },
        ),
    ] {
        let mut body = bringing(tools());
        body["tool_choice"] = choice.clone();
        let request = incoming(&body).request;
        assert_eq!(request.tool_choice, Some(wanted));
        assert_eq!(
            written(&request, Quirks::default()).unwrap().0["tool_choice"],
            choice
        );
    }
}

#[test]
fn unknown_kinds_are_told_and_left_out() {
    let mut request = incoming(&bringing(json!([
        function("look"), {"type": "web_search"}, {"type": "local_shell"},
        {"type": "namespace", "name": "functions", "tools": [{"type": "image_generation"}]}])))
    .request;
    let (info, profile) = (ModelInfo::new("away", "m"), Profile::default());
    let target = Target::new(&info, &profile);
    let dialect = OpenAiChat::default();
    let error = dialect.write_request(&request, &target).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    request.on_foreign_tools = Some(OnUnsupported::Warn);
    let wire = dialect.write_request(&request, &target).unwrap();
    let told: Vec<&str> = wire.warnings.iter().map(|it| it.setting.as_str()).collect();
    assert_eq!(told, ["tools"]);
    let sent: Value = serde_json::from_slice(&wire.body).unwrap();
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_group_says_is_there_once() {
    let many: Vec<Value> = (0..1000).map(|at| function(&format!("f{at}"))).collect();
    let group = |name: &str| json!({"type": "namespace", "name": name, "description": "d".repeat(100_000), "tools": many});
    let mut body = bringing(json!([group("a"), group("b")]));
    body["input"][0]["id"] = "i".repeat(100_000).into();
    let request = read(&body);
    assert_eq!(request.tools.len(), 2000);
    let size = |json: String| json.len();
    let (sent, kept) = (
        size(body.to_string()),
        size(serde_json::to_string(&request).unwrap()),
    );
    assert!(kept < 4 * sent, "{kept} of {sent}");
    let mut again = written(&request, Quirks::default()).unwrap().0;
    again["model"] = "m".into();
    assert_eq!(again, body);
    // Every tool of a group would have its name.
    let request = read(&bringing(json!([group(&"n".repeat(10_000))])));
    assert_eq!(request.tools.len(), 1);
    assert!(request.tools[0].as_function().is_none());
}

#[test]
fn a_group_s_tools_stay_in_it_without_its_first() {
    let mut request = read(&bringing(tools()));
    request.tools.remove(2);
    request.tools.remove(0);
    let again = written(&request, Quirks::default()).unwrap().0;
    let wanted = json!([{"type": "additional_tools", "role": "developer", "tools": [
        {"type": "namespace", "name": "functions", "tools": [function("wait")]},
        {"type": "namespace", "name": "agents", "tools": [function("close")]},
        {"type": "custom", "name": "note"}]}]);
    assert_eq!(again["input"][0], wanted[0]);
}

#[test]
fn what_is_malformed_breaks_nothing() {
    for tools in [
        json!(null),
        json!("x"),
        json!({}),
        json!([]),
        json!([null, 1, "x", []]),
        json!([{}]),
        json!([{"type": 1}]),
        json!([{"type": "function"}]),
        json!([{"type": "function", "name": 7}]),
        json!([{"type": "custom"}]),
        json!([{"type": "custom", "name": null}]),
        json!([{"type": "custom", "name": ""}]),
        json!([{"type": "custom", "name": "a", "description": 1, "format": "lark"}]),
        json!([{"type": "custom", "name": "a", "format": {"type": "grammar", "definition": 1}}]),
        json!([{"type": "namespace"}]),
        json!([{"type": "namespace", "name": "a"}]),
        json!([{"type": "namespace", "name": "a", "tools": null}]),
        json!([{"type": "namespace", "name": "a", "tools": [null, {"type": "namespace", "name": "b",
            "tools": [function("c")]}]}]),
        json!([{"type": "namespace", "name": null, "tools": [function("c")]}]),
        json!([{"type": "namespace", "name": "", "tools": [function("")]}]),
        json!([{"type": "additional_tools", "role": "developer", "tools": [{"type": "additional_tools", "tools": []}]}]),
    ] {
        let mut request = incoming(&bringing(tools.clone())).request;
        request.on_unsupported = Some(OnUnsupported::Warn);
        written(&request, Quirks::default()).unwrap();
        let (info, profile) = (info(), Profile::default());
        let wire = OpenAiChat::default().write_request(&request, &Target::new(&info, &profile));
        wire.unwrap();
    }
    for item in [
        json!({"type": "custom_tool_call"}),
        json!({"type": "custom_tool_call", "call_id": 1, "name": 2, "input": {"a": 1}, "namespace": 3}),
        json!({"type": "custom_tool_call", "name": "exec", "namespace": "agents", "input": null}),
        json!({"type": "function_call", "name": "exec", "namespace": "functions", "arguments": null}),
        json!({"type": "custom_tool_call_output"}),
        json!({"type": "custom_tool_call_output", "call_id": "c", "output": {"a": [1]}}),
    ] {
        let mut body = bringing(tools());
        body["input"].as_array_mut().unwrap().push(item);
        written(&read(&body), Quirks::default()).unwrap();
    }
    // What an embedding program may hand in.
    let forms = [
        json!({"type": "additional_tools"}),
        json!({"type": "namespace", "tools": [1]}),
        json!({"type": "additional_tools", "tools": [{"type": "namespace", "tools": []}]}),
    ];
    let tools = forms.into_iter().map(|form| {
        let mut function = FunctionDefinition::new("a");
        function.native = Some(Box::new(Native::new(origin(), form)));
        ToolDefinition::Function(function)
    });
    let mut request = ChatRequest::from("Hi");
    request.tools = tools.collect();
    written(&request, Quirks::default()).unwrap();
}
