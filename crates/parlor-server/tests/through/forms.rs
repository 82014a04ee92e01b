//! Tools in forms that only the Responses API has, as Codex offers them, before models of all
//! dialects.

use std::sync::Arc;

use crate::support::{ASKS, Asks, Came, gateway, get, post};
use parlor::{Message, ModelInfo, Part};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_testkit::{ApiAnswer, ApiServer, DialectServer, Script, Scripted};
use serde_json::{Value, json};

/// A patch as the tool takes it.
const PATCH: &str = "*** Begin Patch\n*** Add File: a \"b\".txt\n+ü\n*** End Patch\n";

/// A model that calls tools of three forms side by side and then says that it is done.
fn model() -> Scripted {
    let model = Scripted::with(|_, request| {
        let answered = request.messages.iter().flat_map(|it| &it.parts);
        let mut answered = answered.filter(|it| matches!(it, Part::ToolResult(_)));
        Some(match answered.next() {
            Some(_) => Script::text("Done."),
            None => Script::tool_calls([
                ("apply_patch", json!({"input": PATCH})),
                ("agents__close", json!({"id": 1})),
                ("exec", json!({"input": "text(1)"})),
            ]),
        })
    });
    model.with_info(ModelInfo::new("behind", "m"))
}

/// A model behind a server of this dialect.
async fn served(asks: &Asks) -> (Scripted, DialectServer) {
    let model = model();
    let behind = Arc::new(model.clone());
    let server = match asks.dialect {
        "openai-chat" => DialectServer::start(OpenAiChat::default(), behind).await,
        "anthropic-messages" => DialectServer::start(AnthropicMessages::default(), behind).await,
        "gemini" => DialectServer::start(Gemini::default(), behind).await,
        _ => DialectServer::start(Ollama::default(), behind).await,
    };
    (model, server.unwrap())
}

fn settings(asks: &Asks, url: &str) -> String {
    format!(
        "[providers.{}]\nbase_url = \"{url}{}\"\napi_key_env = \"KEY\"\n",
        asks.provider, asks.base
    )
}

