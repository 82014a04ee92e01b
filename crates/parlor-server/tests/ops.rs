//! What holds around every route: sites, times, slow clients; and a configuration that changes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Gateway, registry, words};
use parlor_server::{ServeSettings, ServerConfig, Service};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn pages_of_listed_sites_may_ask() {
    let mut config = ServerConfig::default();
    config.origins = vec!["https://chat.example.com".into()];
    let gateway = Gateway::start(config, words).await;
    let listed = ("origin", "https://chat.example.com");
    let answer = gateway.text("/v1/models", &[listed]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: https://chat.example.com"));
    for origin in [
        "https://chat.example.com.evil",
        "https://example.com",
        "null",
    ] {
        let answer = gateway.text("/v1/models", &[("origin", origin)]).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{origin}: {answer}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
    let asks = [
        listed,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = gateway.exchange("OPTIONS", CHAT, "", &asks).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("access-control-allow-headers: authorization"));
}

#[tokio::test]
async fn stages_are_timed_for_those_who_ask() {
    let gateway = Gateway::start(ServerConfig::default(), words).await;
    let asked = json!({
        "model": "openai-chat/behind", "messages": [{ "role": "user", "content": "Hi" }],
    });
    let wants = [("x-parlor-timing", "1")];
    let answer = gateway
        .exchange("POST", CHAT, &asked.to_string(), &wants)
        .await;
    let times = answer.lines().find(|it| it.starts_with("server-timing: "));
    let times = times.unwrap();
    for stage in ["access;dur=", "read;dur=", "limits;dur=", "answer;dur="] {
        assert!(times.contains(stage), "{times}");
    }
    let answer = gateway
        .exchange("POST", CHAT, &asked.to_string(), &[])
        .await;
    assert!(!answer.contains("server-timing"), "{answer}");
}

/// What comes after this was sent, and nothing more.
async fn after(gateway: &Gateway, sent: &str) -> String {
    let host = gateway.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    // A connection that is reset has ended too.
    let _ = tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .unwrap();
    answer
}

#[tokio::test]
async fn clients_that_stop_sending_are_let_go() {
    let mut config = ServerConfig::default();
    config.header_timeout = Some(Duration::from_millis(50));
    config.client_timeout = Some(Duration::from_millis(50));
    let gateway = Gateway::start(config, words).await;
    let answer = after(&gateway, "POST /v1/messages HTTP/1.1\r\nhost: 127").await;
    assert!(!answer.contains("200"), "{answer}");
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n";
    let answer = after(
        &gateway,
        &format!("{head}content-length: 50\r\n\r\n{{\"mod"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

/// Asks over a connection that stands, and reads the answer, which is a head alone.
async fn asks(stream: &mut TcpStream) -> String {
    let ask = b"HEAD /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_connection_may_idle_for_longer_than_a_head_may_take() {
    let mut config = ServerConfig::default();
    config.header_timeout = Some(Duration::from_millis(100));
    let gateway = Gateway::start(config, words).await;
    let host = gateway.url.trim_start_matches("http://");
    let mut idles = TcpStream::connect(host).await.unwrap();
    let mut stops = TcpStream::connect(host).await.unwrap();
    for stream in [&mut idles, &mut stops] {
        assert!(asks(stream).await.starts_with("HTTP/1.1 200"));
    }
    // By the time that a second head took too long, the other has waited as long.
    stops.write_all(b"HEAD /livez HT").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stops.read_to_end(&mut rest));
    let _ = ended.await.unwrap();
    assert!(asks(&mut idles).await.starts_with("HTTP/1.1 200"));
    // Nothing at all is no head either.
    assert_eq!(after(&gateway, "").await, "");
}

#[tokio::test]
async fn a_connection_that_idles_is_closed_at_last() {
    let mut config = ServerConfig::default();
    config.header_timeout = Some(Duration::from_millis(50));
    config.idle_timeout = Some(Duration::from_millis(100));
    let gateway = Gateway::start(config, words).await;
    let host = gateway.url.trim_start_matches("http://");
    let mut idles = TcpStream::connect(host).await.unwrap();
    assert!(asks(&mut idles).await.starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), idles.read_to_end(&mut rest));
    assert_eq!(ended.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_configuration_is_taken_whole_or_not_at_all() {
    let mut config = ServerConfig::default();
    config.keys = vec!["first".into()];
    let service = Service::new(registry("models.house = \"echo/echo\""), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = service.clone();
    tokio::spawn(async move { serving.run_on(listener, std::future::pending()).await });
    let ask = async |model: &str, key: &str| {
        let asked = json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] });
        let header = ("x-api-key", key);
        let (status, _) = common::post(&url, CHAT, &asked, &[header]).await;
        status
    };
    assert_eq!(ask("house", "first").await, 200);
    service
        .reload(registry("models.home = \"echo/echo\""), &["second".into()])
        .unwrap();
    assert_eq!(ask("home", "second").await, 200);
    assert_eq!(ask("house", "second").await, 404);
    assert_eq!(ask("home", "first").await, 401);
    let wrong = registry("[layers.nothing]\nx = 1\n[models]\nhouse = \"echo/echo\"");
    assert!(service.reload(wrong, &["third".into()]).is_err());
    assert_eq!(ask("home", "second").await, 200);
}

#[tokio::test]
async fn what_a_key_asked_stays_its_own_though_keys_are_read_again_meanwhile() {
    let mut config = ServerConfig::default();
    config.keys = vec!["first".into()];
    let service = Service::new(registry(""), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let serving = service.clone();
    tokio::spawn(async move { serving.run_on(listener, std::future::pending()).await });
    let body = json!({ "model": "echo/echo", "input": "Hi" }).to_string();
    let head = |ask: &str, length| {
        format!(
            "{ask} HTTP/1.1\r\nhost: {host}\r\nx-api-key: first\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let mut asks = TcpStream::connect(&host).await.unwrap();
    let begun = head("POST /v1/responses", body.len());
    asks.write_all(begun.as_bytes()).await.unwrap();
    while service.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    let keys = ["second".into(), "first".into()];
    service.reload(registry(""), &keys).unwrap();
    asks.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    asks.read_to_string(&mut answer).await.unwrap();
    let (_, answer) = answer.split_once("\r\n\r\n").unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    let shown = head(
        &format!("GET /v1/responses/{}", answer["id"].as_str().unwrap()),
        0,
    );
    let mut asks = TcpStream::connect(&host).await.unwrap();
    asks.write_all(shown.as_bytes()).await.unwrap();
    let mut answer = String::new();
    asks.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn settings_say_what_is_wrong_and_where() {
    let read = |text: &str| ServeSettings::read(text, Path::new("config.toml"));
    let text = "[serve]\nbind = \"0.0.0.0:80\"\nmax_body = \"2MiB\"\nmax_buffered = \"3MiB\"\ndrain = \"5s\"\n\
                client_timeout = \"off\"\norigins = [\"http://localhost:3000\"]\n";
    let mut config = ServerConfig::default();
    read(text).unwrap().lay_over(&mut config);
    assert_eq!((config.bind.port(), config.max_body), (80, 2 << 20));
    assert_eq!(config.max_buffered, 3 << 20);
    assert_eq!(config.drain, Duration::from_secs(5));
    assert_eq!((config.client_timeout, config.origins.len()), (None, 1));
    assert!(config.header_timeout.is_some());

    let error =
        read("[serve]\nmax_in_flight = 0\norigins = [\"*\"]\nstore = \"a\"\nstore_env = \"B\"\n");
    let told = error.unwrap_err().to_string();
    for place in [
        "2:1: `serve.max_in_flight`",
        "3:1: `serve.origins`",
        "5:1: `serve.store_env`",
    ] {
        assert!(told.contains(place), "{told}");
    }
    let told = read("[serve]\nmax_buffered = \"31MiB\"\n")
        .unwrap_err()
        .to_string();
    assert!(told.contains("2:1: `serve.max_buffered`"), "{told}");
    let told = read("[serve]\nbnid = \"x\"\n").unwrap_err().to_string();
    assert!(told.contains("bind"), "{told}");
    let told = read("[serve]\nredis = \"http://user:canary@host\"\n").unwrap_err();
    assert!(!told.to_string().contains("canary"), "{told}");
    let settings = read("[serve]\nstore = \"postgres://user:canary@host/db\"\n").unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}

#[cfg(unix)]
#[tokio::test]
async fn others_are_answered_while_a_key_program_takes_its_time() {
    let folder = std::env::temp_dir().join(format!("parlor-slow-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [begins, ends] = ["begins", "ends"].map(|it| folder.join(it));
    let mut made = std::process::Command::new("mkfifo");
    assert!(made.args([&begins, &ends]).status().unwrap().success());
    let settings = format!(
        "[providers.openai]\nbase_url = \"http://127.0.0.1:1/v1\"\n\
         key_command = [\"cat\", {begins:?}, {ends:?}]\n[layers.retry]\nattempts = 1\n",
    );
    let service = Service::new(registry(&settings), ServerConfig::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { service.run_on(listener, std::future::pending()).await });
    let ask = |path: &'static str, model: &'static str| {
        let said = json!([{ "role": "user", "content": "Hi" }]);
        let body = json!({ "model": model, "messages": said, "max_tokens": 9 });
        let url = url.clone();
        tokio::spawn(async move { common::post(&url, path, &body, &[]).await })
    };
    let asks = [CHAT, "/v1/messages/count_tokens"].map(|path| ask(path, "openai/slow"));
    // Opened when the program reads it, and not before.
    let write = |path: std::path::PathBuf| {
        tokio::task::spawn_blocking(move || std::fs::write(path, "key").unwrap())
    };
    write(begins).await.unwrap();
    let (status, answer) = ask(CHAT, "echo").await.unwrap();
    assert_eq!(status, 200, "{answer}");
    assert!(asks.iter().all(|it| !it.is_finished()));
    write(ends).await.unwrap();
    for ask in asks {
        let (status, answer) = ask.await.unwrap();
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.contains("key"), "{status}: {answer}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
