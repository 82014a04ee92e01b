//! A chat service before a model that says what the test has it say, and a client of it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream;
use parlor::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Config, Env, Error, Event, FinishKind,
    ModelInfo, PartKind, Registry, Result, Usage,
};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_server::{ServerConfig, Service};
use parlor_testkit::DialectServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

/// The model's name.
pub(crate) const MODEL: &str = "openai-chat/behind";

/// How long anything may take.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A model that says what it is fed.
#[derive(Debug)]
pub(crate) struct Fed {
    info: Arc<ModelInfo>,
    calls: UnboundedSender<FedCall>,
}

/// One call of it.
#[derive(Debug)]
pub(crate) struct FedCall {
    pub(crate) request: ChatRequest,
    events: UnboundedSender<Result<Event>>,
}

impl Fed {
    pub(crate) fn new() -> (Self, UnboundedReceiver<FedCall>) {
        let (calls, called) = unbounded_channel();
        let info = Arc::new(ModelInfo::new("fed", "behind"));
        (Self { info, calls }, called)
    }
}

#[async_trait]
impl ChatModel for Fed {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let (events, fed) = unbounded_channel();
        let request = request.clone();
        events.send(Ok(Event::started(None, None, None))).unwrap();
        let part = Event::part_started(0, 0, PartKind::Text);
        events.send(Ok(part)).unwrap();
        self.calls.send(FedCall { request, events }).unwrap();
        let events = stream::unfold(fed, |mut fed| async move { Some((fed.recv().await?, fed)) });
        Ok(ChatStream::new(self.info.clone(), events))
    }
}

impl FedCall {
    /// The last thing that was asked.
    pub(crate) fn asked(&self) -> String {
        self.request.messages.last().unwrap().text()
    }

    /// All that was sent, a line for each message.
    pub(crate) fn sent(&self) -> Vec<String> {
        let messages = self.request.messages.iter();
        let line = |it: &parlor::Message| format!("{}: {}", it.role.as_str(), it.text());
        messages.map(line).collect()
    }

    pub(crate) fn say(&self, text: &str) {
        let _ = self.events.send(Ok(Event::TextDelta {
            choice: 0,
            part: 0,
            text: text.into(),
        }));
    }

    pub(crate) fn fail(self, error: Error) {
        let _ = self.events.send(Err(error));
    }

    /// Says this, and all is said.
    pub(crate) fn end(self, text: &str) {
        self.say(text);
        let mut usage = Usage::default();
        usage.input_tokens = Some(7);
        usage.output_tokens = Some(3);
        for event in [
            Event::part_finished(0, 0),
            Event::finished(0, FinishKind::Stop.into()),
            Event::completed(Some(Box::new(usage))),
        ] {
            let _ = self.events.send(Ok(event));
        }
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn left(&self) {
        let left = self.events.closed();
        tokio::time::timeout(LONG, left).await.unwrap();
    }
}

/// A chat service, and what stands behind it.
pub(crate) struct Talk {
    pub(crate) client: Client,
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
        let served = tokio::spawn(async move {
            let ended = async {
                let _ = ended.await;
            };
            service.run_on(listener, ended).await.unwrap();
        });
        Self {
            client: Client { host, key: None },
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

pub(crate) fn registry(settings: &str) -> Registry {
    let env = Env::new(|name| (name == "KEY").then(|| "upstream-key".to_owned()));
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    registry
        .with_config(Config::from_toml(settings).unwrap())
        .unwrap()
}

/// Somebody who asks a service.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) host: String,
    pub(crate) key: Option<&'static str>,
}

/// The head of an answer, and its body as it comes.
pub(crate) struct Opened {
    pub(crate) status: u16,
    pub(crate) head: Vec<String>,
    pub(crate) body: BufReader<TcpStream>,
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Client {
    /// The same with a key.
    pub(crate) fn with_key(&self, key: &'static str) -> Self {
        Self {
            key: Some(key),
            ..self.clone()
        }
    }

    /// Sends a request. Over HTTP/1.0 a body comes as it is, to the end of the connection.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Opened {
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {}\r\n", self.host);
        if let Some(key) = self.key {
            head += &format!("authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(&self.host).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut body = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(LONG, body.read_line(&mut line)).await;
            read.unwrap().unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            head.push(line.to_owned());
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        Opened { status, head, body }
    }

    /// Sends JSON and reads JSON, which is held to the API's own document.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut opened = self.open(method, path, &body, &[]).await;
        let text = opened.rest().await;
        let answer = serde_json::from_str(&text).unwrap_or(Value::String(text));
        hold(method, path, opened.status, &answer);
        (opened.status, answer)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, body).await
    }

