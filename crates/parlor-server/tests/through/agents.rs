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

/// A name as the messages API takes it, and nobody else.
const LONG: &str =
    "mcp__a_server_with_a_name_of_its_own__a_tool_that_says_in_its_name_what_it_does";

#[tokio::test]
async fn tools_have_names_that_the_host_takes_and_the_client_s_in_the_answer() {
    let server = ApiServer::answering(|seen| {
        let body = seen.json().unwrap();
        let name = &body["tools"][0]["function"]["name"];
        let call = json!([{"index": 0, "id": "call_1", "type": "function",
            "function": {"name": name, "arguments": "{}"}}]);
        let said = json!({"role": "assistant", "content": null, "tool_calls": call});
        let streams = body["stream"] == true;
        let key = if streams { "delta" } else { "message" };
        let answer = json!({"id": "1", "model": "m", "choices": [{"index": 0, key: said, "finish_reason": "tool_calls"}]});
        ApiAnswer::new(
            200,
            match streams {
                true => format!("data: {answer}\n\ndata: [DONE]\n\n"),
                false => answer.to_string(),
            },
        )
    });
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let address = gateway(&settings).await;
    for stream in [false, true] {
        let body = json!({"model": "openai-chat/m", "max_tokens": 9, "stream": stream,
            "tools": [{"name": LONG, "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "tool", "name": LONG},
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": LONG, "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "seen"}]}]});
        let came = post(&address, "/v1/messages", "", body.to_string().as_bytes()).await;
        let told = String::from_utf8(came.body).unwrap();
        assert_eq!(told.matches(LONG).count(), 1, "{told}");
        let sent = server.requests().pop().unwrap().json().unwrap();
        let name = sent["tools"][0]["function"]["name"].as_str().unwrap();
        assert!(name.len() <= 64, "{name}");
        assert_eq!(sent["tool_choice"]["function"]["name"], name, "{sent}");
        assert_eq!(
            sent["messages"][1]["tool_calls"][0]["function"]["name"], name,
            "{sent}"
        );

        let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "tools": [{"functionDeclarations": [{"name": "files.read:all", "parameters": {"type": "OBJECT"}}]}]});
        let method = if stream {
            "streamGenerateContent"
        } else {
            "generateContent"
        };
        let path = format!("/v1beta/models/openai-chat%2Fm:{method}");
        let came = post(&address, &path, "", body.to_string().as_bytes()).await;
        let told = String::from_utf8(came.body).unwrap();
        assert!(told.contains("\"files.read:all\""), "{told}");
        let sent = server.requests().pop().unwrap().json().unwrap();
        let name = sent["tools"][0]["function"]["name"].as_str().unwrap();
        assert!(!name.contains(['.', ':']), "{name}");
    }
}
