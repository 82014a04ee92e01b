//! Reading calls, whole and in pieces, of the client's tools and the provider's.

use crate::support::*;
use parlor_core::*;
use serde_json::{Value, json};

#[test]
fn calls_keep_what_came_and_get_ids_where_none_did() {
    let call = |name: &str, id: Value| json!({"functionCall": {"id": id, "name": name, "args": {"a": [1, "x y"]}}});
    let mut first = call("f", json!("c1"));
    first["thoughtSignature"] = json!("s");
    let frames = [
        chunk(json!([first, call("f", Value::Null)])),
        chunk(json!([{"functionCall": {"name": "g"}}])),
        done("STOP"),
    ];
    let response = decode(&frames).unwrap();
    let calls: Vec<_> = response.tool_calls().collect();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].id, "c1");
    assert!(calls[1].id.len() == 9 && calls[1].id != calls[2].id);
    assert_eq!(calls[1].arguments.text, r#"{"a":[1,"x y"]}"#);
    assert_eq!(calls[2].arguments.parse().unwrap(), json!({}));
    assert_eq!(
        items(&response),
        [
            json!({"thoughtSignature": "s", "functionCall": {"id": "c1"}}),
            json!({}),
            json!({})
        ]
    );
    let reason = response.finish_reason().unwrap();
    assert_eq!(
        (reason.kind, reason.raw.as_deref()),
        (FinishKind::ToolCalls, Some("STOP"))
    );
    assert_eq!(decode(&frames).unwrap(), response);
}

#[test]
fn what_the_provider_ran_is_kept_verbatim() {
    let parts = json!([
        {"executableCode": {"language": "PYTHON", "code": "1+1", "id": "x1"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n", "id": "x1"}},
        {"executableCode": {"language": "PYTHON", "code": "boom"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"q": "x"}, "id": "t1"}},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"r": 1}, "id": "t1"}},
        {"fancyNewThing": {"a": 1}},
        {"text": "2"},
    ]);
    let response = decode(&[chunk(parts.clone()), done("STOP")]).unwrap();
    use PartKind::*;
    assert_eq!(
        kinds(&response),
        [
            ToolCall, ToolResult, ToolCall, ToolResult, ToolCall, ToolResult, Native, Text
        ]
    );
    let all = parts_of(&response);
    for (part, wire) in all.iter().zip(parts.as_array().unwrap()).take(7) {
        assert_eq!(&part.native().unwrap().item, wire);
    }
    let ids: Vec<&str> = all
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.id.as_str()),
            Part::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!((ids[0], ids[1], ids[4], ids[5]), ("x1", "x1", "t1", "t1"));
    assert!(ids[2] == ids[3] && ids[2].len() == 9);
    let Part::ToolResult(failed) = &all[3] else {
        panic!()
    };
    assert!(failed.is_error && failed.joined_text() == "no");
    assert_eq!(response.tool_calls().count(), 0);
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
}

#[test]
fn arguments_in_pieces_are_built_by_their_paths() {
    let call = |fields: Value| chunk(json!([{ "functionCall": fields }]));
    let piece = |path: &str, field: &str, value: Value, goes_on: bool| json!({"jsonPath": path, field: value, "willContinue": goes_on});
    let mut frames = vec![
        call(json!({"name": "f", "willContinue": true})),
        call(
            json!({"partialArgs": [piece("$.city", "stringValue", json!("Os"), true)], "willContinue": true}),
        ),
        call(
            json!({"partialArgs": [piece("$.city", "stringValue", json!("lo"), true)], "willContinue": true}),
        ),
        call(json!({"partialArgs": [
            piece("$.city", "stringValue", json!(""), false),
            piece("$.list[0]['a.b']", "numberValue", json!(1.5), false),
            piece("$.list[1]", "boolValue", json!(true), false),
            piece("$.__proto__", "nullValue", Value::Null, false),
        ], "willContinue": true})),
    ];
    let cut = frames.clone();
    frames.push(call(json!({})));
    frames.push(done("STOP"));
    let response = decode(&frames).unwrap();
    let call_of = |response: &ChatResponse| response.tool_calls().next().unwrap().clone();
    assert_eq!(
        call_of(&response).arguments.parse().unwrap(),
        json!({"city": "Oslo", "list": [{"a.b": 1.5}, true], "__proto__": null})
    );
    // A call that isn't ended isn't executed, whatever the reason says.
    for end in [Some(done("MAX_TOKENS")), Some(done("STOP")), None] {
        let frames: Vec<_> = cut.iter().cloned().chain(end).collect();
        let (events, _) = events_of(&frames);
        let call = call_of(&collect(&events));
        assert_eq!(call.arguments.form, ArgumentsForm::Cut);
    }
}

#[test]
fn impossible_paths_are_errors() {
    for path in [
        "$.a[4000000]",
        "$",
        "$..a",
        "$.a[-1]",
        "$.a[?]",
        "a",
        "$[0]",
        "$.b.c",
    ] {
        let pieces = json!([
            {"jsonPath": "$.b", "stringValue": "x"},
            {"jsonPath": path, "stringValue": "x"},
        ]);
        let frame = chunk(
            json!([{"functionCall": {"name": "f", "partialArgs": pieces, "willContinue": true}}]),
        );
        let error = events_of(&[frame]).1.unwrap_err();
        let expected = match path {
            // An empty name is a name.
            "$..a" => ErrorKind::Truncated,
            _ => ErrorKind::Decode,
        };
        assert_eq!(error.kind(), expected, "{path}");
    }
}
