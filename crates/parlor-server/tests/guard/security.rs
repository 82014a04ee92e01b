//! Who is let in, and who isn't.

use std::net::SocketAddr;

use parlor_server::{ServerConfig, Service};
use serde_json::{Value, json};

use crate::stage::{registry_with, serve};
use crate::tee::{Came, exchange};

pub(crate) const OPERATOR: &str = "operator-canary-7f3a";
pub(crate) const UPSTREAM: &str = "upstream-canary-91bc";

pub(crate) fn question(path: &str, model: &str) -> (String, Value) {
    let path = path.replace("{model}", &model.replace('/', "%2F"));
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let body = match &*path {
        "/v1/responses" => json!({ "model": model, "input": "Hi" }),
        "/api/generate" => json!({ "model": model, "prompt": "Hi", "stream": false }),
        "/api/chat" => json!({ "model": model, "messages": messages, "stream": false }),
        it if it.starts_with("/v1beta") => {
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }] })
        }
        _ => json!({ "model": model, "messages": messages, "max_tokens": 9 }),
    };
    (path, body)
}

/// Starts a service with these providers and gives its address.
pub(crate) async fn start(settings: &str, config: ServerConfig) -> (SocketAddr, Service) {
    serve(registry_with(settings, UPSTREAM), config).await
}

/// The providers, all at one address.
pub(crate) fn providers(url: &str) -> String {
    let one =
        |name: &str| format!("[providers.{name}]\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n");
    let all = [
        "openai-chat",
        "openai-responses",
        "anthropic",
        "gemini",
        "ollama",
    ];
    let all: String = all.into_iter().map(one).collect();
    format!("{all}[layers.retry]\nattempts = 1\n")
}

pub(crate) async fn sent(
    to: SocketAddr,
    method: &str,
    path: &str,
    lines: &str,
    body: &str,
) -> Came {
    let length = body.len();
    let host = match lines.to_ascii_lowercase().contains("host: ") {
        true => "",
        false => "host: localhost\r\n",
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{lines}content-length: {length}\r\n\r\n{body}"
    );
    exchange(to, request.as_bytes()).await.unwrap()
}

pub(crate) fn text(came: &Came) -> String {
    format!("{}\r\n{}", came.head, String::from_utf8_lossy(&came.body))
}

/// What may be seen without a key.
const OPEN: &[&str] = &[
    "/",
    "/api/openapi.json",
    "/api/version",
    "/livez",
    "/readyz",
    "/usage",
];

/// Whether a path may be seen without a key: those above, and the files of the page.
fn is_open(path: &str) -> bool {
    let is_file = path.contains('.') && path.matches('/').count() == 1;
    is_file || OPEN.contains(&path)
}

