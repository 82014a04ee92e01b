//! A model that calls tools: answers that are told in advance, one for each request.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use serde_json::{Value, json};

use super::server::{Answer, Server};

/// An answer of this text.
pub fn says(text: &str) -> Answer {
    answer(json!({"role": "assistant", "content": text}))
}

/// The same answer in one piece, for who asked for no stream.
pub fn in_one_piece(Answer(status, _, lines): Answer) -> Answer {
    let parts: Vec<Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let mut whole = parts[1].clone();
    whole["message"] = parts[0]["message"].clone();
    Answer(
        status,
        "content-type: application/json\r\n",
        whole.to_string(),
    )
}

/// An answer that calls tools, by name and arguments.
pub fn calls(calls: &[(&str, Value)]) -> Answer {
    let calls = calls.iter();
    let calls =
        calls.map(|(name, arguments)| json!({"function": {"name": name, "arguments": arguments}}));
    let calls: Vec<Value> = calls.collect();
    answer(json!({"role": "assistant", "content": "", "tool_calls": calls}))
}

fn answer(message: Value) -> Answer {
    let said = json!({"model": "m", "message": message, "done": false});
    let end = json!({
        "model": "m", "message": {"role": "assistant", "content": ""}, "done": true,
        "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4,
    });
    let kind = "content-type: application/x-ndjson\r\n";
    Answer(200, kind, format!("{said}\n{end}\n"))
}

/// What the model was told of the last call.
pub fn last_result(server: &Server) -> String {
    let sent: Value = serde_json::from_str(&server.request().body).unwrap();
    let last = sent["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["role"], "tool", "{sent}");
    last["content"].as_str().unwrap().to_owned()
}

/// The names of the tools that a request brings.
pub fn tools_of(body: &str) -> Vec<String> {
    let sent: Value = serde_json::from_str(body).unwrap();
    let tools = sent["tools"].as_array().cloned().unwrap_or_default();
    let name = |tool: &Value| tool["function"]["name"].as_str().unwrap().to_owned();
    tools.iter().map(name).collect()
}
