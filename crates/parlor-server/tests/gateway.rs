//! Clients of five dialects ask models of providers that speak another.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use parlor::{
    ChatModel, ChatRequest, ChatResponse, Config, Env, ErrorKind, ModelInfo, Registry,
    ToolDefinition,
};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_server::{ServerConfig, Service};
use parlor_testkit::{DialectServer, Script, Scripted};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The providers whose clients ask, and the ids of what answers them.
const CLIENTS: [&str; 5] = [
    "openai-chat",
    "openai-responses",
    "anthropic",
    "gemini",
    "ollama",
];
const MODELS: [&str; 2] = ["anthropic/behind", "openai-chat/behind"];

/// A gateway in front of two providers.
struct Gateway {
    url: String,
    behind: [Scripted; 2],
    _servers: [DialectServer; 2],
}

impl Gateway {
    async fn start(config: ServerConfig, script: fn(&ChatRequest) -> Script) -> Self {
        let info = ModelInfo::new("scripted", "behind");
        let scripted = || Scripted::with(move |_, request| Some(script(request)));
        let behind = [scripted(), scripted()].map(|it| it.with_info(info.clone()));
        let model = |at: usize| -> Arc<dyn ChatModel> { Arc::new(behind[at].clone()) };
        let claude = DialectServer::start(AnthropicMessages::default(), model(0)).await;
        let gpt = DialectServer::start(OpenAiChat::default(), model(1)).await;
        let (claude, gpt) = (claude.unwrap(), gpt.unwrap());
        let settings = format!(
            "[providers.anthropic]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n\
             [providers.openai-chat]\nbase_url = \"{}\"\napi_key_env = \"KEY\"\n\
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
    fn client(&self, provider: &str, model: &str) -> Arc<dyn ChatModel> {
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

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_with(path, body, &[]).await
    }

    /// Sends a body with these headers, and reads the answer to its end.
    async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> (u16, Value) {
        let host = self.url.trim_start_matches("http://");
        let body = body.to_string();
        let mut head = format!("POST {path} HTTP/1.1\r\nconnection: close\r\n");
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
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

fn registry(settings: &str) -> Registry {
    let env = Env::new(|name| (name == "KEY").then(|| "upstream-key".to_owned()));
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    registry
        .with_config(Config::from_toml(settings).unwrap())
        .unwrap()
}

fn words(_: &ChatRequest) -> Script {
    Script::text("Fine, thank you.")
}

fn calls(request: &ChatRequest) -> Script {
    match request.tools.is_empty() {
        true => Script::text("no tools"),
        false => Script::tool_calls([
            ("weather", json!({ "city": "Oslo" })),
            ("weather", json!({ "city": "Rome" })),
        ]),
    }
}

async fn both(model: &dyn ChatModel, request: &ChatRequest) -> [ChatResponse; 2] {
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
    let (status, body) = gateway.post("/api/chat/stream", &asked).await;
    assert_eq!(status, 503, "{body}");
}

#[tokio::test]
async fn who_leaves_ends_the_call_behind() {
    let gateway = Gateway::start(ServerConfig::default(), |_| {
        // Gemini's first text waits for what follows it.
        Script::text("Beginning and more").cut(4).hangs()
    })
    .await;
    for provider in CLIENTS {
        let client = gateway.client(provider, "openai-chat/behind");
        let mut events = client.stream(&ChatRequest::from("Hi")).await.unwrap();
        let mut text = String::new();
        while !text.contains("Beginning") {
            let event = events.next().await.unwrap().unwrap();
            text.push_str(event.text().unwrap_or_default());
        }
        drop(events);
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
