//! Clients of five dialects ask models of providers that speak another.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::Write as _;
use std::time::Duration;

use common::{CLIENTS, Gateway, MODELS, both, registry, words};
use flate2::Compression;
use flate2::write::GzEncoder;
use parlor::{ChatRequest, ErrorKind, ToolDefinition};
use parlor_server::{ServerConfig, Service};
use parlor_testkit::Script;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn calls(request: &ChatRequest) -> Script {
    match request.tools.is_empty() {
        true => Script::text("no tools"),
        false => Script::tool_calls([
            ("weather", json!({ "city": "Oslo" })),
            ("weather", json!({ "city": "Rome" })),
        ]),
    }
}

#[tokio::test]
async fn every_client_is_answered_by_every_provider() {
    let gateway = Gateway::start(ServerConfig::default(), words).await;
    for provider in CLIENTS {
        for model in MODELS {
            let client = gateway.client(provider, model);
            let request = ChatRequest::from("How are you?");
            for response in both(&*client, &request).await {
                assert_eq!(response.text(), "Fine, thank you.", "{provider} {model}");
            }
        }
    }
    for behind in &gateway.behind {
        assert!(behind.prompts().iter().all(|it| it == "How are you?"));
        assert_eq!(behind.prompts().len(), 2 * CLIENTS.len());
    }
}

#[tokio::test]
async fn parallel_calls_reach_every_client_whole() {
    let gateway = Gateway::start(ServerConfig::default(), calls).await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    for provider in CLIENTS {
        for model in MODELS {
            let client = gateway.client(provider, model);
            let request = ChatRequest::from("Where is it warm?").with_tool(
                ToolDefinition::function("weather", "The weather.", schema.clone()),
            );
            for response in both(&*client, &request).await {
                let cities: Vec<Value> = response
                    .tool_calls()
                    .map(|call| call.arguments.parse().unwrap()["city"].clone())
                    .collect();
                assert_eq!(cities, ["Oslo", "Rome"], "{provider} {model}");
            }
        }
    }
}

