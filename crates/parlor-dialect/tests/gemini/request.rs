//! Writing requests.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::gemini::{Gemini, Quirks};
use parlor_dialect::{Dialect, Profile, ReasoningReplay, ServerDialect, Target};
use serde_json::{Value, json};

#[test]
fn the_path_names_model_and_method() {
    let path = |model: &str, stream: bool, quirks: Quirks| {
        let (info, profile) = (ModelInfo::new("gemini", model), Profile::default());
        let mut target = Target::new(&info, &profile);
        target.stream = stream;
        let request = ChatRequest::from("Hi");
        Gemini::new(quirks)
            .write_request(&request, &target)
            .unwrap()
            .path
    };
    for (model, stream, quirks, wanted) in [
        (
            "gemini-x",
            false,
            Quirks::default(),
            "/models/gemini-x:generateContent",
        ),
        (
            "gemini-x",
            true,
            Quirks::vertex(),
            "/publishers/google/models/gemini-x:streamGenerateContent?alt=sse",
        ),
        (
            "tunedModels/a-1",
            false,
            Quirks::default(),
            "/tunedModels/a-1:generateContent",
        ),
        (
            "a/b:c?d é",
            false,
            Quirks::default(),
            "/models/a%2Fb%3Ac%3Fd%20%C3%A9:generateContent",
        ),
    ] {
        assert_eq!(path(model, stream, quirks.clone()), wanted);
        let read = Gemini::new(quirks).read_request(
            &format!("/v1beta{wanted}"),
            br#"{"contents":[{"parts":[{"text":"Hi"}]}]}"#,
            &origin(),
        );
        let read = read.unwrap();
        assert_eq!((read.model.as_str(), read.stream), (model, stream));
    }
}

