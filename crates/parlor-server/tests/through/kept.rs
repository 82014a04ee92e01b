//! Responses that are kept, and gone on from, whatever the provider speaks.

use crate::support::{exchange, gateway, get, post};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::{Value, json};

async fn claude() -> (ApiServer, String) {
    let server = ApiServer::answering(|seen| {
        let streams = String::from_utf8_lossy(&seen.body).contains("\"stream\":true");
        ApiAnswer::new(
            200,
            match streams {
                false => "{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"model\":\"c\",\
                     \"stop_reason\":\"end_turn\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\",\
                     \"signature\":\"c2lnbmVk==\"},{\"type\":\"text\",\"text\":\"Blue.\"}],\
                     \"usage\":{\"input_tokens\":1,\"output_tokens\":1}}"
                    .to_owned(),
                true => [
                    json!({"type": "message_start", "message": {"id": "msg_2", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
                    json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Green."}}),
                    json!({"type": "content_block_stop", "index": 0}),
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
                    json!({"type": "message_stop"}),
                ]
                .iter()
                .map(|it| format!("event: {}\ndata: {it}\n\n", it["type"].as_str().unwrap()))
                .collect(),
            },
        )
    });
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let address = gateway(&settings).await;
    (server, address)
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[tokio::test]
async fn a_conversation_goes_on_from_a_response() {
    let (server, address) = claude().await;
    let body = json!({ "model": "anthropic/c", "input": "Colour?", "instructions": "Be brief." });
    let first = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let first = json_of(&first.body);
    let id = first["id"].as_str().unwrap();

    let body = json!({
        "model": "anthropic/c", "previous_response_id": id, "stream": true,
        "input": [{ "role": "user", "content": "Another?" }],
    });
    let second = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let text = String::from_utf8(second.body).unwrap();
    assert!(text.contains("event: response.completed"), "{text}");
    assert!(
        text.contains("\"sequence_number\"") && !text.contains("[DONE]"),
        "{text}"
    );
    let sent = server.requests()[1].json().unwrap();
    let messages = sent["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3, "{sent}");
    assert_eq!(messages[0]["content"], "Colour?", "{sent}");
    // Thoughts with their signature, as they came.
    assert!(messages[1].to_string().contains("\"c2lnbmVk==\""), "{sent}");
    assert!(messages[1].to_string().contains("Blue."), "{sent}");
    // Instructions hold for their own turn.
    assert!(sent.get("system").is_none_or(Value::is_null), "{sent}");

    let body = json!({ "model": "anthropic/c", "previous_response_id": "msg_2", "input": "Last?" });
    post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let sent = server.requests()[2].json().unwrap();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 5, "{sent}");
    assert!(sent["messages"][3].to_string().contains("Green."), "{sent}");

    let shown = get(&address, "/v1/responses/msg_2", "").await;
    let shown_body = json_of(&shown.body);
    assert_eq!(
        (shown.status, &shown_body["previous_response_id"]),
        (200, &json!(id))
    );
    assert!(
        shown_body["output"].to_string().contains("Green."),
        "{shown_body}"
    );
    let items = get(
        &address,
        "/v1/responses/msg_2/input_items?order=asc&limit=2",
        "",
    )
    .await;
    let items = json_of(&items.body);
    assert_eq!(items["data"].as_array().unwrap().len(), 2, "{items}");
    assert_eq!(
        (&items["has_more"], &items["object"]),
        (&json!(true), &json!("list")),
        "{items}"
    );
    assert!(items["data"][0].to_string().contains("Colour?"), "{items}");
    let last = items["last_id"].as_str().unwrap();
    let path = format!("/v1/responses/msg_2/input_items?order=asc&after={last}");
    let rest = json_of(&get(&address, &path, "").await.body);
    assert!(rest["data"].to_string().contains("Another?"), "{rest}");
    assert!(!rest["data"].to_string().contains("Colour?"), "{rest}");
}

#[tokio::test]
async fn what_isnt_kept_is_refused_and_forgotten_is_gone() {
    let (server, address) = claude().await;
    let body = json!({ "model": "anthropic/c", "input": "Colour?", "store": false });
    let first = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    assert_eq!(first.status, 200);
    let body = json!({ "model": "anthropic/c", "input": "And?", "previous_response_id": "msg_1" });
    let second = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let told = json_of(&second.body);
    assert_eq!(second.status, 400, "{told}");
    assert_eq!(
        told["error"]["code"], "previous_response_not_found",
        "{told}"
    );
    assert_eq!(server.requests().len(), 1);

    let body = json!({ "model": "anthropic/c", "input": "Colour?" });
    post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let cancelled = exchange("POST", &address, "/v1/responses/msg_1/cancel", "", b"").await;
    assert_eq!(cancelled.status, 400);
    let gone = exchange("DELETE", &address, "/v1/responses/msg_1", "", b"").await;
    assert_eq!(json_of(&gone.body)["deleted"], true);
    for method in ["GET", "DELETE"] {
        let none = exchange(method, &address, "/v1/responses/msg_1", "", b"").await;
        assert_eq!(none.status, 404, "{method}");
    }
}

#[tokio::test]
async fn the_first_event_does_not_wait_for_what_came_along_with_it() {
    let (_server, address) = claude().await;
    let body = json!({
        "model": "anthropic/c", "stream": true, "max_tokens": 9,
        "messages": [{ "role": "user", "content": "Colour?" }],
    });
    for (path, begins, goes_on) in [
        ("/v1/messages", "message_start", "Green."),
        ("/v1/chat/completions", "Green.", "stop"),
    ] {
        let came = post(&address, path, "", body.to_string().as_bytes()).await;
        let body = String::from_utf8(came.body).unwrap();
        let (first, rest) = body.split_at(came.first);
        assert!(first.contains(begins), "{path}: {first}");
        assert!(!first.contains(goes_on), "{path}: {first}");
        assert!(rest.contains(goes_on), "{path}: {rest}");
    }
}

#[tokio::test]
async fn items_that_are_referred_to_stand_there_whole() {
    let (server, address) = claude().await;
    let body = json!({ "model": "anthropic/c", "input": "Colour?" });
    let first = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    let first = json_of(&first.body);
    let refer = |item: &Value| json!({ "type": "item_reference", "id": item["id"] });
    let output = first["output"].as_array().unwrap();
    let mut input = vec![json!({ "role": "user", "content": "Colour?" })];
    input.extend(output.iter().map(refer));
    input.push(json!({ "role": "user", "content": "Another?" }));
    let body = json!({ "model": "anthropic/c", "input": input }).to_string();
    post(&address, "/v1/responses", "", body.as_bytes()).await;
    let sent = server.requests()[1].json().unwrap();
    let said = sent["messages"][1].to_string();
    assert!(
        said.contains("Blue.") && said.contains("c2lnbmVk=="),
        "{sent}"
    );
    assert_eq!(sent["messages"].as_array().unwrap().len(), 3, "{sent}");

    // The second answer's id is that of the first, and its items' ids too.
    exchange("DELETE", &address, "/v1/responses/msg_1", "", b"").await;
    post(&address, "/v1/responses", "", body.as_bytes()).await;
    let sent = server.requests()[2].json().unwrap().to_string();
    assert!(!sent.contains("Blue."), "{sent}");
}

#[tokio::test]
async fn answers_without_ids_have_items_of_their_own() {
    let server = ApiServer::answering(|_| {
        let answer = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": true,
            "done_reason": "stop", "message": {"role": "assistant", "content": "Hi."}});
        ApiAnswer::new(200, answer.to_string())
    });
    let server = server.await.unwrap();
    let settings = format!("[providers.ollama]\nbase_url = \"{}\"\n", server.url());
    let address = gateway(&settings).await;
    let body = json!({ "model": "ollama/m", "input": "Hi" }).to_string();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let came = post(&address, "/v1/responses", "", body.as_bytes()).await;
        let came = json_of(&came.body);
        ids.push(came["output"][0]["id"].as_str().unwrap().to_owned());
        let shown = format!("/v1/responses/{}", came["id"].as_str().unwrap());
        assert_eq!(get(&address, &shown, "").await.status, 200);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn nothing_waits_in_the_background() {
    let server = ApiServer::answering(|_| {
        let answer = json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed",
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hi.", "annotations": []}]}]});
        ApiAnswer::new(200, answer.to_string())
    });
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.openai-responses]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let address = gateway(&settings).await;
    let body = json!({ "model": "openai-responses/m", "input": "Hi", "background": true });
    let came = post(&address, "/v1/responses", "", body.to_string().as_bytes()).await;
    assert_eq!(json_of(&came.body)["status"], "completed");
    let sent = server.requests()[0].json().unwrap();
    assert_eq!(
        (sent.get("background"), &sent["input"]),
        (None, &json!("Hi"))
    );
}
