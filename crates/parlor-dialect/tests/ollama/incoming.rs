//! Requests as clients send them.

use crate::request::{body, origin, read};
use parlor_core::*;
use parlor_dialect::ServerDialect;
use parlor_dialect::ollama::Ollama;
use serde_json::json;

#[test]
fn a_history_without_ids_is_paired_by_name_and_order() {
    let call = |name: &str| json!({"function": {"name": name, "arguments": {}}});
    let result =
        |name: &str, text: &str| json!({"role": "tool", "tool_name": name, "content": text});
    let incoming = read(json!({"model": "m", "messages": [
        {"role": "assistant", "content": "", "tool_calls": [call("f"), call("g"), call("f")]},
        result("g", "1"), result("f", "2"), {"role": "tool", "content": "3"},
        {"role": "tool", "content": "nobody asked"},
    ]}));
    let messages = &incoming.request.messages;
    assert_eq!(messages.len(), 2);
    let ids: Vec<_> = messages[0].tool_calls().map(|it| it.id.as_str()).collect();
    assert!(ids.iter().all(|it| it.len() == 9), "{ids:?}");
    let results = messages[1].parts.iter().map(|part| match part {
        Part::ToolResult(result) => result.call_id.as_str(),
        other => panic!("{other:?}"),
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results[..3], [ids[1], ids[0], ids[2]]);
    assert!(!ids.contains(&results[3]));
}

#[test]
fn reads_leniently_and_keeps_what_it_does_not_know() {
    let incoming = read(json!({
        "model": "m", "stream": true, "format": null, "keep_alive": null, "think": 3, "debug": {"a": 1},
        "options": {"num_predict": -1, "temperature": null, "stop": "x", "top_k": 1},
        "messages": [
            {"role": "User", "content": null},
            {"role": "control", "content": "thinking"},
            {"role": "user", "content": "see", "images": ["data:image/png;base64,iVBORw0KGgo="]},
        ],
    }));
    let request = &incoming.request;
    assert_eq!(request.top_k, Some(1));
    assert_eq!(request.max_output_tokens, None);
    assert_eq!(
        json!(request.extra["ollama"]),
        json!({"think": 3, "debug": {"a": 1}, "options": {"num_predict": -1, "stop": "x"}})
    );
    assert_eq!(request.messages[0], Message::new(Role::User, vec![]));
    let body = body(request);
    assert_eq!(body["messages"][1]["role"], "control");
    assert_eq!(body["options"]["num_predict"], -1);
    assert_eq!(read(body).request, *request);
}

#[test]
fn what_is_no_request_is_refused() {
    let read = |body: &[u8]| {
        Ollama::default()
            .read_request("/api/chat", body, &origin())
            .unwrap_err()
    };
    for body in [
        &b"{}"[..],
        b"",
        b"[1]",
        b"{\"model\":\"m\",\"messages\":3}",
        b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"images\":[\"?\"]}]}",
    ] {
        assert_eq!(read(body).kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn broken_text_in_a_request_is_repaired() {
    let body = b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\ud83d\xff\"}]}";
    let incoming = Ollama::default()
        .read_request("/api/chat", body, &origin())
        .unwrap();
    assert_eq!(incoming.request.messages[0].text(), "a\u{fffd}\u{fffd}");
}
