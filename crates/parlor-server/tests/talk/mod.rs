//! A chat service before a model that says what the test has it say, and a client of it.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test uses a part"
)]

pub(crate) mod client;
pub(crate) mod fed;
#[path = "../common/registry.rs"]
#[allow(clippy::duplicate_mod, reason = "a test may use this and `common`")]
mod registry;

use std::sync::{Arc, LazyLock};

pub(crate) use client::{Client, LONG, MODEL};
pub(crate) use fed::{Fed, FedCall};
pub(crate) use registry::registry;

use parlor_dialect::openai_chat::OpenAiChat;
use parlor_server::{ServerConfig, Service, UsageEvent, UsageSink};
use parlor_testkit::DialectServer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

/// A chat service, and what stands behind it.
pub(crate) struct Talk {
    pub(crate) client: Client,
    pub(crate) service: Service,
    calls: Mutex<UnboundedReceiver<FedCall>>,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
    _behind: DialectServer,
}

impl Talk {
    pub(crate) async fn start(config: ServerConfig) -> Self {
        Self::start_with(config, "").await
    }

    pub(crate) async fn start_with(config: ServerConfig, settings: &str) -> Self {
        let (model, calls) = Fed::new();
        let behind = DialectServer::start(OpenAiChat::default(), Arc::new(model)).await;
        let behind = behind.unwrap();
        let settings = format!(
            "{settings}\n[providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n\
             models = [{{ id = \"behind\", context_window = 1000, price = {{ input = 3.0, \
             output = 15.0, as_of = \"2026-01-01\" }} }}]\n[layers.retry]\nattempts = 1\n",
            behind.url()
        );
        let service = Service::new(registry(&settings), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (end, ended) = oneshot::channel::<()>();
        let running = service.clone();
        let served = tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            running.run_on(listener, ended).await.unwrap();
        });
        Self {
            client: Client { host, key: None },
            service,
            calls: Mutex::new(calls),
            end: Some(end),
            served,
            _behind: behind,
        }
    }

    /// The next call of the model.
    pub(crate) async fn call(&self) -> FedCall {
        let mut calls = self.calls.lock().await;
        let call = tokio::time::timeout(LONG, calls.recv()).await;
        call.unwrap().unwrap()
    }

    /// Tells the service to end.
    pub(crate) fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits until the service has ended.
    pub(crate) async fn ended(self) {
        tokio::time::timeout(LONG, self.served)
            .await
            .unwrap()
            .unwrap();
    }
}

/// Notes what became of requests.
#[derive(Debug, Default)]
pub(crate) struct Noted(pub(crate) std::sync::Mutex<Vec<UsageEvent>>);

impl UsageSink for Noted {
    fn used(&self, event: &UsageEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Holds an answer to what the API's document says of it.
fn hold(method: &str, path: &str, status: u16, answer: &Value) {
    static DOCUMENT: LazyLock<&Value> = LazyLock::new(parlor_server::openapi);
    let path = path.split('?').next().unwrap();
    let segments: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let found = paths.iter().find(|(template, _)| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(template, segment)| template.starts_with('{') || template == segment)
    });
    let Some((_, operations)) = found else { return };
    let responses = &operations[method.to_lowercase()]["responses"];
    let response = match &responses[status.to_string()] {
        Value::Null => &responses["default"],
        response => response,
    };
    let Some(schema) = response["content"].get("application/json") else {
        return;
    };
    let mut schema = schema["schema"].clone();
    schema["components"] = DOCUMENT["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        wrong.is_empty(),
        "{method} {path} {status}: {wrong:?}\n{answer}"
    );
}
