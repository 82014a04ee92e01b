//! A gateway before two providers, and clients of five dialects.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

mod registry;

use std::sync::Arc;

use parlor::{ChatModel, ChatRequest, ChatResponse, ModelInfo};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_server::{ServerConfig, Service, UsageWriter};
use parlor_store::Store;
use parlor_testkit::{DialectServer, Script, Scripted};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use registry::registry;

/// The providers whose clients ask, and the ids of what answers them.
pub(crate) const CLIENTS: [&str; 5] = [
    "openai-chat",
    "openai-responses",
    "anthropic",
    "gemini",
    "ollama",
];
pub(crate) const MODELS: [&str; 2] = ["anthropic/behind", "openai-chat/behind"];

/// A gateway in front of two providers.
pub(crate) struct Gateway {
    pub(crate) url: String,
    pub(crate) behind: [Scripted; 2],
    pub(crate) _servers: [DialectServer; 2],
}

impl Gateway {
    pub(crate) async fn start(config: ServerConfig, script: fn(&ChatRequest) -> Script) -> Self {
        let info = ModelInfo::new("scripted", "behind");
        let scripted = || Scripted::with(move |_, request| Some(script(request)));
        let behind = [scripted(), scripted()].map(|it| it.with_info(info.clone()));
        let model = |at: usize| -> Arc<dyn ChatModel> { Arc::new(behind[at].clone()) };
        let claude = DialectServer::start(AnthropicMessages::default(), model(0)).await;
        let gpt = DialectServer::start(OpenAiChat::default(), model(1)).await;
        let (claude, gpt) = (claude.unwrap(), gpt.unwrap());
        let priced = "models = [{ id = \"behind\", price = { input = 3.0, output = 15.0, \
                      cached_input = 0.3, as_of = \"2026-01-01\" } }]";
        let settings = format!(
            "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n{priced}\n\
             [providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n{priced}\n\
             [layers.retry]\nattempts = 1\n",
            claude.url(),
            gpt.url()
        );
        let registry = registry(&settings);
        let service = Service::new(registry, config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { service.run_on(listener, std::future::pending()).await });
        Self {
            url,
            behind,
            _servers: [claude, gpt],
        }
    }

    /// A model asked through the gateway by the client of a provider.
    pub(crate) fn client(&self, provider: &str, model: &str) -> Arc<dyn ChatModel> {
        let base = match provider {
            "openai-chat" | "openai-responses" => format!("{}/v1", self.url),
            _ => self.url.clone(),
        };
        let settings = format!(
            "[providers.{provider}]\nbase_url = \"{base}\"\napi_key_env = \"KEY\"\n\
             [layers.retry]\nattempts = 1\n"
        );
        let id = format!("{provider}/{model}");
        registry(&settings).model(&id).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_with(path, body, &[]).await
    }

    /// Sends a body with these headers, and reads the answer to its end.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        parsed(
            &self
                .exchange("POST", path, &body.to_string(), headers)
                .await,
        )
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        parsed(&self.exchange("GET", path, "", headers).await)
    }

    /// The whole answer to a GET, its head too.
    pub(crate) async fn text(&self, path: &str, headers: &[(&str, &str)]) -> String {
        self.exchange("GET", path, "", headers).await
    }

    pub(crate) async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> String {
        exchange(&self.url, method, path, body, headers).await
    }
}

/// A gateway with keys, and the store of them and of what was used.
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) writer: Arc<UsageWriter>,
}

pub(crate) async fn site(script: fn(&ChatRequest) -> Script) -> Site {
    let store = Store::memory().await.unwrap();
    let writer = Arc::new(UsageWriter::start(store.clone()));
    let mut config = ServerConfig::default();
    config.keys = vec!["operator".into()];
    config.given_keys = Some(store.clone());
    config.usage_writer = Some(Arc::clone(&writer));
    let gateway = Gateway::start(config, script).await;
    Site {
        gateway,
        store,
        writer,
    }
}

/// Sends a body to a service, and reads the answer to its end.
pub(crate) async fn post(
    url: &str,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    parsed(&exchange(url, "POST", path, &body.to_string(), headers).await)
}

async fn exchange(
    url: &str,
    method: &str,
    path: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> String {
    let host = url.trim_start_matches("http://");
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        head += &format!("host: {host}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn parsed(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

pub(crate) fn words(_: &ChatRequest) -> Script {
    Script::text("Fine, thank you.")
}

pub(crate) async fn both(model: &dyn ChatModel, request: &ChatRequest) -> [ChatResponse; 2] {
    let whole = model.chat(request).await.unwrap();
    let streamed = model
        .stream(request)
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    [whole, streamed]
}

/// Asks for a stream, and leaves once this was said.
pub(crate) async fn left(model: &dyn ChatModel, said: &str) {
    let mut events = model.stream(&ChatRequest::from("Hi")).await.unwrap();
    let mut text = String::new();
    while !text.contains(said) {
        let event = events.next().await.unwrap().unwrap();
        text.push_str(event.text().unwrap_or_default());
    }
}