#[test]
fn instructions_go_in_front() {
    let request = ChatRequest::new([
        Message::system("Be short."),
        Message::user("Hi"),
        Message::assistant("Yes?"),
        Message::user(""),
    ]);
    assert_eq!(
        write(&request),
        json!({
            "systemInstruction": {"parts": [{"text": "Be short."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Hi"}]},
                {"role": "model", "parts": [{"text": "Yes?"}]},
            ],
        })
    );
    let late = request.with_message(Message::system("And kind."));
    let (body, warnings) = write_to(MODEL, Quirks::default(), &late).unwrap();
    assert_eq!(
        body["systemInstruction"]["parts"].as_array().unwrap().len(),
        2
    );
    assert_eq!(warnings.len(), 1);
}

#[test]
fn results_find_their_call_and_go_as_objects() {
    let own = ToolCall::new("c1", "f", Arguments::json("{}"));
    let own = Part::from(own).with_native(native(
        json!({"functionCall": {"id": "c1"}, "thoughtSignature": "s"}),
    ));
    let calls = Message::new(
        Role::Assistant,
        vec![
            own,
            ToolCall::new("made", "g", Arguments::json("[1]")).into(),
        ],
    );
    let mut named = ToolResult::error("lost", "boom");
    named.name = Some("h".to_owned());
    let request = ChatRequest::new([
        Message::user("Hi"),
        calls,
        Message::tool_results([ToolResult::text("c1", r#"{ "t": 4 }"#)]),
        Message::tool_results([ToolResult::text("made", "4 C"), named]),
    ]);
    let (body, warnings) = write_to(MODEL, Quirks::default(), &request).unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            {"functionCall": {"name": "f", "args": {}, "id": "c1"}, "thoughtSignature": "s"},
            {"functionCall": {"name": "g", "args": {"input": [1]}}},
        ])
    );
    assert_eq!(
        body["contents"][2],
        json!({"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"t": 4}, "id": "c1"}},
            {"functionResponse": {"name": "g", "response": {"output": "4 C"}}},
            {"functionResponse": {"name": "h", "response": {"error": "boom"}}},
        ]})
    );
    let ids = |word: &str| {
        let (body, _) = write_to(MODEL, quirks(json!({ "call_ids": word })), &request).unwrap();
        let id = |at: &str| body.pointer(at).cloned();
        [
            id("/contents/1/parts/0/functionCall/id"),
            id("/contents/1/parts/1/functionCall/id"),
            id("/contents/2/parts/1/functionResponse/id"),
            id("/contents/2/parts/2/functionResponse/id"),
        ]
    };
    assert_eq!(ids("never"), [None, None, None, None]);
    let all = ["c1", "made", "made", "lost"].map(|it| Some(json!(it)));
    assert_eq!(ids("always"), all);
}

#[test]
fn calls_of_others_get_the_dummy_signature_in_the_current_turn() {
    let call = |id: &str| Part::from(ToolCall::new(id, "f", Arguments::json("{}")));
    let signed = call("s").with_native(native(json!({"thoughtSignature": "real"})));
    let step = |calls: Vec<Part>, id: &str| {
        [
            Message::new(Role::Assistant, calls),
            Message::tool_results([ToolResult::text(id, "x")]),
        ]
    };
    let mut messages = vec![Message::user("before")];
    messages.extend(step(vec![call("o")], "o"));
    messages.push(Message::user("now"));
    messages.extend(step(vec![Part::text("hm"), call("a"), call("b")], "a"));
    messages.extend(step(vec![signed], "s"));
    let request = ChatRequest::new(messages);
    let signatures = |model: &str, quirks: Quirks| -> Vec<Value> {
        let (body, _) = write_to(model, quirks, &request).unwrap();
        let contents = body["contents"].as_array().unwrap();
        let parts = contents
            .iter()
            .flat_map(|it| it["parts"].as_array().unwrap());
        parts
            .filter(|it| it.get("functionCall").is_some())
            .map(|it| it["thoughtSignature"].clone())
            .collect()
    };
    let dummy = json!("skip_thought_signature_validator");
    let wanted = [Value::Null, dummy.clone(), Value::Null, json!("real")];
    assert_eq!(
        signatures("gemini-3-pro-preview", Quirks::default()),
        wanted
    );
    let plain = [Value::Null, Value::Null, Value::Null, json!("real")];
    assert_eq!(signatures("gemini-2.5-flash", Quirks::default()), plain);
    let never = quirks(json!({"foreign_signatures": false}));
    assert_eq!(signatures("gemini-3-pro-preview", never), plain);
    let other = quirks(json!({"foreign_signatures": true, "dummy_signature": "d"}));
    assert_eq!(signatures("gemini-2.5-flash", other)[1], json!("d"));
}

#[test]
fn native_items_go_home_only_and_unedited() {
    let item = json!({"thoughtSignature": "s"});
    let mut edited = Part::text("old").with_native(native(item.clone()));
    if let Part::Text(text) = &mut edited {
        text.text = "new".to_owned();
    }
    let away = Native::new(Origin::new("vertex", "gemini"), item.clone());
    let parts = vec![
        Part::from(Reasoning::new("mine")).with_native(native(item.clone())),
        Part::from(Reasoning::new("unsigned")),
        Part::text("a").with_native(native(item.clone())),
        Part::text("").with_native(native(item)),
        edited,
        Part::text("b").with_native(away),
        Part::Native(native(json!({"newThing": 1}))),
        Source::default().into(),
        Refusal::new("no").into(),
    ];
    let request = ChatRequest::new([Message::new(Role::Assistant, parts)]);
    let body = write(&request);
    assert_eq!(
        body["contents"][0]["parts"],
        json!([
            {"text": "mine", "thought": true, "thoughtSignature": "s"},
            {"text": "a", "thoughtSignature": "s"},
            {"text": "", "thoughtSignature": "s"},
            {"text": "new"},
            {"text": "b"},
            {"newThing": 1},
            {"text": "no"},
        ])
    );
    let mut profile = Profile::default();
    profile.replay = ReasoningReplay::Always;
    let info = info();
    let written = Gemini::default()
        .write_request(&request, &Target::new(&info, &profile))
        .unwrap();
    let body: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(
        body["contents"][0]["parts"][1],
        json!({"text": "unsigned", "thought": true})
    );
}

#[test]
fn what_another_provider_ran_is_left_out_with_a_warning() {
    let mut ran = ToolCall::new("x", "web_search", Arguments::json("{}"));
    ran.executor = Executor::Provider;
    let foreign = Native::new(Origin::new("openai", "openai-responses"), json!({}));
    let parts = vec![ran.into(), Part::Native(foreign), Part::text("found")];
    let mut request = ChatRequest::new([Message::new(Role::Assistant, parts)]);
    let (body, warnings) = write_to(MODEL, Quirks::default(), &request).unwrap();
    assert_eq!(body["contents"][0]["parts"], json!([{"text": "found"}]));
    assert_eq!(warnings.len(), 2);
    request.on_unsupported = Some(OnUnsupported::Error);
    assert_eq!(fails(&request), ErrorKind::Unsupported);
}

#[test]
fn what_has_no_place_warns_or_fails() {
    let mut request = ChatRequest::from("Hi");
    request.user = Some("u".to_owned());
    request.parallel_tool_calls = Some(false);
    request.seed = Some(i64::MAX);
    request.cache = Some(CacheHint::default());
    request.metadata.insert("team".to_owned(), "a".to_owned());
    let (body, warnings) = write_to(MODEL, Quirks::default(), &request).unwrap();
    assert_eq!(
        (body.as_object().unwrap().len(), warnings.len()),
        (1, 5),
        "{warnings:?}"
    );
    let (body, warnings) = write_to(MODEL, Quirks::vertex(), &request).unwrap();
    assert_eq!((&body["labels"]["team"], warnings.len()), (&json!("a"), 4));
    request.on_unsupported = Some(OnUnsupported::Error);
    assert_eq!(fails(&request), ErrorKind::Unsupported);
    let foreign = Native::new(
        Origin::new("openai", "openai-responses"),
        json!({"type": "web_search"}),
    );
    let request = ChatRequest::from("Hi").with_tool(ToolDefinition::Native(foreign));
    assert_eq!(fails(&request), ErrorKind::Unsupported);
}

#[test]
fn extra_is_merged_last() {
    let mut request = ChatRequest::from("Hi")
        .with_temperature(0.5)
        .with_extra(
            "gemini",
            "generationConfig",
            json!({"speechConfig": {"a": 1}, "temperature": 1}),
        )
        .with_extra("gemini", "cachedContent", "cachedContents/x")
        .with_extra("other", "x", 1);
    request.service_tier = Some("flex".to_owned());
    let body = write(&request);
    assert_eq!(
        body["generationConfig"],
        json!({"temperature": 1, "speechConfig": {"a": 1}})
    );
    assert_eq!(body["cachedContent"], "cachedContents/x");
    assert_eq!(body["serviceTier"], "flex");
    assert_eq!(body.get("x"), None);
}
