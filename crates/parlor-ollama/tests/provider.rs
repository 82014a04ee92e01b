//! Ollama's provider against a server with its answers.

#![allow(clippy::unwrap_used)]

use futures_util::StreamExt;
use parlor_core::*;
use parlor_ollama::{OllamaOptions, PROVIDERS, Server, base_url};
use parlor_registry::config::Limit;
use parlor_registry::{Env, ProviderConfig, Registry};
use parlor_testkit::{Cassette, Cuts, ReplayServer};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn config(base_url: &str) -> ProviderConfig {
    ProviderConfig::new("ollama")
        .with_base_url(base_url)
        .with_env(Env::empty())
}

fn model(config: &ProviderConfig) -> Arc<dyn ChatModel> {
    PROVIDERS[0].build("m", config).unwrap()
}

/// A server that answers every request beneath its URL with this.
async fn server(status: u16, body: &str) -> (ReplayServer, String) {
    let cassette = json!({
        "provider": "ollama", "dialect": "ollama-chat", "source": {},
        "request": {"method": "POST", "host": "", "path": "/", "headers": {}, "body": null},
        "response": {"status": status, "headers": {"content-type": "application/json"},
            "body": body, "body_encoding": "utf-8", "streaming": false},
        "expected": {},
    });
    let mut cassette: Cassette = serde_json::from_value(cassette).unwrap();
    cassette.name = "answer".to_owned();
    let server = ReplayServer::start([cassette.clone()], Cuts::Seeded(7))
        .await
        .unwrap();
    let url = server.url(&cassette);
    (server, url)
}

async fn pull(status: u16, body: &str) -> Vec<Result<parlor_ollama::PullProgress>> {
    let (_server, url) = server(status, body).await;
    match Server::new(&config(&url)).unwrap().pull("m").await {
        Ok(progress) => progress.collect().await,
        Err(error) => vec![Err(error)],
    }
}

#[tokio::test]
async fn a_model_is_fetched_with_progress() {
    let lines = concat!(
        "{\"status\":\"pulling manifest\"}\n",
        "{\"status\":\"pulling 6a07\",\"digest\":\"sha256:6a07\",\"total\":10}\n",
        "{\"status\":\"pulling 6a07\",\"digest\":\"sha256:6a07\",\"total\":10,\"completed\":4}\n",
        "{\"status\":\"success\"}",
    );
    let steps = pull(200, lines).await;
    let steps: Vec<_> = steps.into_iter().map(Result::unwrap).collect();
    assert_eq!(steps.len(), 4);
    assert_eq!((steps[2].total, steps[2].completed), (Some(10), Some(4)));
    assert_eq!(steps[1].completed, None);
    assert!(steps[3].is_success());
}

#[tokio::test]
async fn fetching_fails_with_a_reason() {
    let kind = |steps: &[Result<parlor_ollama::PullProgress>]| {
        steps.last().unwrap().as_ref().unwrap_err().kind()
    };
    let refused = "{\"status\":\"pulling manifest\"}\n{\"error\":\"pull model manifest: file does not exist\"}\n";
    let steps = pull(200, refused).await;
    assert_eq!(kind(&steps), ErrorKind::ModelNotFound);
    let error = steps[1].as_ref().unwrap_err();
    assert!(error.help().contains("library"), "{error}");
    assert_eq!(steps.len(), 2);
    let cut = pull(200, "{\"status\":\"pulling manifest\"}\n").await;
    assert_eq!(kind(&cut), ErrorKind::Truncated);
    let damaged = pull(200, "<html>\n").await;
    assert_eq!(kind(&damaged), ErrorKind::Decode);
    let status = pull(400, "{\"error\":\"invalid model name\"}").await;
    assert_eq!(kind(&status), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn fetching_that_goes_silent_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n";
        let line = "{\"status\":\"pulling manifest\"}\n";
        stream
            .write_all(format!("{head}{line}").as_bytes())
            .await
            .unwrap();
        // Bytes that never make a line.
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut config = config(&url);
    config.timeouts.idle = Some(Limit::After(Duration::from_millis(200)));
    let steps = async {
        let progress = Server::new(&config).unwrap().pull("m").await.unwrap();
        progress.collect::<Vec<_>>().await
    };
    let steps = tokio::select! {
        steps = steps => steps,
        () = server => unreachable!("the fetching hung up first"),
    };
    assert_eq!(steps.len(), 2);
    let error = steps[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutKind::Idle));
    assert!(error.help().contains("goes on where it stopped"));
}