/// Heads that let nobody in.
fn wrong_keys() -> Vec<String> {
    let digest: String = {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(OPERATOR.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let upper = OPERATOR.to_uppercase();
    let (before, after) = (&OPERATOR[..OPERATOR.len() - 1], format!("{OPERATOR}0"));
    let mut heads = vec![String::new()];
    for key in [
        "wrong",
        before,
        &after,
        &upper,
        &digest,
        "",
        "*",
        "null",
        "undefined",
        "' OR 1=1 --",
        "configured/1",
        "ключ",
        "\u{feff}",
        UPSTREAM,
        &"k".repeat(60_000),
    ] {
        for name in [
            "x-api-key: ",
            "api-key: ",
            "x-goog-api-key: ",
            "authorization: Bearer ",
        ] {
            heads.push(format!("{name}{key}\r\n"));
        }
    }
    for head in [
        format!("authorization: Basic {OPERATOR}\r\n"),
        format!("authorization: {OPERATOR}\r\n"),
        format!("authorization: Bearer\t{OPERATOR}\r\n"),
        format!("authorization: Bearer Bearer {OPERATOR}\r\n"),
        format!("authorization: Bearer {OPERATOR}, Bearer {OPERATOR}\r\n"),
        format!("authorization: Bearer wrong\r\nauthorization: Bearer {OPERATOR}\r\n"),
        format!("authorization: Bearer \"{OPERATOR}\"\r\n"),
        format!("x-api-key: wrong\r\nx-api-key: {OPERATOR}\r\n"),
        format!("x-api-key: {OPERATOR} {OPERATOR}\r\n"),
        format!("cookie: x-api-key={OPERATOR}\r\n"),
        format!("x-api-key-2: {OPERATOR}\r\n"),
        format!("proxy-authorization: Bearer {OPERATOR}\r\n"),
        format!("x-forwarded-authorization: Bearer {OPERATOR}\r\n"),
        "x-forwarded-for: 127.0.0.1\r\n".to_owned(),
        "x-real-ip: 127.0.0.1\r\nx-forwarded-host: localhost\r\n".to_owned(),
        "x-original-url: /livez\r\nx-rewrite-url: /livez\r\n".to_owned(),
        "x-http-method-override: OPTIONS\r\n".to_owned(),
    ] {
        heads.push(head);
    }
    heads
}

async fn with_key() -> (SocketAddr, Service) {
    let mut config = ServerConfig::default();
    config.keys = vec!["another".into(), OPERATOR.into(), "a-third".into()];
    start("models.house = \"echo/echo\"", config).await
}

/// The paths of a service, with something in the place of what varies.
fn paths(service: &Service) -> Vec<String> {
    let filled = |path: &str| {
        let segments = path.split('/').map(|it| match it.starts_with('{') {
            true => "house",
            false => it,
        });
        segments.collect::<Vec<_>>().join("/")
    };
    service.paths().iter().map(|it| filled(it)).collect()
}

#[tokio::test]
async fn every_path_asks_for_a_key() {
    let (address, service) = with_key().await;
    let paths = paths(&service);
    assert!(paths.len() > 20, "{paths:?}");
    for path in &paths {
        let mut is_there = false;
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
            let came = sent(address, method, path, "", "{}").await;
            let is_open = is_open(path);
            match came.status {
                405 => {}
                401 => is_there = true,
                status if is_open && status < 400 => is_there = true,
                status => panic!("{method} {path}: {status} without a key"),
            }
            // What is told there has no end.
            if path == "/api/requests" {
                continue;
            }
            let came = sent(
                address,
                method,
                path,
                &format!("x-api-key: {OPERATOR}\r\n"),
                "{}",
            )
            .await;
            assert_ne!(came.status, 401, "{method} {path}");
        }
        assert!(is_there, "{path}");
    }
    // None of them is reached by another spelling of an open one.
    for path in [
        "/livez/../api/usage",
        "/livez/..%2Fapi/usage",
        "//api/usage",
        "/api//usage",
        "/api/usage/",
        "/API/usage",
        "/api/usage%00",
        "/%2e/api/usage",
        "/livez;/api/usage",
    ] {
        let came = sent(address, "GET", path, "", "").await;
        assert!(
            matches!(came.status, 400 | 401 | 404),
            "{path}: {}",
            came.status
        );
    }
}

#[tokio::test]
async fn no_odd_key_lets_anybody_in() {
    let (address, _) = with_key().await;
    let body = r#"{"model":"house","messages":[{"role":"user","content":"Hi"}]}"#;
    let path = "/v1/chat/completions";
    for head in wrong_keys() {
        let came = sent(address, "POST", path, &head, body).await;
        let head: String = head.chars().take(90).collect();
        assert!(matches!(came.status, 400 | 401), "{head}: {}", came.status);
    }
    for query in [
        "key=wrong",
        "key=",
        "key",
        "KEY=operator-canary-7f3a",
        "key=operator%2Dcanary-7f3a0",
        "a=b;key=operator-canary-7f3a",
    ] {
        let came = sent(address, "POST", &format!("{path}?{query}"), "", body).await;
        assert_eq!(came.status, 401, "{query}");
    }
    // Whichever it is of several, by each of the ways that clients show it.
    for key in ["another", OPERATOR, "a-third"] {
        for head in [
            format!("authorization: Bearer {key}\r\n"),
            format!("Authorization:  bearer   {key}  \r\n"),
            format!("x-api-key: {key}\r\n"),
            format!("api-key:{key}\r\n"),
            format!("x-goog-api-key: {key}\r\nauthorization: Bearer wrong\r\n"),
        ] {
            let came = sent(address, "POST", path, &head, body).await;
            assert_eq!(came.status, 200, "{head}");
        }
        let came = sent(address, "POST", &format!("{path}?a=b&key={key}"), "", body).await;
        assert_eq!(came.status, 200, "{key}");
    }
}

#[tokio::test]
async fn pages_elsewhere_reach_nothing() {
    let mut config = ServerConfig::default();
    config.origins = vec!["https://chat.example.com".into()];
    let (address, _) = start("", config).await;
    let status = async |lines: &str| sent(address, "GET", "/v1/models", lines, "").await.status;
    for host in [
        "localhost",
        "LOCALHOST:8484",
        "127.0.0.1",
        "127.0.0.1:8484",
        "127.8.9.1",
        "[::1]",
        "[::1]:8484",
    ] {
        assert_eq!(status(&format!("host: {host}\r\n")).await, 200, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8484",
        "localhost.",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::ffff:10.0.0.1]",
        "2130706433",
        "0x7f.1",
        "localhost@evil.example",
        "evil.example#localhost",
    ] {
        let status = status(&format!("host: {host}\r\n")).await;
        assert!(matches!(status, 400 | 403), "{host}: {status}");
    }
    for origin in ["https://chat.example.com", "http://localhost"] {
        assert_eq!(
            status(&format!("origin: {origin}\r\n")).await,
            200,
            "{origin}"
        );
    }
    for origin in [
        "null",
        "https://evil.example",
        "http://chat.example.com",
        "https://chat.example.com:444",
        "https://chat.example.com.evil.example",
        "https://evil.example/https://chat.example.com",
        "http://localhost:1",
        "http://localhost.evil.example",
        "file://",
        "",
    ] {
        assert_eq!(
            status(&format!("origin: {origin}\r\n")).await,
            403,
            "{origin}"
        );
    }
    // A browser says of requests without an origin where they come from.
    assert_eq!(status("sec-fetch-site: cross-site\r\n").await, 403);
    assert_eq!(status("sec-fetch-site: same-origin\r\n").await, 200);
    assert_eq!(status("sec-fetch-site: none\r\n").await, 200);
}
