//! What agents that people run ask of whatever model they are given.

use crate::support::{ASKS, gateway, post};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::{Value, json};

/// An answer in the dialect of this path.
fn fine(path: &str) -> Value {
    match path.split('?').next().unwrap_or_default() {
        "/v1/messages" => json!({"id": "m", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Fine."}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2}}),
        "/responses" => {
            json!({"id": "r", "object": "response", "model": "m", "status": "completed",
            "output": [{"type": "message", "id": "i", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Fine.", "annotations": []}]}],
            "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
        }
        "/chat/completions" => json!({"id": "c", "model": "m", "choices": [{"index": 0,
            "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        "/api/chat" => json!({"model": "m", "message": {"role": "assistant", "content": "Fine."},
            "done": true, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2}),
        _ => json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Fine."}]},
            "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}),
    }
}

async fn upstream() -> (ApiServer, String) {
    let server = ApiServer::answering(|seen| ApiAnswer::new(200, fine(&seen.path).to_string()));
    let server = server.await.unwrap();
    let of = |it: &crate::support::Asks| {
        format!(
            "[providers.{}]\nbase_url = \"{}{}\"\napi_key_env = \"KEY\"\n",
            it.provider,
            server.url(),
            it.base
        )
    };
    let settings: String = ASKS.iter().map(of).collect();
    let address = gateway(&settings).await;
    (server, address)
}

/// What Codex asks: its functions, a group of them, and OpenAI's own search.
fn codex(model: &str) -> Value {
    let function = json!({"type": "function", "name": "exec_command", "strict": false,
        "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}});
    json!({
        "model": model, "stream": false, "store": false, "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"}, "parallel_tool_calls": true, "tool_choice": "auto",
        "prompt_cache_key": "k", "client_metadata": {"turn_id": "t"},
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "tools": [
            function,
            {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [
                {"type": "function", "name": "close", "parameters": {"type": "object", "properties": {}}}]},
            {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
            {"type": "web_search", "external_web_access": true}],
    })
}

#[tokio::test]
async fn tools_of_one_provider_beside_functions_are_left_out_elsewhere_and_told() {
    let (server, address) = upstream().await;
    for it in &ASKS {
        let body = codex(&format!("{}/m", it.provider));
        let came = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
        let answer = String::from_utf8(came.body).unwrap();
        assert_eq!(came.status, 200, "{}: {answer}", it.dialect);
        assert!(answer.contains("Fine."), "{}: {answer}", it.dialect);
        let sent = server.requests().pop().unwrap().json().unwrap();
        let sent = sent["tools"].to_string();
        assert!(sent.contains("exec_command"), "{}: {sent}", it.dialect);
        let own = it.dialect == "openai-responses";
        for name in ["web_search", "namespace"] {
            assert_eq!(sent.contains(name), own, "{}: {sent}", it.dialect);
        }
        for name in ["apply_patch", "close"] {
            assert!(sent.contains(name), "{}: {sent}", it.dialect);
        }
        let told = came.head.contains("tools=unsupported");
        assert_eq!(told, !own, "{}: {}", it.dialect, came.head);
    }
}

#[tokio::test]
async fn a_request_that_is_about_such_a_tool_is_refused() {
    let (server, address) = upstream().await;
    let mut alone = codex("anthropic/m");
    let tools = alone["tools"].as_array_mut().unwrap();
    tools.drain(..tools.len() - 1);
    let mut forced = codex("anthropic/m");
    forced["tool_choice"] = json!({"type": "web_search"});
    for body in [alone, forced] {
        let came = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
        let answer = String::from_utf8(came.body).unwrap();
        assert_eq!(came.status, 400, "{answer}");
        assert!(answer.contains("`tools`"), "{answer}");
    }
    assert!(server.requests().is_empty());
}