#[tokio::test]
async fn models_are_listed_with_what_they_can_do() {
    let tags = json!({"models": [
        {"name": "llama3.2:latest", "details": {"context_length": 131072}, "capabilities": ["completion", "tools"]},
        {"name": "old:latest", "details": {}},
        {"name": "embed:latest", "capabilities": ["embedding"]},
    ]});
    let (_server, url) = server(200, &tags.to_string()).await;
    let entries = PROVIDERS[0].models(&config(&url)).await.unwrap();
    let ids: Vec<_> = entries.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["llama3.2:latest", "old:latest"]);
    assert_eq!(entries[0].context_window, Some(131_072));
    assert!(entries[0].capabilities.has(Capability::Tools));
    assert!(entries[0].capabilities.lacks(Capability::ImageInput));
    assert_eq!(entries[1].capabilities, Capabilities::UNKNOWN);
}

#[tokio::test]
async fn a_model_is_shown() {
    let show = json!({"capabilities": ["completion", "vision"], "details": {"family": "llama", "parameter_size": "3.2B"},
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072}});
    let (_server, url) = server(200, &show.to_string()).await;
    let details = Server::new(&config(&url)).unwrap().show("m").await.unwrap();
    assert_eq!(details.context_window, Some(131_072));
    assert!(details.capabilities.has(Capability::ImageInput));
    assert_eq!(details.parameter_size, "3.2B");
    let (_server, url) = server(404, "{\"error\":\"model 'm' not found\"}").await;
    let error = Server::new(&config(&url))
        .unwrap()
        .show("m")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    assert!(error.help().contains("ollama pull m"));
}

