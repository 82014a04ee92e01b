//! Messages of a conversation, as they are written.

use super::*;

fn result(id: &str, parts: Vec<Part>) -> ToolResult {
    let mut result = ToolResult::default();
    result.call_id = id.to_owned();
    result.parts = parts;
    result
}

fn sent(message: Message, quirks: Value) -> Vec<Value> {
    let written = write_with(&ChatRequest::new([message]), quirks).unwrap();
    written.messages().to_vec()
}

#[test]
fn content_is_null_empty_or_absent_beside_calls() {
    let call = ToolCall::new("a", "f", Arguments::json(""));
    let message = Message::new(Role::Assistant, vec![call.into()]);
    let content = |style: &str| {
        let sent = sent(message.clone(), json!({"content_beside_calls": style}));
        assert_eq!(sent[0]["tool_calls"][0]["function"]["arguments"], "{}");
        sent[0].get("content").cloned()
    };
    assert_eq!(content("null"), Some(json!(null)));
    assert_eq!(content("empty"), Some(json!("")));
    assert_eq!(content("absent"), None);
}

#[test]
fn an_answer_of_which_nothing_goes_back_is_left_out() {
    let thoughts = || Message::new(Role::Assistant, vec![Reasoning::new("hm").into()]);
    let request = ChatRequest::new([Message::user("a"), thoughts(), Message::user("b")]);
    let written = write(&request);
    let roles: Vec<_> = written.messages().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["user", "user"]);
    // Where the family wants them, they are something.
    let kept = write_as(&dialect(json!({})), &request, "minimax-m3").unwrap();
    assert_eq!(kept.messages()[1]["reasoning_content"], "hm");
}