    /// A new conversation's id.
    pub(crate) async fn begin(&self) -> String {
        let new = json!({ "model": MODEL });
        let (status, made) = self.post("/api/conversations", &new).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Asks something, and gives the turn's id.
    pub(crate) async fn turn(&self, conversation: &str, turn: &Value) -> String {
        let path = format!("/api/conversations/{conversation}/turns");
        let (status, accepted) = self.post(&path, turn).await;
        assert_eq!(status, 202, "{accepted}");
        accepted["id"].as_str().unwrap().to_owned()
    }

    /// Follows a turn from the event after one.
    pub(crate) async fn follow(&self, conversation: &str, turn: &str, after: &str) -> Opened {
        let path = format!("/api/conversations/{conversation}/turns/{turn}/events");
        let headers: &[(&str, &str)] = match after {
            "" => &[],
            after => &[("last-event-id", after)],
        };
        let opened = self.open("GET", &path, "", headers).await;
        assert_eq!(opened.status, 200);
        let kind = "content-type: text/event-stream";
        assert!(opened.head.iter().any(|it| it == kind), "{:?}", opened.head);
        opened
    }

    /// Reads a turn to its end: its text, and its last event.
    pub(crate) async fn read(&self, conversation: &str, turn: &str) -> (String, Value) {
        let mut events = self.follow(conversation, turn, "").await;
        events.read_on(String::new()).await
    }
}

impl Opened {
    /// All that is left of the body.
    pub(crate) async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        let read = self.body.read_to_end(&mut text);
        tokio::time::timeout(LONG, read).await.unwrap().unwrap();
        String::from_utf8(text).unwrap_or_default()
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Option<Sent> {
        let mut sent = Sent {
            id: String::new(),
            name: String::new(),
            data: Value::Null,
        };
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(LONG, self.body.read_line(&mut line)).await;
            if read.unwrap().unwrap() == 0 {
                return None;
            }
            let line = line.trim_end_matches('\n');
            match line.split_once(": ") {
                Some(("id", id)) => sent.id = id.to_owned(),
                Some(("event", name)) => sent.name = name.to_owned(),
                Some(("data", data)) => sent.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() && !sent.name.is_empty() => return Some(sent),
                _ => {}
            }
        }
    }

    /// Reads until this text was said, and gives the last event's id.
    pub(crate) async fn until(&mut self, wanted: &str) -> String {
        let mut text = String::new();
        loop {
            let event = self.event().await.expect("it goes on");
            text.push_str(event.data["text"].as_str().unwrap_or_default());
            assert!(wanted.starts_with(&text), "{text:?} isn't {wanted:?}");
            if text == wanted {
                return event.id;
            }
        }
    }

    /// Reads to the end: the text after what was read before, and the last event.
    pub(crate) async fn read_on(&mut self, mut text: String) -> (String, Value) {
        loop {
            let event = self.event().await.expect("the end is told");
            if event.name == "end" {
                assert_eq!(self.event().await, None);
                return (text, event.data);
            }
            text.push_str(event.data["text"].as_str().unwrap_or_default());
        }
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