#[tokio::test]
async fn loaded_models_and_the_version_are_told() {
    let ps = json!({"models": [{"name": "m", "size": 9, "size_vram": 4, "context_length": 4096, "new": 1}]});
    let (_server, url) = server(200, &ps.to_string()).await;
    let running = Server::new(&config(&url)).unwrap().running().await.unwrap();
    assert_eq!(
        (running[0].size_vram, running[0].context_length),
        (4, Some(4096))
    );
    let (_server, url) = server(200, "{\"version\":\"0.33.0\"}").await;
    let server = Server::new(&config(&url)).unwrap();
    assert_eq!(server.version().await.unwrap(), "0.33.0");
    assert!(server.running().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_running_is_named() {
    // Bound and let go: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let config = config(&url);
    let listed = PROVIDERS[0].models(&config).await.unwrap_err();
    let asked = model(&config).chat(&"Hi".into()).await.unwrap_err();
    let streamed = model(&config)
        .stream(&"Hi".into())
        .await
        .map(drop)
        .unwrap_err();
    for error in [listed, asked, streamed] {
        assert_eq!(error.kind(), ErrorKind::Connection);
        for word in ["ollama serve", "OLLAMA_HOST"] {
            assert!(error.help().contains(word), "{}", error.help());
        }
        assert!(error.message().contains(&url), "{error}");
    }
}

#[test]
fn addresses_are_read_as_ollama_reads_them() {
    for (address, url) in [
        ("", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        (" \"gpu-box\" ", "http://gpu-box:11434"),
        ("http://gpu-box", "http://gpu-box"),
        ("http://gpu-box:1/", "http://gpu-box:1"),
        ("https://gpu-box/ollama/", "https://gpu-box/ollama"),
        ("https://u:p@gpu-box:2", "https://u:p@gpu-box:2"),
        ("ollama.com", "https://ollama.com"),
        ("https://ollama.com/api", "https://ollama.com"),
        ("[::1]", "http://[::1]:11434"),
        ("[::]:8080", "http://[::1]:8080"),
        ("::1", "http://[::1]:11434"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
    ] {
        assert_eq!(base_url(address), url, "{address}");
        assert_eq!(base_url(url), url, "twice: {address}");
    }
}

#[test]
fn the_registry_finds_it_and_its_host() {
    let env = Env::from([("OLLAMA_HOST", "0.0.0.0:1")]);
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let model = registry.model("ollama/llama3.2:3b").unwrap();
    assert_eq!(model.info().id(), "ollama/llama3.2:3b");
    assert!(
        format!("{model:?}").contains("http://127.0.0.1:1"),
        "{model:?}"
    );
}

#[test]
fn what_is_known_beforehand() {
    let info =
        |id: &str, config: &ProviderConfig| PROVIDERS[0].build(id, config).unwrap().info().clone();
    let local = config("http://127.0.0.1:1");
    assert!(info("m", &local).capabilities.has(Capability::JsonSchema));
    assert!(info("m", &local).capabilities.lacks(Capability::ToolChoice));
    for cloud in ["gpt-oss:120b-cloud", "glm-5:cloud"] {
        assert!(
            info(cloud, &local)
                .capabilities
                .lacks(Capability::JsonSchema)
        );
    }
    let host = config("https://ollama.com");
    assert!(info("m", &host).capabilities.lacks(Capability::JsonSchema));
    let mut served = local.clone();
    served.context_window = Some(131_072);
    served
        .extra
        .insert("options".to_owned(), json!({"num_ctx": 8192}));
    assert_eq!(info("m", &served).context_window, Some(8192));
    let wrong = local.with_quirks(json!({"thinks": true}));
    let error = PROVIDERS[0].build("m", &wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn options_become_fields_of_the_body() {
    let options = OllamaOptions::new()
        .with_num_ctx(8192)
        .with_option("mirostat", 2)
        .with_think("low")
        .with_truncate(false)
        .with_shift(false)
        .with_keep_alive(Duration::from_secs(60));
    let body = |options: &OllamaOptions| -> Value { serde_json::to_value(options).unwrap() };
    assert_eq!(
        body(&options),
        json!({"think": "low", "truncate": false, "shift": false, "keep_alive": 60,
            "options": {"num_ctx": 8192, "mirostat": 2}})
    );
    let forever = OllamaOptions::new()
        .with_keep_alive_forever()
        .with_think(false);
    assert_eq!(body(&forever), json!({"keep_alive": -1, "think": false}));
    let brief = OllamaOptions::new().with_keep_alive(Duration::from_millis(1500));
    assert_eq!(body(&brief), json!({"keep_alive": 1.5}));
}

/// A server with a model `m`, loaded with so much context or not, that can take so much; and
/// what it was asked: paths, and the context that chats want.
async fn serving(
    loaded: Option<u64>,
    window: Option<u64>,
) -> (
    String,
    tokio::sync::mpsc::UnboundedReceiver<(String, Value)>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, seen) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            let (head, body) = loop {
                let mut piece = [0; 65536];
                let count = stream.read(&mut piece).await.unwrap();
                read.extend_from_slice(&piece[..count]);
                let text = String::from_utf8_lossy(&read).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1);
                let length = length.and_then(|it| it.lines().next()?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    break (head, body.to_owned());
                }
            };
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let models = loaded.map(|it| json!({"name": "m:latest", "context_length": it}));
            let answer = match path.as_str() {
                "/api/ps" => json!({"models": models.as_slice()}),
                "/api/show" => json!({"model_info": window.map(|window| {
                    json!({"general.architecture": "llama", "llama.context_length": window})
                })}),
                _ => json!({"message": {"role": "assistant", "content": "Hi"}, "done": true,
                    "done_reason": "stop"}),
            };
            let answer = answer.to_string();
            let length = answer.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all((head + &answer).as_bytes()).await.unwrap();
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let _ = asked.send((path, body["options"]["num_ctx"].clone()));
        }
    });
    (url, seen)
}

#[tokio::test]
async fn a_long_prompt_gets_a_context_that_it_fits_into() {
    // About 10,000 tokens, and 1,024 for the answer.
    let long = || ChatRequest::from("word ".repeat(8_000));
    let set = OllamaOptions::new().with_num_ctx(8192);
    let seed = OllamaOptions::new().with_option("mirostat", 1);
    let small = ChatRequest::from("Hi");
    let mut lengthy = ChatRequest::from("Hi");
    lengthy.max_output_tokens = Some(5_000);
    for (loaded, window, request, asks, wanted) in [
        (None, Some(131_072), long(), 2, json!(16_384)),
        (None, Some(12_000), long(), 2, json!(12_000)),
        (Some(4_096), Some(131_072), long(), 2, json!(16_384)),
        // Another one would load the model anew.
        (Some(32_768), Some(131_072), long(), 1, json!(32_768)),
        // Nothing is known.
        (None, None, long(), 2, Value::Null),
        (None, Some(131_072), small, 0, Value::Null),
        (None, Some(131_072), lengthy, 2, json!(8_192)),
        (
            None,
            Some(131_072),
            long().with_options("ollama", &set),
            0,
            json!(8_192),
        ),
        (
            None,
            Some(131_072),
            long().with_options("ollama", &seed),
            2,
            json!(16_384),
        ),
    ] {
        let (url, mut seen) = serving(loaded, window).await;
        let model = model(&config(&url));
        let answer = model.chat(&request).await.unwrap();
        assert_eq!(answer.text(), "Hi");
        for _ in 0..asks {
            assert_ne!(seen.recv().await.unwrap().0, "/api/chat");
        }
        let told = seen.recv().await.unwrap();
        assert_eq!(
            told,
            ("/api/chat".to_owned(), wanted),
            "{loaded:?} {window:?}"
        );
    }
    // The configuration decides too, and a stream is no other.
    let (url, mut seen) = serving(None, Some(131_072)).await;
    let mut configured = config(&url);
    let options = json!({"num_ctx": 2_048});
    configured.extra.insert("options".to_owned(), options);
    model(&configured).chat(&long()).await.unwrap();
    assert_eq!(
        seen.recv().await.unwrap(),
        ("/api/chat".to_owned(), json!(2_048))
    );
    model(&config(&url)).stream(&long()).await.unwrap();
    let paths = ["/api/ps", "/api/show", "/api/chat"];
    for path in paths {
        assert_eq!(seen.recv().await.unwrap().0, path);
    }
}
