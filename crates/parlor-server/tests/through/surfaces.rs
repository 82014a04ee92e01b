//! What clients ask beside chats, and their other ways to ask for one.

use crate::support::{exchange, gateway, get, post};
use parlor_testkit::{ApiAnswer, ApiServer};
use serde_json::{Value, json};

const ANSWER: &str = "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Fine.\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}";
const STREAM: &str = "data: {\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Fi\"}}]}\n\ndata: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ne.\"}}]}\n\ndata: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

async fn upstream() -> (ApiServer, String) {
    let server = ApiServer::answering(|seen| {
        if seen.path.ends_with("count_tokens") {
            return ApiAnswer::new(200, "{\"input_tokens\":41}");
        }
        if seen.path.ends_with("countTokens") {
            return ApiAnswer::new(200, "{\"totalTokens\":42}");
        }
        match String::from_utf8_lossy(&seen.body).contains("\"stream\":true") {
            true => ApiAnswer::new(200, STREAM),
            false => ApiAnswer::new(200, ANSWER),
        }
    });
    let server = server.await.unwrap();
    let url = server.url();
    let of = |provider: &str, base: &str| {
        format!("[providers.{provider}]\nbase_url = \"{url}{base}\"\napi_key_env = \"KEY\"\n")
    };
    let settings = format!(
        "{}{}{}{}[models.\"the best\"]\nmodel = \"openai/gpt-5.4-mini\"\n",
        of("openai-chat", ""),
        of("openai", ""),
        of("anthropic", ""),
        of("gemini", "/v1beta"),
    );
    let address = gateway(&settings).await;
    (server, address)
}

async fn asked(address: &str, path: &str, body: Value) -> (u16, String, Vec<Value>) {
    let came = post(address, path, "", body.to_string().as_bytes()).await;
    let text = String::from_utf8(came.body).unwrap();
    let lines = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap_or_default());
    (came.status, came.head, lines.collect())
}