#[test]
fn arguments_that_are_no_object_are_put_in_one() {
    let arguments = |text: &str| {
        let call = ToolCall::new("a", "f", Arguments::json(text));
        let message = Message::new(Role::Assistant, vec![call.into()]);
        let call = sent(message, json!({}))[0]["tool_calls"][0].clone();
        call["function"]["arguments"].as_str().unwrap().to_owned()
    };
    assert_eq!(arguments("null"), "{}");
    assert_eq!(arguments(" {\"b\": 1, \"a\": 2}"), " {\"b\": 1, \"a\": 2}");
    assert_eq!(arguments("[1]"), r#"{"input":[1]}"#);
    assert_eq!(arguments("{\"a\":"), r#"{"invalid_arguments":"{\"a\":"}"#);
}

#[test]
fn instructions_go_in_the_role_that_host_and_family_want() {
    let request = ChatRequest::new([Message::user("a")]).with_system("s");
    let role = |quirks: Value, model: &str| {
        let written = write_as(&dialect(quirks), &request, model).unwrap();
        written.messages()[0]["role"].as_str().unwrap().to_owned()
    };
    assert_eq!(role(json!({}), "model"), "system");
    assert_eq!(role(json!({}), "openai/gpt-5-mini"), "developer");
    assert_eq!(
        role(json!({"instructions": "system"}), "gpt-5-mini"),
        "system"
    );
    assert_eq!(
        role(json!({"instructions": "developer"}), "model"),
        "developer"
    );
}

#[test]
fn one_text_is_a_text_and_several_as_the_host_likes() {
    let user = Message::new(Role::User, vec!["a".into(), "b".into()]);
    assert_eq!(sent(user.clone(), json!({}))[0]["content"], "a\n\nb");
    let list = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(sent(user, json!({"text_parts": true}))[0]["content"], list);
    let model = Message::new(Role::Assistant, vec!["a".into(), "b".into()]);
    assert_eq!(sent(model, json!({}))[0]["content"], "ab");
    // An empty text beside other parts says nothing.
    let image: Part = Media::url(MediaKind::Image, "https://x").into();
    let user = Message::new(Role::User, vec!["".into(), image]);
    assert_eq!(
        sent(user, json!({}))[0]["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        sent(Message::new(Role::User, vec![]), json!({}))[0]["content"],
        ""
    );
}

#[test]
fn each_result_is_a_message_and_its_media_follows_the_last() {
    let image: Part = Media::url(MediaKind::Image, "https://x").into();
    let results = Message::tool_results([
        result("a", vec!["one".into(), image]),
        result("b", vec!["two".into()]),
    ]);
    let request = ChatRequest::new([results, Message::user("and?")]);
    let written = write_with(&request, json!({})).unwrap();
    let roles: Vec<_> = written
        .messages()
        .iter()
        .map(|it| it["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["tool", "tool", "user", "user"]);
    assert_eq!(
        written.messages()[0],
        json!({"role": "tool", "tool_call_id": "a", "content": "one"})
    );
    assert_eq!(
        written.messages()[2]["content"][1]["image_url"]["url"],
        "https://x"
    );
    assert_eq!(written.warned(), ["media"]);
    let written = write_with(&request, json!({"tool_media": true})).unwrap();
    assert_eq!(written.messages()[0]["content"][1]["type"], "image_url");
    assert_eq!(written.warned(), [""; 0]);
}

#[test]
fn the_assistant_speaks_after_results_where_it_must() {
    let results = || Message::tool_results([result("a", vec!["one".into()])]);
    let request = ChatRequest::new([
        results(),
        Message::user("and?"),
        Message::assistant("b"),
        results(),
    ]);
    let written = write_with(&request, json!({"assistant_after_tools": true})).unwrap();
    let roles: Vec<_> = written.messages().iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["tool", "assistant", "user", "assistant", "tool"]);
    assert_eq!(written.warned(), ["messages"]);
    assert_eq!(write_with(&request, json!({})).unwrap().messages().len(), 4);
}

#[test]
fn results_in_a_users_message_go_first() {
    let user = Message::new(
        Role::User,
        vec!["and?".into(), result("a", vec!["one".into()]).into()],
    );
    let sent = sent(user, json!({}));
    assert_eq!(
        (&sent[0]["role"], &sent[1]["role"]),
        (&json!("tool"), &json!("user"))
    );
}

#[test]
fn ids_are_rewritten_in_pairs_where_the_host_wants_nine() {
    let ids = ["call_1234567890", "123456789", "call_other"];
    let called = ids.map(|id| ToolCall::new(id, "f", Arguments::json("{}")).into());
    let answered = ids.map(|id| result(id, vec!["x".into()]));
    let request = ChatRequest::new([
        Message::new(Role::Assistant, called.to_vec()),
        Message::tool_results(answered),
    ]);
    let written = write_with(&request, json!({"call_ids": "nine"})).unwrap();
    let messages = written.messages();
    let sent: Vec<_> = (0..3)
        .map(|at| messages[0]["tool_calls"][at]["id"].as_str().unwrap())
        .collect();
    let paired: Vec<_> = messages[1..]
        .iter()
        .map(|it| it["tool_call_id"].as_str().unwrap())
        .collect();
    assert_eq!(sent, paired);
    assert_eq!(sent[1], "123456789");
    assert!(
        sent.iter()
            .all(|id| id.len() == 9 && id.bytes().all(|it| it.is_ascii_alphanumeric()))
    );
    assert!(sent[0] != sent[2]);
}

#[test]
fn names_go_where_the_host_knows_them() {
    let mut message = Message::user("a");
    message.name = Some("ann".to_owned());
    assert_eq!(sent(message.clone(), json!({}))[0]["name"], "ann");
    let request = ChatRequest::new([message]);
    let written = write_with(&request, json!({"message_name": false})).unwrap();
    assert_eq!(
        (written.messages()[0].get("name"), written.warned()),
        (None, vec!["name"])
    );
    let mut named = result("a", vec!["x".into()]);
    named.name = Some("f".to_owned());
    let message = Message::tool_results([named]);
    assert_eq!(sent(message.clone(), json!({}))[0].get("name"), None);
    assert_eq!(sent(message, json!({"tool_name": true}))[0]["name"], "f");
}

#[test]
fn a_refusal_goes_back_in_its_field_or_as_text() {
    let message = Message::new(Role::Assistant, vec![Refusal::new("no").into()]);
    let text = json!({"role": "assistant", "content": "no"});
    assert_eq!(sent(message.clone(), json!({})), [text]);
    let field = json!({"role": "assistant", "content": null, "refusal": "no"});
    assert_eq!(sent(message, json!({"refusal": true})), [field]);
}

#[test]
fn sound_that_a_model_made_goes_back_by_id_or_by_its_words() {
    let audio = json!({"id": "au", "data": "AAAA", "transcript": "Hi", "expires_at": 9});
    let made = whole(&body(json!({"content": null, "audio": audio}), "stop")).unwrap();
    let Part::Media(sound) = &parts(&made)[0] else {
        panic!()
    };
    assert_eq!(
        (sound.kind, sound.transcript.as_deref()),
        (MediaKind::Audio, Some("Hi"))
    );
    assert_eq!(sound.source, MediaSource::Bytes(vec![0, 0, 0].into()));
    let message = made.message().unwrap().clone();
    assert_eq!(
        sent(message.clone(), json!({}))[0],
        json!({"role": "assistant", "content": null, "audio": {"id": "au"}})
    );
    assert_eq!(through_a_stream(&made), made);
    assert_eq!(through_a_body(&made), made);
    let away = ModelInfo::new("elsewhere", "model");
    let profile = Profile::default();
    let wire = OpenAiChat::default()
        .write_request(&ChatRequest::new([message]), &Target::new(&away, &profile))
        .unwrap();
    let body: Value = serde_json::from_slice(&wire.body).unwrap();
    assert_eq!(body["messages"][0]["content"], "Hi");
}

#[test]
fn sound_may_stream_in_pieces_of_any_cut() {
    for pieces in [
        ["AAAA", "/////w=="],
        ["AA", "AA/////w=="],
        ["AAAA//", "///w=="],
    ] {
        let audio = |fields: Value| delta(json!({ "audio": fields }));
        let response = answer(&[
            audio(json!({"id": "au", "transcript": "H"})),
            audio(json!({"data": pieces[0]})),
            audio(json!({"data": pieces[1], "transcript": "i"})),
            finish("stop"),
        ]);
        let Part::Media(sound) = &parts(&response)[0] else {
            panic!()
        };
        assert_eq!(
            sound.source,
            MediaSource::Bytes(vec![0, 0, 0, 255, 255, 255, 255].into())
        );
        assert_eq!(sound.transcript.as_deref(), Some("Hi"));
    }
}

#[test]
fn images_that_a_model_made_are_media() {
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}, "index": 0});
    let message = json!({"content": "see", "images": [image("data:image/png;base64,iVA="), image("https://x")]});
    let response = whole(&body(message, "stop")).unwrap();
    let kinds: Vec<_> = parts(&response).iter().map(PartKind::of).collect();
    assert_eq!(kinds, [PartKind::Text, PartKind::Media, PartKind::Media]);
    assert_eq!(through_a_stream(&response), response);
    assert_eq!(through_a_body(&response), response);
    let written = write_with(
        &ChatRequest::new([response.message().unwrap().clone()]),
        json!({}),
    )
    .unwrap();
    assert_eq!(written.messages()[0]["content"], "see");
    assert_eq!(written.warned(), ["media"]);
}

#[test]
fn what_another_provider_keeps_stays_behind_with_a_warning() {
    let away = Origin::new("elsewhere", "openai-chat");
    let mut ran = ToolCall::new("a", "search", Arguments::json("{}"));
    ran.executor = Executor::Provider;
    let message = Message::new(
        Role::Assistant,
        vec![
            "a".into(),
            Part::Native(Native::new(away, json!({"type": "x"}))),
            ran.into(),
            Reasoning::new("foreign thoughts").into(),
        ],
    );
    let written = write_with(&ChatRequest::new([message]), json!({})).unwrap();
    assert_eq!(
        written.messages()[0],
        json!({"role": "assistant", "content": "a"})
    );
    assert_eq!(written.warned(), ["messages.native", "messages.tool_call"]);
    let own = Message::new(
        Role::User,
        vec![
            "a".into(),
            Part::Native(native(
                json!({"type": "file_url", "file_url": {"url": "u"}}),
            )),
        ],
    );
    assert_eq!(
        sent(own, json!({}))[0]["content"][1],
        json!({"type": "file_url", "file_url": {"url": "u"}})
    );
}

#[test]
fn fields_of_a_message_that_core_lacks_come_back() {
    let wire = json!({"model": "m", "messages": [
        {"role": "assistant", "content": "{", "prefix": true, "annotations": null},
        {"role": "function", "name": "f", "content": "r"},
        {"role": "user", "content": [{"type": "text", "text": "a", "x": 1}], "cache_control": {"type": "ephemeral"}},
    ]});
    let request = read_request(&wire);
    let Part::ToolResult(legacy) = &request.messages[1].parts[0] else {
        panic!()
    };
    assert_eq!(legacy.name.as_deref(), Some("f"));
    let mut wanted = wire["messages"].clone();
    wanted[0].as_object_mut().unwrap().remove("annotations");
    assert_eq!(write(&request).body["messages"], wanted);
}

#[test]
fn neighbours_of_one_role_become_one_where_roles_must_take_turns() {
    let image: Part = Media::url(MediaKind::Image, "https://x").into();
    let request = ChatRequest::new([
        Message::system("s"),
        Message::user("a"),
        Message::user("b"),
        Message::new(Role::User, vec![image]),
        Message::assistant("c"),
        Message::tool_results([result("x", vec!["r".into()]), result("y", vec!["r".into()])]),
        Message::user("d"),
    ]);
    let written = write_with(&request, json!({"alternate": true})).unwrap();
    let roles: Vec<_> = written
        .messages()
        .iter()
        .map(|it| it["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        ["system", "user", "assistant", "tool", "tool", "user"]
    );
    assert_eq!(
        written.messages()[1]["content"][0],
        json!({"type": "text", "text": "a\n\nb"})
    );
    assert_eq!(written.messages()[1]["content"][1]["type"], "image_url");
    assert_eq!(write(&request).messages().len(), 8);
}
