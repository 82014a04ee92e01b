//! What a client names that would lead a service elsewhere: it doesn't go there.

use parlor_server::ServerConfig;
use parlor_testkit::{ApiAnswer, ApiServer};

use crate::security::{providers, question, start};
use crate::tee::post;

/// Models whose names try to be something else.
const NAMES: &[&str] = &[
    "../../admin",
    "..%2F..%2Fadmin",
    "a/../../b",
    "a?key=b",
    "a#b",
    "a\r\nx-evil: 1",
    "a\nb",
    "a\0b",
    "a%00b",
    "a%0d%0ax-evil:1",
    "a b",
    "a\\..\\b",
    "//evil.example/a",
    "@evil.example",
    "a:streamGenerateContent",
    "тест",
    ".",
    "..",
];

#[tokio::test]
async fn names_and_fields_lead_nowhere_else() {
    let provider = ApiServer::answering(|_| ApiAnswer::new(500, "{}"))
        .await
        .unwrap();
    let elsewhere = ApiServer::answering(|_| ApiAnswer::new(200, "{}"))
        .await
        .unwrap();
    let settings = providers(&format!("{}/base", provider.url()));
    let (service, _) = start(&settings, ServerConfig::default()).await;
    let paths = [
        ("gemini", "/base/v1beta/models/"),
        ("openai-chat", "/base/chat/completions"),
        ("anthropic", "/base/v1/messages"),
        ("ollama", "/base/api/chat"),
    ];
    for (instance, begins) in paths {
        for name in NAMES {
            let before = provider.requests().len();
            let mut body = question("/v1/chat/completions", &format!("{instance}/{name}")).1;
            // Fields by which other gateways are led elsewhere.
            for field in [
                "api_base",
                "base_url",
                "baseURL",
                "endpoint",
                "url",
                "proxy",
                "azure_endpoint",
            ] {
                body[field] = elsewhere.url().into();
            }
            body["api_key"] = "client-canary".into();
            let lines = format!(
                "x-forwarded-host: evil.example\r\nx-base-url: {0}\r\nx-portkey-custom-host: {0}\r\nhelicone-target-url: {0}\r\n",
                elsewhere.url()
            );
            let came = post(service, "/v1/chat/completions", &lines, &body).await;
            assert!(came.status >= 400, "{name}");
            for seen in &provider.requests()[before..] {
                let path = &seen.path;
                assert!(path.starts_with(begins), "{instance} {name:?}: {path}");
                let named = &path[begins.len()..];
                assert!(!named.contains(['/', '\\', '#', ' ']), "{name:?}: {path}");
                assert!(seen.header("x-evil").is_none() && seen.header("x-base-url").is_none());
                assert!(
                    !seen
                        .headers
                        .iter()
                        .any(|(_, value)| value.contains("client-canary"))
                );
            }
        }
    }
    assert!(elsewhere.requests().is_empty());
    for path in [
        "/v1beta/models/gemini%2F..%2F..%2Fadmin:generateContent",
        "/v1beta/models/gemini/../../../v1/x:generateContent",
        "/v1beta/models/gemini%2Fa%00b:generateContent",
        "/v1beta/models/gemini%2Fa%0d%0ab:generateContent",
    ] {
        let before = provider.requests().len();
        let (_, body) = question("/v1beta/x", "");
        assert!(post(service, path, "", &body).await.status >= 400);
        for seen in &provider.requests()[before..] {
            assert!(
                seen.path.starts_with("/base/v1beta/models/"),
                "{}",
                seen.path
            );
            assert!(
                !seen.path["/base/v1beta/models/".len()..].contains('/'),
                "{}",
                seen.path
            );
        }
    }
    // What a client may say in its head to a provider of its dialect stays one header.
    let before = provider.requests().len();
    let (path, body) = question("/v1/messages", "anthropic/a");
    let lines =
        "anthropic-beta: a, b\r\nanthropic-beta: c\u{e9}\r\nanthropic-version: 2023-06-01\r\n";
    post(service, &path, lines, &body).await;
    assert_eq!(
        provider.requests()[before].header("anthropic-beta"),
        Some("a, b")
    );
}
