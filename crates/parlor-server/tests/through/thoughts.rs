//! Signed thoughts and calls over several turns, by clients that speak another dialect than the
//! provider.

use std::sync::{Arc, Mutex};

use crate::support::{ASKS, gateway, post};
use parlor::{
    ChatModel, ChatRequest, ChatResponse, Config, Env, Message, Registry, ToolDefinition,
    ToolResult,
};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::{Value, json};

/// An answer of a provider that thinks and then calls a tool, whole and as a stream, and what of it
/// the provider must get back.
fn thinks(dialect: &str) -> (Value, Vec<Value>, Vec<&'static str>) {
    match dialect {
        "anthropic-messages" => (
            json!({"id": "m", "type": "message", "role": "assistant", "model": "x",
                "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1},
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk/thought=="},
                    {"type": "redacted_thinking", "data": "aGlkZGVu/data=="},
                    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
                    {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {"at": 2}}]}),
            vec![
                json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2lnbmVk/thought=="}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "aGlkZGVu/data=="}}),
                json!({"type": "content_block_stop", "index": 1}),
                json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}}),
                json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"at\""}}),
                json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ":1}"}}),
                json!({"type": "content_block_stop", "index": 2}),
                json!({"type": "content_block_start", "index": 3, "content_block": {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}}),
                json!({"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{\"at\":2}"}}),
                json!({"type": "content_block_stop", "index": 3}),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
                json!({"type": "message_stop"}),
            ],
            vec![
                "c2lnbmVk/thought==",
                "aGlkZGVu/data==",
                "Hm.",
                "\"toolu_1\"",
                "\"toolu_2\"",
            ],
        ),
        "openai-responses" => {
            let items = json!([
                {"type": "reasoning", "id": "rs_1", "encrypted_content": "c2lnbmVk/thought==",
                    "summary": [{"type": "summary_text", "text": "Hm."}]},
                {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{\"at\":1}", "status": "completed"},
                {"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "look", "arguments": "{\"at\":2}", "status": "completed"}]);
            let whole = json!({"id": "resp_1", "object": "response", "model": "x", "status": "completed",
                "output": items, "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
            let mut events = vec![json!({"type": "response.created", "response":
                {"id": "resp_1", "object": "response", "model": "x", "status": "in_progress", "output": []}})];
            for (at, item) in items.as_array().unwrap().iter().enumerate() {
                events.push(
                    json!({"type": "response.output_item.added", "output_index": at, "item": item}),
                );
                events.push(
                    json!({"type": "response.output_item.done", "output_index": at, "item": item}),
                );
            }
            events.push(json!({"type": "response.completed", "response": whole}));
            (
                whole,
                events,
                vec!["c2lnbmVk/thought==", "Hm.", "\"call_1\"", "\"call_2\""],
            )
        }
        "gemini" => {
            let whole = json!({"responseId": "r", "modelVersion": "x", "candidates": [{"index": 0, "finishReason": "STOP",
                "content": {"role": "model", "parts": [
                    {"text": "Hm.", "thought": true},
                    {"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "c2lnbmVk/thought=="},
                    {"functionCall": {"name": "look", "args": {"at": 2}}}]}}],
                "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}});
            (
                whole.clone(),
                vec![whole],
                vec!["\"thoughtSignature\":\"c2lnbmVk/thought==\""],
            )
        }
        other => panic!("no answer of {other}"),
    }
}

fn framed(events: &[Value]) -> String {
    let frame = |it: &Value| match it["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {it}\n\n"),
        None => format!("data: {it}\n\n"),
    };
    events.iter().map(frame).collect()
}

/// A client of ours that knows nothing of sealing, for the gateway.
fn client(address: &str, provider: &str, model: &str) -> Arc<dyn ChatModel> {
    let base = match provider {
        "openai-chat" | "openai-responses" => format!("http://{address}/v1"),
        _ => format!("http://{address}"),
    };
    let settings = format!(
        "[providers.{provider}]\nbase_url = \"{base}\"\napi_key_env = \"KEY\"\n\
         [layers.retry]\nattempts = 1\n"
    );
    let env = Env::new(|name| (name == "KEY").then(|| "k".to_owned()));
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    let registry = registry
        .with_config(Config::from_toml(&settings).unwrap())
        .unwrap();
    registry.model(&format!("{provider}/{model}")).unwrap()
}

async fn asked(client: &dyn ChatModel, request: &ChatRequest, streams: bool) -> ChatResponse {
    match streams {
        true => client
            .stream(request)
            .await
            .unwrap()
            .response()
            .await
            .unwrap(),
        false => client.chat(request).await.unwrap(),
    }
}

#[tokio::test]
async fn what_a_provider_signed_comes_back_to_it_through_any_client() {
    for upstream in ["anthropic-messages", "openai-responses", "gemini"] {
        let provider = ASKS.iter().find(|it| it.dialect == upstream).unwrap();
        let (whole, events, seals) = thinks(upstream);
        let stream = framed(&events);
        let streams = Arc::new(Mutex::new(false));
        let told = Arc::clone(&streams);
        let server = ApiServer::answering(move |_| match *told.lock().unwrap() {
            true => ApiAnswer::new(200, stream.clone()),
            false => ApiAnswer::new(200, whole.to_string()),
        });
        let server = server.await.unwrap();
        let settings = format!(
            "[providers.{}]\nbase_url = \"{}{}\"\napi_key_env = \"KEY\"\n",
            provider.provider,
            server.url(),
            provider.base
        );
        let address = gateway(&settings).await;
        for asks in &ASKS {
            for is_stream in [false, true] {
                *streams.lock().unwrap() = is_stream;
                let pair = format!("{} to {upstream}, stream {is_stream}", asks.dialect);
                let client = client(&address, asks.provider, &format!("{}/x", provider.provider));
                let parameters =
                    json!({"type": "object", "properties": {"at": {"type": "integer"}}});
                let tool = ToolDefinition::function("look", "Looks.", parameters);
                let mut request = ChatRequest::from("Look twice.").with_tool(tool);
                request.max_output_tokens = Some(2000);
                // Three turns, each with the answers before it.
                for _ in 0..3 {
                    let answer = asked(&*client, &request, is_stream).await;
                    let message = answer.message().unwrap().clone();
                    let results: Vec<_> = message
                        .tool_calls()
                        .map(|call| {
                            let mut result = ToolResult::text(&call.id, "seen");
                            result.name = Some(call.name.clone());
                            result
                        })
                        .collect();
                    assert_eq!(results.len(), 2, "{pair}");
                    let arguments = message.tool_calls().map(|it| it.arguments.parse().unwrap());
                    assert_eq!(
                        arguments.collect::<Vec<_>>(),
                        [json!({"at": 1}), json!({"at": 2})]
                    );
                    request.messages.push(message);
                    request.messages.push(Message::tool_results(results));
                }
                let sent = server
                    .requests()
                    .last()
                    .unwrap()
                    .json()
                    .unwrap()
                    .to_string();
                for seal in &seals {
                    // The first two answers are in the last request.
                    assert!(sent.matches(seal).count() >= 2, "{pair}: {seal} in {sent}");
                }
                assert!(!sent.contains("parlor1"), "{pair}: {sent}");
            }
        }
    }
}

#[tokio::test]
async fn what_one_provider_signed_goes_to_no_other() {
    let (whole, _, seals) = thinks("anthropic-messages");
    let claude = ApiServer::answering(move |_| ApiAnswer::new(200, whole.to_string()));
    let claude = claude.await.unwrap();
    let gpt = ApiServer::answering(|_| {
        ApiAnswer::new(200, json!({"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}).to_string())
    });
    let gpt = gpt.await.unwrap();
    let settings = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n\
         [providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        claude.url(),
        gpt.url()
    );
    let address = gateway(&settings).await;
    for asks in &ASKS {
        let first = client(&address, asks.provider, "anthropic/x");
        let mut request = ChatRequest::from("Look twice.");
        request.max_output_tokens = Some(2000);
        let tool = ToolDefinition::function("look", "Looks.", json!({"type": "object"}));
        request = request.with_tool(tool);
        let answer = asked(&*first, &request, false).await;
        let message = answer.message().unwrap().clone();
        let results = message.tool_calls().map(|call| {
            let mut result = ToolResult::text(&call.id, "seen");
            result.name = Some(call.name.clone());
            result
        });
        let results: Vec<_> = results.collect();
        request.messages.push(message);
        request.messages.push(Message::tool_results(results));
        let second = client(&address, asks.provider, "openai-chat/y");
        asked(&*second, &request, false).await;
        let sent = gpt.requests().last().unwrap().json().unwrap().to_string();
        for seal in seals.iter().filter(|it| it.ends_with("==")) {
            assert!(!sent.contains(seal), "{}: {sent}", asks.dialect);
        }
        assert!(!sent.contains("parlor1"), "{}: {sent}", asks.dialect);
    }
}

/// A model that thinks and calls, and signs neither; the id is as some engines give them.
fn unsigned(streams: bool) -> String {
    let calls = json!([{"index": 0, "id": "functions.look:0", "type": "function",
        "function": {"name": "look", "arguments": "{}"}}]);
    let said = json!({"role": "assistant", "content": null, "reasoning_content": "Hm.", "tool_calls": calls});
    let key = if streams { "delta" } else { "message" };
    let answer = json!({"id": "1", "model": "x", "choices": [{"index": 0, key: said, "finish_reason": "tool_calls"}]});
    match streams {
        true => format!("data: {answer}\n\ndata: [DONE]\n\n"),
        false => answer.to_string(),
    }
}

#[tokio::test]
async fn what_nobody_signed_passes_to_no_host_as_its_own() {
    let chat = ApiServer::answering(|seen| {
        let streams = seen.json().unwrap()["stream"] == true;
        ApiAnswer::new(200, unsigned(streams))
    });
    let chat = chat.await.unwrap();
    // What they are sent is all that counts.
    let others = ApiServer::answering(|_| ApiAnswer::new(400, "{}"));
    let others = others.await.unwrap();
    let mut settings = format!(
        "[providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        chat.url()
    );
    for (provider, base) in [
        ("anthropic", ""),
        ("openai-responses", ""),
        ("gemini", "/v1beta"),
    ] {
        let url = others.url();
        settings +=
            &format!("[providers.{provider}]\nbase_url = \"{url}{base}\"\napi_key_env = \"KEY\"\n");
    }
    let address = gateway(&settings).await;
    let asked = async |path: &str, body: &Value| {
        let came = post(&address, path, "", body.to_string().as_bytes()).await;
        String::from_utf8(came.body).unwrap()
    };
    let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let sent = || others.requests().last().unwrap().json().unwrap();

    let question = json!({"role": "user", "content": "Look."});
    let tools = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    let mut body =
        json!({"model": "openai-chat/x", "max_tokens": 9, "messages": [question], "tools": tools});
    let told = read(asked("/v1/messages", &body).await);
    let call = &told["content"][1]["id"];
    let result = json!([{"type": "tool_result", "tool_use_id": call, "content": "seen"}]);
    body["model"] = "anthropic/claude-opus-4-5".into();
    body["messages"] = json!([question, {"role": "assistant", "content": told["content"]},
        {"role": "user", "content": result}]);
    asked("/v1/messages", &body).await;
    let said = &sent()["messages"];
    assert_eq!(said[1]["content"][0]["type"], "tool_use", "{said}");
    let id = said[1]["content"][0]["id"].as_str().unwrap();
    assert!(!id.contains([':', '.']), "{id}");
    assert_eq!(said[2]["content"][0]["tool_use_id"], id, "{said}");

    let mut body = json!({"model": "openai-chat/x", "input": [question], "store": false});
    let told = read(asked("/v1/responses", &body).await);
    let mut input = vec![question.clone()];
    input.extend(told["output"].as_array().unwrap().iter().cloned());
    assert_eq!(input[1]["type"], "reasoning", "{told}");
    let call = &input[2]["call_id"];
    input.push(json!({"type": "function_call_output", "call_id": call, "output": "seen"}));
    body["model"] = "openai-responses/gpt-5".into();
    body["input"] = input.into();
    asked("/v1/responses", &body).await;
    let sent_input = sent()["input"].to_string();
    assert!(!sent_input.contains("\"reasoning\""), "{sent_input}");
    assert!(sent_input.contains("function_call_output"), "{sent_input}");

    let question = json!({"role": "user", "parts": [{"text": "Look."}]});
    let body = json!({"contents": [question]});
    let told = asked("/v1beta/models/openai-chat%2Fx:generateContent", &body);
    let told = read(told.await);
    let result = json!({"functionResponse": {"name": "look", "response": {"output": "seen"}}});
    let body = json!({"contents": [question, told["candidates"][0]["content"],
        {"role": "user", "parts": [result]}]});
    asked(
        "/v1beta/models/gemini%2Fgemini-3-pro:generateContent",
        &body,
    )
    .await;
    let said = &sent()["contents"][1];
    let calls = said["parts"].as_array().unwrap().iter();
    let calls: Vec<&Value> = calls
        .filter(|it| it.get("functionCall").is_some())
        .collect();
    assert_eq!(
        calls[0]["thoughtSignature"], "skip_thought_signature_validator",
        "{said}"
    );

    // A stream marks thoughts alone.
    let body = json!({"model": "openai-chat/x", "max_tokens": 9, "stream": true,
        "messages": [{"role": "user", "content": "Look."}]});
    let told = asked("/v1/messages", &body).await;
    assert_eq!(
        told.matches("\"signature\":\"-parlor1-").count(),
        1,
        "{told}"
    );
}

#[tokio::test]
async fn what_a_copy_left_unsigned_goes_back_to_copies_alone() {
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "x",
        "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "So."}]});
    let server = ApiServer::answering(move |_| ApiAnswer::new(200, answer.to_string()));
    let server = server.await.unwrap();
    let of = |provider: &str| {
        let url = server.url();
        format!(
            "[providers.{provider}]\ntype = \"anthropic\"\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n"
        )
    };
    let address = gateway(&(of("copy") + &of("maker"))).await;
    let question = json!({"role": "user", "content": "Well?"});
    let mut body = json!({"model": "copy/MiniMax-M3", "max_tokens": 9, "messages": [question]});
    let asked = async |body: &Value| {
        let came = post(&address, "/v1/messages", "", body.to_string().as_bytes()).await;
        serde_json::from_slice::<Value>(&came.body).unwrap()
    };
    let told = asked(&body).await;
    assert_eq!(told["content"][0]["signature"], "", "{told}");
    body["messages"] = json!([question,
        {"role": "assistant", "content": told["content"]}, question]);
    for (model, thinks) in [
        ("copy/MiniMax-M3", true),
        ("maker/claude-opus-4-5", false),
        ("copy/kimi-k3", true),
    ] {
        body["model"] = model.into();
        asked(&body).await;
        let sent = server.requests().last().unwrap().json().unwrap();
        let said = sent["messages"][1].to_string();
        assert_eq!(said.contains("Hm."), thinks, "{model}: {said}");
        assert!(said.contains("So."), "{model}: {said}");
    }
    // What is signed passes.
    body["messages"][1]["content"][0]["signature"] = "c2lnbmVk".into();
    body["model"] = "maker/claude-opus-4-5".into();
    asked(&body).await;
    let sent = server.requests().last().unwrap().json().unwrap();
    assert_eq!(sent["messages"], body["messages"]);
}

#[tokio::test]
async fn a_signature_on_a_text_is_no_thought() {
    let answer = json!({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
        {"text": "So.", "thoughtSignature": "dGV4dA=="},
        {"functionCall": {"name": "look", "args": {}}}]}}]});
    let server = ApiServer::answering(move |_| ApiAnswer::new(200, format!("data: {answer}\n\n")));
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.gemini]\nbase_url = \"{}/v1beta\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let address = gateway(&settings).await;
    let body = json!({"model": "gemini/g", "stream": true,
        "messages": [{"role": "user", "content": "Look."}]});
    let came = post(
        &address,
        "/v1/chat/completions",
        "",
        body.to_string().as_bytes(),
    )
    .await;
    let told = String::from_utf8(came.body).unwrap();
    assert!(told.contains("\"look\""), "{told}");
    assert!(!told.contains("parlor1"), "{told}");
}