/// What the program sends, in small.
fn asked(model: &str, stream: bool) -> Value {
    let function = |name: &str| {
        json!({"type": "function", "name": name, "strict": false,
            "parameters": {"type": "object", "properties": {"id": {"type": "number"}}}})
    };
    json!({"model": model, "stream": stream, "store": false, "tool_choice": "auto",
        "parallel_tool_calls": true,
        "input": [
            {"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "functions", "description": "Tools.", "tools": [
                    {"type": "custom", "name": "exec", "description": "Runs code.",
                        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /./"}},
                    function("wait")]},
                {"type": "namespace", "name": "agents", "description": "", "tools": [function("close")]},
                {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": {"type": "text"}},
                {"type": "web_search"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]})
}

async fn ask(address: &str, body: &Value) -> Came {
    let came = post(address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let text = String::from_utf8_lossy(&came.body);
    assert_eq!(came.status, 200, "{text}");
    came
}

/// The events of a stream.
fn events(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let data = text.lines().filter_map(|it| it.strip_prefix("data: "));
    data.map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// The items that a stream tells at their ends, held against what it tells on the way.
fn items(events: &[Value]) -> Vec<Value> {
    let of = |kind: &str| {
        events
            .iter()
            .filter(|it| it["type"] == kind)
            .cloned()
            .collect::<Vec<_>>()
    };
    let joined = |kind: &str, id: &Value| -> String {
        let deltas = of(kind).into_iter().filter(|it| it["item_id"] == *id);
        deltas
            .filter_map(|it| it["delta"].as_str().map(str::to_owned))
            .collect()
    };
    let (added, done) = (
        of("response.output_item.added"),
        of("response.output_item.done"),
    );
    assert_eq!(added.len(), done.len());
    for end in &done {
        let item = &end["item"];
        let begun = added
            .iter()
            .find(|it| it["item"]["id"] == item["id"])
            .unwrap();
        for key in ["type", "name", "namespace", "call_id"] {
            assert_eq!(begun["item"][key], item[key], "{key}");
        }
        if item["type"] == "custom_tool_call" {
            let input = item["input"].as_str().unwrap();
            assert_eq!(
                joined("response.custom_tool_call_input.delta", &item["id"]),
                input
            );
            let over = of("response.custom_tool_call_input.done");
            let over = over.iter().find(|it| it["item_id"] == item["id"]).unwrap();
            assert_eq!(over["input"], input);
        }
    }
    let mut items: Vec<Value> = done.iter().map(|it| it["item"].clone()).collect();
    items.sort_by_key(|it| added.iter().position(|add| add["item"]["id"] == it["id"]));
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!(events.last().unwrap()["response"]["output"], json!(items));
    items
}

/// What the program is to run, as it reads it.
fn called(items: &[Value]) -> Vec<(&str, &str, &str, &str)> {
    let text = |it: &Value, key: &str| {
        it[key]
            .as_str()
            .map(|it| -> &'static str { it.to_owned().leak() })
    };
    let calls = items.iter().filter(|it| it["call_id"].is_string());
    calls
        .map(|it| {
            let said = text(it, "input").or(text(it, "arguments"));
            (
                text(it, "type").unwrap(),
                text(it, "namespace").unwrap_or(""),
                text(it, "name").unwrap(),
                said.unwrap(),
            )
        })
        .collect()
}

fn wanted() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    vec![
        ("custom_tool_call", "", "apply_patch", PATCH),
        ("function_call", "agents", "close", "{\"id\":1}"),
        ("custom_tool_call", "functions", "exec", "text(1)"),
    ]
}

/// The items with which the next turn begins.
fn answered(items: &[Value]) -> Vec<Value> {
    let calls = items.iter().filter(|it| it["call_id"].is_string());
    let outputs = calls.enumerate().map(|(at, call)| {
        let kind = format!("{}_output", call["type"].as_str().unwrap());
        json!({"type": kind, "call_id": call["call_id"], "output": format!("result {at}")})
    });
    items.iter().cloned().chain(outputs).collect()
}

#[tokio::test]
async fn calls_come_back_in_the_form_of_their_tools_and_go_on() {
    for asks in ASKS.iter().filter(|it| it.dialect != "openai-responses") {
        let (model, server) = served(asks).await;
        let address = gateway(&settings(asks, &server.url())).await;
        for stream in [false, true] {
            let mut body = asked(&format!("{}/m", asks.provider), stream);
            let came = ask(&address, &body).await;
            assert!(came.head.contains("tools=unsupported"), "{}", came.head);
            let items = match stream {
                true => items(&events(&came.body)),
                false => {
                    let answer: Value = serde_json::from_slice(&came.body).unwrap();
                    answer["output"].as_array().unwrap().clone()
                }
            };
            assert_eq!(called(&items), wanted(), "{}", asks.dialect);
            let input = body["input"].as_array_mut().unwrap();
            input.extend(answered(&items));
            let came = ask(&address, &body).await;
            assert!(String::from_utf8_lossy(&came.body).contains("Done."));
            let seen = model.requests().pop().unwrap();
            let calls: Vec<_> = seen.messages.iter().flat_map(Message::tool_calls).collect();
            let names: Vec<&str> = calls.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(
                names,
                ["apply_patch", "agents__close", "exec"],
                "{}",
                asks.dialect
            );
            let patch = calls[0].arguments.parse().unwrap();
            assert_eq!(patch, json!({"input": PATCH}), "{}", asks.dialect);
            assert!(
                model.prompts().pop().unwrap().contains("result 2"),
                "{}",
                asks.dialect
            );
        }
        let offered = model.requests()[0].tools.len();
        assert_eq!(offered, 4, "{}", asks.dialect);
    }
}

#[tokio::test]
async fn a_kept_answer_is_gone_on_from_with_its_tools() {
    let asks = ASKS
        .iter()
        .find(|it| it.dialect == "anthropic-messages")
        .unwrap();
    let (model, server) = served(asks).await;
    let address = gateway(&settings(asks, &server.url())).await;
    let mut body = asked("anthropic/m", true);
    body["store"] = true.into();
    let came = ask(&address, &body).await;
    let told = events(&came.body);
    let (items, id) = (items(&told), told.last().unwrap()["response"]["id"].clone());
    let path = format!("/v1/responses/{}", id.as_str().unwrap());
    let kept: Value = serde_json::from_slice(&get(&address, &path, "").await.body).unwrap();
    assert_eq!(called(kept["output"].as_array().unwrap()), wanted());
    body["previous_response_id"] = id;
    body["input"] = answered(&items)[items.len()..].into();
    let came = ask(&address, &body).await;
    assert!(String::from_utf8_lossy(&came.body).contains("Done."));
    let seen = model.requests().pop().unwrap();
    assert_eq!(
        seen.messages.iter().flat_map(Message::tool_calls).count(),
        3
    );
    // They came with the first turn's input.
    assert_eq!(seen.tools.len(), 4);
}

#[tokio::test]
async fn the_same_dialect_passes_as_it_is() {
    let answer =
        json!({"id": "r", "object": "response", "model": "m", "status": "completed", "output": [
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "exec", "glimmer": 1,
            "namespace": "functions", "input": "text(1)", "status": "completed"}],
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
        .to_string();
    let given = answer.clone();
    let server = ApiServer::answering(move |_| ApiAnswer::new(200, given.clone()));
    let server = server.await.unwrap();
    let asks = ASKS
        .iter()
        .find(|it| it.dialect == "openai-responses")
        .unwrap();
    let address = gateway(&settings(asks, &server.url())).await;
    let body = asked("openai-responses/m", false);
    let came = ask(&address, &body).await;
    assert_eq!(String::from_utf8(came.body).unwrap(), answer);
    assert!(!came.head.contains("x-parlor-warnings"), "{}", came.head);
    let sent = server.requests().pop().unwrap().body;
    let wanted = body.to_string().replace("openai-responses/m", "m");
    assert_eq!(String::from_utf8(sent.to_vec()).unwrap(), wanted);
}