#[tokio::test]
async fn a_prompt_is_answered_as_its_chat() {
    let (server, address) = upstream().await;
    let body = json!({
        "model": "openai-chat/m", "prompt": "Hi", "system": "Be kind.", "stream": false,
        "options": { "num_predict": 9 }, "images": ["iVBORw0KGgo="], "raw": true,
    });
    let (status, _, lines) = asked(&address, "/api/generate", body).await;
    assert_eq!((status, lines.len()), (200, 1), "{lines:?}");
    assert_eq!(lines[0]["response"], "Fine.", "{lines:?}");
    assert_eq!(lines[0]["done_reason"], "stop", "{lines:?}");
    assert_eq!(lines[0]["prompt_eval_count"], 3, "{lines:?}");
    assert_eq!(lines[0]["message"], Value::Null, "{lines:?}");
    let sent = server.requests()[0].json().unwrap();
    assert_eq!(sent["messages"][0]["content"], "Be kind.", "{sent}");
    assert!(
        sent["messages"][1].to_string().contains("data:image/png"),
        "{sent}"
    );
    assert!(
        sent.to_string().contains('9') && sent.get("raw").is_none(),
        "{sent}"
    );

    let body = json!({ "model": "openai-chat/m", "prompt": "Hi" });
    let (status, head, lines) = asked(&address, "/api/generate", body).await;
    assert_eq!(status, 200);
    assert!(head.contains("application/x-ndjson"), "{head}");
    let text = lines.iter().filter_map(|it| it["response"].as_str());
    assert_eq!(text.collect::<String>(), "Fine.", "{lines:?}");
    assert_eq!(lines.last().unwrap()["done"], true, "{lines:?}");

    let body = json!({ "model": "openai-chat/m", "prompt": "a", "suffix": "b" });
    let (status, _, lines) = asked(&address, "/api/generate", body).await;
    assert_eq!(status, 400, "{lines:?}");
    assert!(
        lines[0]["error"].as_str().unwrap().contains("suffix"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn to_load_a_model_asks_it_nothing() {
    let (server, address) = upstream().await;
    for (path, keep, reason) in [
        ("/api/generate", json!("5m"), "load"),
        ("/api/chat", json!("5m"), "load"),
        ("/api/chat", json!(0), "unload"),
    ] {
        let body = json!({ "model": "openai-chat/m", "keep_alive": keep });
        let (status, _, lines) = asked(&address, path, body).await;
        assert_eq!(status, 200, "{path} {lines:?}");
        assert_eq!(lines[0]["done_reason"], reason, "{path} {lines:?}");
    }
    assert!(server.requests().is_empty());
    let body = json!({ "model": "nobody/m" });
    let (status, _, lines) = asked(&address, "/api/chat", body).await;
    assert_eq!(status, 404, "{lines:?}");
}

#[tokio::test]
async fn prompts_are_counted_by_who_can_or_guessed_aloud() {
    let (server, address) = upstream().await;
    let messages = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "How are you today?" }] });
    let path = "/v1/messages/count_tokens";
    let (status, head, told) = asked(&address, path, messages("anthropic/c")).await;
    assert_eq!(
        (status, &told[0]["input_tokens"]),
        (200, &json!(41)),
        "{told:?}"
    );
    assert!(!head.contains("x-parlor-estimated"), "{head}");
    let (status, head, told) = asked(&address, path, messages("openai-chat/m")).await;
    assert_eq!(status, 200, "{told:?}");
    assert!(told[0]["input_tokens"].as_u64().unwrap() > 3, "{told:?}");
    assert!(head.contains("x-parlor-estimated: tokens"), "{head}");
    let (status, _, told) = asked(&address, path, messages("nobody/c")).await;
    assert_eq!(
        (status, &told[0]["type"]),
        (404, &json!("error")),
        "{told:?}"
    );

    let contents =
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "How are you?" }] }] });
    let whole = json!({ "generateContentRequest": contents });
    for body in [contents, whole] {
        let path = "/v1beta/models/gemini%2Fg:countTokens";
        let (status, head, told) = asked(&address, path, body.clone()).await;
        assert_eq!(
            (status, &told[0]["totalTokens"]),
            (200, &json!(42)),
            "{told:?}"
        );
        assert!(!head.contains("x-parlor-estimated"), "{head}");
        for version in ["v1", "v1beta"] {
            let path = format!("/{version}/models/openai-chat/m:countTokens");
            let (status, head, told) = asked(&address, &path, body.clone()).await;
            assert_eq!(status, 200, "{told:?}");
            assert!(told[0]["totalTokens"].as_u64().unwrap() > 3, "{told:?}");
            assert!(head.contains("x-parlor-estimated: tokens"), "{head}");
        }
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn prompts_of_responses_are_counted_with_what_they_go_on_from() {
    let (server, address) = upstream().await;
    let path = "/v1/responses/input_tokens";
    let body = json!({ "model": "openai-chat/m", "input": "How are you today?" });
    let (status, head, told) = asked(&address, path, body.clone()).await;
    assert_eq!(
        (status, &told[0]["object"]),
        (200, &json!("response.input_tokens")),
        "{told:?}"
    );
    assert!(head.contains("x-parlor-estimated: tokens"), "{head}");
    assert!(server.requests().is_empty());
    let short = told[0]["input_tokens"].as_u64().unwrap();
    let (_, _, first) = asked(&address, "/v1/responses", body.clone()).await;
    let mut body = body;
    body["previous_response_id"] = first[0]["id"].clone();
    let (_, _, told) = asked(&address, path, body).await;
    assert!(
        told[0]["input_tokens"].as_u64().unwrap() > short,
        "{told:?}"
    );
    let (status, _, told) = asked(&address, path, json!({ "model": "nobody/m" })).await;
    assert_eq!(
        (status, &told[0]["error"]["code"]),
        (404, &json!("model_not_found")),
        "{told:?}"
    );
    let path = "/v1/responses/compact";
    let (status, _, told) = asked(&address, path, json!({ "model": "openai-chat/m" })).await;
    assert_eq!(status, 400, "{told:?}");
    assert!(
        told[0]["error"]["message"].as_str().unwrap().contains(path),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_is_nowhere_is_told_in_the_clients_shape() {
    let (_server, address) = upstream().await;
    for (path, place) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/messages", "/error/message"),
        ("/v1/messages/count_tokens", "/error/message"),
        ("/v1beta/models", "/error/message"),
        ("/api/generate", "/error"),
    ] {
        let method = if path == "/v1beta/models" {
            "PUT"
        } else {
            "DELETE"
        };
        let came = exchange(method, &address, path, "", b"").await;
        let told: Value = serde_json::from_slice(&came.body).unwrap();
        let said = told.pointer(place).unwrap().as_str().unwrap();
        assert!(
            came.status == 405 && said.contains(method),
            "{path}: {said}"
        );
        assert!(came.head.contains("allow: "), "{path}: {}", came.head);
    }
    for (path, meant) in [
        ("/chat/completions", "/v1/chat/completions:"),
        ("/responses", "/v1/responses:"),
        ("/models", "/v1/models:"),
        ("/v1/v1/messages", " /v1/messages:"),
    ] {
        let (status, _, told) = asked(&address, path, json!({})).await;
        let said = told[0]["error"]["message"].as_str().unwrap();
        assert!(status == 404 && said.contains(meant), "{path}: {said}");
    }
    let (_, _, told) = asked(&address, "/embeddings", json!({})).await;
    assert_eq!(
        told[0]["error"]["message"],
        "there is nothing at POST /embeddings"
    );
}

#[tokio::test]
async fn a_stream_of_contents_is_an_array_unless_events_are_asked_for() {
    let (_server, address) = upstream().await;
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
    for version in ["v1", "v1beta"] {
        let path = format!("/{version}/models/openai-chat%2Fm:streamGenerateContent");
        let came = post(&address, &path, "", contents.to_string().as_bytes()).await;
        assert!(
            came.head.contains("content-type: application/json"),
            "{}",
            came.head
        );
        let items: Vec<Value> = serde_json::from_slice(&came.body).unwrap();
        let texts = items.iter().filter_map(|it| {
            let text = &it["candidates"][0]["content"]["parts"][0]["text"];
            text.as_str().map(str::to_owned)
        });
        assert_eq!(texts.collect::<String>(), "Fine.", "{items:?}");
        let path = format!("{path}?alt=sse");
        let came = post(&address, &path, "", contents.to_string().as_bytes()).await;
        assert!(came.body.starts_with(b"data: "), "{}", came.head);
    }
}

#[tokio::test]
async fn a_name_with_a_slash_may_stand_for_the_whole_path() {
    let (_server, address) = upstream().await;
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
    let path = "/v1beta/openai-chat/m:generateContent";
    let (status, _, told) = asked(&address, path, contents.clone()).await;
    let text = &told[0]["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!((status, text), (200, &json!("Fine.")), "{told:?}");
    let path = "/v1beta/gemini/g:countTokens";
    let (status, _, told) = asked(&address, path, contents.clone()).await;
    assert_eq!(
        (status, &told[0]["totalTokens"]),
        (200, &json!(42)),
        "{told:?}"
    );
    for path in [
        "/v1beta/nobody/m:generateContent",
        "/v1beta/m:generateContent",
    ] {
        let (status, _, told) = asked(&address, path, contents.clone()).await;
        assert_eq!(
            (status, &told[0]["error"]["code"]),
            (404, &json!(404)),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_model_is_told_of_in_each_dialect() {
    let (_server, address) = upstream().await;
    let of = async |path: &str, headers: &str| {
        let came = get(&address, path, headers).await;
        (
            came.status,
            serde_json::from_slice::<Value>(&came.body).unwrap(),
        )
    };
    let (status, told) = of("/v1/models/openai/gpt-5.4-mini", "").await;
    assert_eq!(
        (status, &told["id"]),
        (200, &json!("openai/gpt-5.4-mini")),
        "{told}"
    );
    assert_eq!(told["object"], "model", "{told}");
    assert!(told["context_length"].as_u64() > Some(1000), "{told}");
    let (status, told) = of("/v1/models/the%20best", "anthropic-version: 2023-06-01\r\n").await;
    assert_eq!((status, &told["type"]), (200, &json!("model")), "{told}");
    assert!(told["max_input_tokens"].as_u64() > Some(1000), "{told}");
    let (status, told) = of("/v1beta/models/openai/gpt-5.4-mini", "").await;
    assert_eq!(
        (status, &told["name"]),
        (200, &json!("models/openai/gpt-5.4-mini")),
        "{told}"
    );
    assert!(told["inputTokenLimit"].as_u64() > Some(1000), "{told}");
    for (path, headers) in [
        ("/v1/models/nobody/m", ""),
        ("/v1/models/nobody/m", "anthropic-version: 2023-06-01\r\n"),
        ("/v1beta/models/nobody/m", ""),
    ] {
        let (status, told) = of(path, headers).await;
        assert_eq!(status, 404, "{told}");
        assert_eq!(told["type"] == "error", !headers.is_empty(), "{told}");
        assert!(
            told["error"]["message"]
                .as_str()
                .unwrap()
                .contains("nobody"),
            "{told}"
        );
    }
    let (status, told) = of("/v1/models", "").await;
    let named = told["data"].as_array().unwrap().iter();
    let named = named.filter(|it| it["id"] == "the best").count();
    assert_eq!((status, named), (200, 1));

    let (_, told) = of("/api/version", "").await;
    assert!(told["version"].is_string(), "{told}");
    let (_, told) = of("/api/ps", "").await;
    assert_eq!(told, json!({ "models": [] }));
    let (status, _, told) = asked(&address, "/api/show", json!({ "model": "the best" })).await;
    assert_eq!(status, 200, "{told:?}");
    let tools = told[0]["capabilities"].as_array().unwrap();
    assert!(tools.contains(&json!("tools")), "{told:?}");
    assert!(
        told[0]["model_info"]["openai.context_length"].as_u64() > Some(1000),
        "{told:?}"
    );
    let (status, _, told) = asked(&address, "/api/show", json!({ "name": "nobody/m" })).await;
    assert_eq!(status, 404, "{told:?}");
}

#[tokio::test]
async fn what_a_model_cannot_do_is_named_in_the_head() {
    let server = ApiServer::answering(|_| {
        let said = json!({ "type": "message", "role": "assistant", "stop_reason": "end_turn",
            "content": [{ "type": "text", "text": "Fine." }] });
        ApiAnswer::new(200, said.to_string())
    });
    let server = server.await.unwrap();
    let settings = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n",
        server.url()
    );
    let address = gateway(&settings).await;
    let mut body = json!({
        "model": "anthropic/c", "seed": 5, "messages": [{ "role": "user", "content": "Hi" }],
    });
    let (status, head, _) = asked(&address, "/v1/chat/completions", body.clone()).await;
    assert_eq!(status, 200, "{head}");
    assert!(
        head.contains("x-parlor-warnings: seed=unsupported"),
        "{head}"
    );
    body["seed"] = Value::Null;
    let (_, head, _) = asked(&address, "/v1/chat/completions", body).await;
    assert!(!head.contains("x-parlor-warnings"), "{head}");
}

#[tokio::test]
async fn a_long_body_goes_through_as_it_came() {
    let (server, address) = upstream().await;
    let prompt = "Why is it blue? ".repeat(20_000);
    let body = |model: &str| {
        let said = format!("[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]");
        format!("{{ \"messages\": {said}, \"model\":\"{model}\",\"x\" : 1}}").into_bytes()
    };
    for streams in [false, true] {
        let mut body = [body("openai-chat/m"), body("m")];
        if streams {
            for it in &mut body {
                it.truncate(it.len() - 1);
                it.extend_from_slice(
                    b",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
                );
            }
        }
        let came = post(&address, "/v1/chat/completions", "", &body[0]).await;
        assert_eq!(came.status, 200, "{}", came.head);
        let requests = server.requests();
        let sent = requests.last().unwrap();
        assert!(sent.body == body[1], "streams: {streams}");
        let length = body[1].len().to_string();
        assert_eq!(sent.header("content-length"), Some(length.as_str()));
    }
}

#[tokio::test]
async fn what_only_the_clients_own_provider_understands_is_named_or_refused() {
    let (server, address) = upstream().await;
    let messages = json!({
        "model": "openai-chat/m", "max_tokens": 9,
        "messages": [{ "role": "user", "content": "Hi" }],
        "mcp_servers": [{ "name": "x" }], "speed": "fast", "metadata": { "user_id": "u" },
    });
    let (_, head, told) = asked(&address, "/v1/messages", messages).await;
    assert!(
        head.contains("x-parlor-warnings: mcp_servers=unsupported, speed=unsupported\r\n"),
        "{head} {told:?}"
    );
    let asks = server.requests().len();
    let response = |field: &str, value: Value| {
        let mut body = json!({ "model": "openai-chat/m", "input": "Hi" });
        body[field] = value;
        ("/v1/responses", body)
    };
    let contents = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }],
        "cachedContent": "cachedContents/1",
    });
    for ((path, body), name) in [
        (response("conversation", json!("conv_1")), "conversation"),
        (response("prompt", json!({ "id": "pmpt_1" })), "prompt"),
        (
            ("/v1beta/models/openai-chat%2Fm:generateContent", contents),
            "cachedContent",
        ),
    ] {
        let (status, _, told) = asked(&address, path, body).await;
        let said = told[0]["error"]["message"].as_str().unwrap();
        assert!(status == 400 && said.contains(name), "{said}");
    }
    assert_eq!(server.requests().len(), asks);
}

#[tokio::test]
async fn a_prompt_keeps_its_options_for_hosts_of_the_same_api() {
    let server = ApiServer::answering(|_| {
        ApiAnswer::new(
            200,
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Fine.\"},\"done\":true,\"done_reason\":\"stop\"}",
        )
    });
    let server = server.await.unwrap();
    let settings = format!("[providers.ollama]\nbase_url = \"{}\"\n", server.url());
    let address = gateway(&settings).await;
    let body = json!({
        "model": "ollama/m", "prompt": "Hi", "stream": false, "keep_alive": "10m",
        "options": { "num_ctx": 8192, "temperature": 0.5 },
    });
    let (status, head, lines) = asked(&address, "/api/generate", body).await;
    assert_eq!((status, &lines[0]["response"]), (200, &json!("Fine.")));
    assert!(!head.contains("x-parlor-warnings"), "{head}");
    let sent = server.requests().last().unwrap().json().unwrap();
    assert_eq!(
        (&sent["options"], &sent["keep_alive"]),
        (
            &json!({ "num_ctx": 8192, "temperature": 0.5 }),
            &json!("10m")
        ),
        "{sent}"
    );
}