#[tokio::test]
async fn failures_have_the_shape_of_the_clients_dialect() {
    let gateway = Gateway::start(ServerConfig::default(), words).await;
    let asked = json!({
        "model": "nobody/knows", "max_tokens": 9,
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    let (status, body) = gateway.post("/v1/chat/completions", &asked).await;
    assert_eq!(status, 404, "{body}");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("nobody"),
        "{body}"
    );
    let (status, body) = gateway.post("/v1/messages", &asked).await;
    assert_eq!((status, &body["type"]), (404, &json!("error")), "{body}");
    assert_eq!(body["error"]["type"], "not_found_error", "{body}");
    let (status, body) = gateway.post("/api/chat", &asked).await;
    assert_eq!(status, 404, "{body}");
    assert!(body["error"].is_string(), "{body}");
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] });
    let path = "/v1beta/models/nobody%2Fknows:generateContent";
    let (status, body) = gateway.post(path, &contents).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!(404)),
        "{body}"
    );

    let (status, _) = gateway
        .post("/v1/chat/completions", &json!({ "messages": [] }))
        .await;
    assert_eq!(status, 400);
    let (status, _) = gateway.post("/v1/messages", &json!("no object")).await;
    assert_eq!(status, 400);
    let (status, _) = gateway.post("/v1/nothing", &json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_key_is_wanted_where_one_is_set_and_never_passed_on() {
    let config = {
        let mut config = ServerConfig::default();
        config.keys = vec!["client-key".into()];
        config
    };
    let gateway = Gateway::start(config, words).await;
    let asked = json!({
        "model": "openai-chat/behind", "messages": [{ "role": "user", "content": "Hi" }],
    });
    let (status, body) = gateway.post("/v1/chat/completions", &asked).await;
    assert_eq!(status, 401, "{body}");
    for header in [
        ("authorization", "Bearer client-key"),
        ("x-api-key", "client-key"),
        ("x-goog-api-key", "client-key"),
    ] {
        let headers = [header, ("cookie", "a=b")];
        let (status, _) = gateway
            .post_with("/v1/chat/completions", &asked, &headers)
            .await;
        assert_eq!(status, 200, "{header:?}");
    }
    let seen = gateway._servers[1].requests();
    assert_eq!(seen.len(), 3);
    for request in seen {
        assert_eq!(request.header("authorization"), Some("Bearer upstream-key"));
        assert_eq!(request.header("cookie"), None);
        assert_eq!(request.header("x-api-key"), None);
    }
    // A page elsewhere may have a browser ask.
    for header in [
        ("origin", "https://elsewhere.example"),
        ("host", "elsewhere.example"),
    ] {
        let headers = [header, ("authorization", "Bearer client-key")];
        let (status, _) = gateway
            .post_with("/v1/chat/completions", &asked, &headers)
            .await;
        assert_eq!(status, 403, "{header:?}");
    }
}

#[tokio::test]
async fn what_is_beyond_its_room_is_refused_at_every_path() {
    let mut config = ServerConfig::default();
    config.max_in_flight = 0;
    let gateway = Gateway::start(config, words).await;
    let asked = json!({
        "model": "openai-chat/behind", "messages": [{ "role": "user", "content": "Hi" }],
    });
    for path in ["/v1/chat/completions", "/api/chat", "/api/chat/stream"] {
        let (status, body) = gateway.post(path, &asked).await;
        assert_eq!(status, 503, "{path}: {body}");
    }
}

#[tokio::test]
async fn a_stream_keeps_its_room_until_it_ends() {
    let mut config = ServerConfig::default();
    config.max_in_flight = 1;
    let gateway = Gateway::start(config, |_| {
        Script::text("Beginning and more").cut(4).hangs()
    })
    .await;
    let asked = json!({
        "model": "openai-chat/behind", "messages": [{ "role": "user", "content": "Hi" }],
    });
    let host = gateway.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let body = asked.to_string();
    let head = format!(
        "POST /api/chat/stream HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}",
        body.len()
    );
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .await
        .unwrap();
    let mut came = Vec::new();
    while !String::from_utf8_lossy(&came).contains("Beginning") {
        assert_ne!(stream.read_buf(&mut came).await.unwrap(), 0);
    }
    for (method, path) in [
        ("POST", "/api/chat/stream"),
        ("POST", "/api/show"),
        ("POST", "/api/conversations"),
        ("PATCH", "/api/conversations/any"),
        ("POST", "/api/conversations/any/fork"),
        ("POST", "/api/conversations/any/turns"),
    ] {
        let asked = asked.to_string();
        let answer = gateway.exchange(method, path, &asked, &[]).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so_at_each_way_to_chat() {
    let mut config = ServerConfig::default();
    config.max_body = 1024;
    let gateway = Gateway::start(config, common::words).await;
    let text = "long ".repeat(1000);
    let asked = json!({
        "model": "openai-chat/behind", "max_tokens": 9,
        "messages": [{ "role": "user", "content": text }],
    });
    for path in ["/v1/chat/completions", "/v1/messages", "/api/chat/stream"] {
        let (status, body) = gateway.post(path, &asked).await;
        assert_eq!(status, 413, "{path}: {body}");
    }
}

/// Asks something of so many bytes, as one does whose connection may be closed before all is sent.
async fn asked(gateway: &Gateway, path: &str, encoding: &str, body: &[u8]) -> TcpStream {
    let host = gateway.url.trim_start_matches("http://");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
    stream
}

async fn answer(gateway: &Gateway, path: &str, encoding: &str, body: &[u8]) -> String {
    let mut came = Vec::new();
    let mut stream = asked(gateway, path, encoding, body).await;
    let _ = stream.read_to_end(&mut came).await;
    String::from_utf8(came).unwrap()
}

fn weighing(text: &str, kib: usize) -> Vec<u8> {
    let asked = json!({
        "model": "openai-chat/behind", "max_tokens": 9,
        "messages": [{ "role": "user", "content": text.to_owned() + &"-".repeat(kib << 10) }],
    });
    asked.to_string().into_bytes()
}

fn waits(request: &ChatRequest) -> Script {
    match request.messages[0].text().starts_with("Wait") {
        true => Script::text("Never").cut(1).hangs(),
        false => Script::text("Here"),
    }
}

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn bodies_are_held_within_a_bound_of_all() {
    let mut config = ServerConfig::default();
    config.max_buffered = 64 << 10;
    let gateway = Gateway::start(config, waits).await;
    let first = asked(&gateway, CHAT, "identity", &weighing("Wait", 40)).await;
    let behind = &gateway.behind[1];
    let came = async {
        while behind.prompts().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let long = Duration::from_secs(20);
    tokio::time::timeout(long, came).await.unwrap();
    for path in [
        CHAT,
        "/v1/messages",
        "/api/chat/stream",
        "/api/show",
        "/v1/messages/count_tokens",
        "/api/conversations",
    ] {
        let refused = answer(&gateway, path, "identity", &weighing("Hi", 40)).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{path}: {refused}");
        assert!(refused.contains("retry-after: 1\r\n"), "{path}: {refused}");
        assert!(refused.contains("\"error\""), "{path}: {refused}");
    }
    let small = answer(&gateway, CHAT, "identity", &weighing("Hi", 10)).await;
    assert!(small.starts_with("HTTP/1.1 200 "), "{small}");
    drop(first);
    let left = async {
        while behind.exchanges().open > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(long, left).await.unwrap();
    let again = answer(&gateway, CHAT, "identity", &weighing("Hi", 40)).await;
    assert!(again.starts_with("HTTP/1.1 200 "), "{again}");
}

#[tokio::test]
async fn a_body_that_is_refused_holds_nothing() {
    let mut config = ServerConfig::default();
    (config.max_body, config.max_buffered) = (1 << 20, 64 << 10);
    let gateway = Gateway::start(config, words).await;
    let packed = |kib: usize| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&weighing("Hi", kib)).unwrap();
        packed.finish().unwrap()
    };
    let nobodys = String::from_utf8(weighing("Hi", 40)).unwrap();
    let nobodys = nobodys.replace("openai-chat/behind", "nobody/knows");
    for _ in 0..3 {
        for (encoding, body, status) in [
            ("identity", vec![b'-'; 40 << 10], 400),
            ("gzip", vec![b'-'; 40 << 10], 400),
            ("identity", nobodys.clone().into_bytes(), 404),
            ("identity", weighing("Hi", 100), 503),
            ("gzip", packed(100), 503),
            ("gzip", packed(2 << 10), 503),
            ("gzip", packed(50), 200),
            ("identity", weighing("Hi", 60), 200),
        ] {
            let answer = answer(&gateway, CHAT, encoding, &body).await;
            let status = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&status), "{encoding}: {answer}");
        }
    }
}

#[tokio::test]
async fn who_leaves_ends_the_call_behind() {
    let gateway = Gateway::start(ServerConfig::default(), |_| {
        // Its first word alone comes.
        Script::text("Beginning and more").cut(3).hangs()
    })
    .await;
    for provider in CLIENTS {
        let client = gateway.client(provider, "openai-chat/behind");
        common::left(&*client, "Beginning").await;
    }
    let behind = gateway.behind[1].clone();
    let ended = async {
        while behind.exchanges().open > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .unwrap();
    assert_eq!(behind.prompts().len(), CLIENTS.len());
}

#[tokio::test]
async fn a_failure_amid_an_answer_is_told_in_it() {
    let gateway = Gateway::start(ServerConfig::default(), |_| {
        let broken = parlor::Error::new(ErrorKind::Overloaded, "too much to do");
        Script::text("Beginning and more").cut(3).fails(broken)
    })
    .await;
    for provider in CLIENTS {
        let client = gateway.client(provider, "anthropic/behind");
        let stream = client.stream(&ChatRequest::from("Hi")).await.unwrap();
        let error = stream.response().await.unwrap_err();
        let partial = error.partial().map(|it| it.text()).unwrap_or_default();
        assert_eq!(partial, "Beginning ", "{provider}: {error:?}");
    }
}

#[test]
fn nobody_listens_beyond_this_machine_without_keys() {
    let mut config = ServerConfig::default();
    config.bind = ([0, 0, 0, 0], 0).into();
    let error = Service::new(registry(""), config.clone()).unwrap_err();
    assert!(error.message().contains("no key is asked for"), "{error}");
    config.insecure = true;
    assert!(Service::new(registry(""), config).is_ok());
}
