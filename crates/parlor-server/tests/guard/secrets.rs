//! Keys that turn up nowhere but where they belong.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use parlor_server::{ServerConfig, StoreAt, UsageEvent, UsageSink, UsageWriter};
use parlor_store::{KeyTerms, Store};
use parlor_testkit::fault::Wire;
use parlor_testkit::{ApiAnswer, ApiServer, SeenRequest};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use crate::security::{OPERATOR, UPSTREAM, providers, question, sent, start, text};
use crate::shape;
use crate::tee::post;

/// Parts of every secret, by which it is known wherever it turns up.
const CANARY: &str = "canary";
/// Where a model is asked, and what a question looks like there.
const ASKS: [(&str, Wire); 6] = [
    ("/v1/chat/completions", Wire::OpenAiChat),
    ("/v1/responses", Wire::OpenAiResponses),
    ("/v1/messages", Wire::AnthropicMessages),
    ("/v1beta/models/{model}:generateContent", Wire::Gemini),
    ("/api/chat", Wire::Ollama),
    ("/api/generate", Wire::Ollama),
];

/// What was counted, as it would be logged.
#[derive(Debug, Default)]
struct Logged(Mutex<String>);

impl UsageSink for Logged {
    fn used(&self, event: &UsageEvent) {
        *self.0.lock().unwrap() += &format!("{event:?}\n");
    }
}

/// What crates tell of what they do, at all levels: by `tracing` on the thread of the test that
/// listens, by `log` wherever it is.
#[derive(Clone, Copy)]
struct Heard;

static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

impl Heard {
    /// Listens until the guard is dropped.
    fn listen() -> (DefaultGuard, Dispatch) {
        // Of one listener alone `tracing` asks the thread that speaks first, which may be another's.
        let other = Dispatch::new(NoSubscriber::default());
        log::set_logger(&Self).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        let listener = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(|| Self);
        (tracing::subscriber::set_default(listener.finish()), other)
    }

    fn text() -> String {
        let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }
}

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        HEARD.lock().unwrap().extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}

/// A provider that says what it was told in all its answers: the credentials above all.
async fn echoing() -> ApiServer {
    let answer = |seen: &SeenRequest| {
        let values = seen
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let told: Vec<String> = values.collect();
        let message = format!("Incorrect API key: {} at {}", told.join(" "), seen.path);
        let body = json!({ "error": { "message": message, "type": "invalid_request_error" } });
        ApiAnswer::new(401, body.to_string()).header("www-authenticate", told.join(" "))
    };
    ApiServer::answering(answer).await.unwrap()
}

#[tokio::test]
async fn secrets_turn_up_nowhere_but_where_they_belong() {
    let listening = Heard::listen();
    let provider = echoing().await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(folder.path().join("store.db")).await.unwrap();
    let (_, given) = store
        .add_service_key("team", KeyTerms::default())
        .await
        .unwrap();
    let given = given.expose().to_owned();
    let logged = Arc::new(Logged::default());
    let writer = Arc::new(UsageWriter::start(store.clone()));
    let mut config = ServerConfig::default();
    config.keys = vec![OPERATOR.into()];
    config.given_keys = Some(store.clone());
    config.store = StoreAt::Open(store.clone());
    config.usage = vec![Arc::clone(&logged) as Arc<dyn UsageSink>];
    config.usage_writer = Some(Arc::clone(&writer));
    let debug = format!("{config:?}");
    let (service, _) = start(&providers(&provider.url()), config).await;
    let models = [
        "openai-chat/a",
        "openai-responses/a",
        "anthropic/a",
        "gemini/a",
        "ollama/a",
    ];
    let mut told = String::new();
    for key in [OPERATOR, &given] {
        for (path, wire) in ASKS {
            for model in models {
                let (path, body) = question(path, model);
                let in_query = match path.contains('?') {
                    true => format!("{path}&key={key}"),
                    false => format!("{path}?key={key}"),
                };
                let lines = format!(
                    "authorization: Bearer {key}\r\nx-api-key: {key}\r\ncookie: a={key}\r\n\
                     proxy-authorization: {key}\r\nx-goog-api-key: {key}\r\nreferer: {key}\r\n\
                     anthropic-version: 2023-06-01\r\nx-custom: {key}\r\n"
                );
                let came = post(service, &in_query, &lines, &body).await;
                assert!(came.status >= 400, "{path} {model}: {}", came.status);
                assert_eq!(shape::refusal(wire, &came), None, "{path} {model}");
                told += &text(&came);
            }
        }
        for path in [
            "/api/usage",
            "/api/usage/series",
            "/api/status",
            "/readyz",
            "/api/models",
            "/v1/models",
        ] {
            let lines = format!("x-api-key: {key}\r\n");
            told += &text(&sent(service, "GET", path, &lines, "").await);
        }
        let ask =
            json!({ "model": "openai-chat/a", "messages": [{ "role": "user", "content": "Hi" }] });
        let lines = format!("x-api-key: {key}\r\n");
        told += &text(&post(service, "/api/chat/stream", &lines, &ask).await);
        let begun = post(service, "/api/conversations", &lines, &json!({})).await;
        let begun: Value = serde_json::from_slice(&begun.body).unwrap();
        let turns = format!("/api/conversations/{}/turns", begun["id"].as_str().unwrap());
        let turn = post(
            service,
            &turns,
            &lines,
            &json!({ "model": "openai-chat/a", "text": "Hi" }),
        )
        .await;
        let turn: Value = serde_json::from_slice(&turn.body).unwrap();
        let events = format!("{turns}/{}/events", turn["id"].as_str().unwrap_or_default());
        told += &text(&sent(service, "GET", &events, &lines, "").await);
    }
    let lines = format!("x-api-key: {OPERATOR}\r\n");
    told += &text(&sent(service, "GET", "/metrics", &lines, "").await);
    writer.flushed().await;
    drop(listening);
    let heard = Heard::text();
    for spoken in ["parlor_http::request", "reqwest::connect"] {
        assert!(heard.contains(spoken), "{spoken} said nothing");
    }
    assert!(logged.0.lock().unwrap().contains("openai-chat"));
    let is_secret = |text: &str| text.contains(CANARY) || text.contains(&given);
    for (what, text) in [
        ("an answer", told),
        ("the log", logged.0.lock().unwrap().clone()),
        ("the configuration as it is shown", debug),
        ("what crates tell", heard),
    ] {
        let line = text.lines().find(|line| is_secret(line));
        assert_eq!(line, None, "{what} shows a key");
    }
    // To providers goes their key alone, where a key goes.
    assert!(provider.requests().len() >= 2 * ASKS.len() * models.len());
    for seen in provider.requests() {
        let shown = format!("{seen:?}");
        assert!(
            !shown.contains(OPERATOR) && !shown.contains(&given),
            "{shown}"
        );
        let keys = seen
            .headers
            .iter()
            .filter(|(_, value)| value.contains(UPSTREAM));
        let names: Vec<&str> = keys.map(|(name, _)| name.as_str()).collect();
        let is_place = |it: &&str| ["authorization", "x-api-key", "x-goog-api-key"].contains(it);
        assert!(names.len() == 1 && names.iter().all(is_place), "{names:?}");
        assert!(seen.header("cookie").is_none() && seen.header("x-custom").is_none());
    }
    store.close().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let bytes = String::from_utf8_lossy(&bytes);
        assert!(!is_secret(&bytes), "a file of the store has a key");
    }
}
