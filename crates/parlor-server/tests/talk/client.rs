//! A client of the chat service, over sockets of its own.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The model's name.
pub(crate) const MODEL: &str = "openai-chat/behind";

/// How long anything may take.
pub(crate) const LONG: Duration = Duration::from_secs(30);

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
        self.try_open(method, path, body, headers).await.unwrap()
    }

    /// The same where the service may be gone.
    pub(crate) async fn try_open(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<Opened> {
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {}\r\n", self.host);
        if let Some(key) = self.key {
            head += &format!("authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(&self.host).await?;
        stream.write_all(head.as_bytes()).await?;
        let mut body = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(LONG, body.read_line(&mut line)).await;
            if read?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            head.push(line.to_owned());
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Opened { status, head, body })
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
        super::hold(method, path, opened.status, &answer);
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

    /// Answers for a call.
    pub(crate) async fn approve(
        &self,
        conversation: &str,
        turn: &str,
        call: &str,
        answer: &Value,
    ) -> (u16, Value) {
        let path = format!("/api/conversations/{conversation}/turns/{turn}/approvals/{call}");
        self.post(&path, answer).await
    }

    /// Reads a turn to its end: its text, and its last event.
    pub(crate) async fn read(&self, conversation: &str, turn: &str) -> (String, Value) {
        let mut events = self.follow(conversation, turn, "").await;
        events.read_on(String::new()).await
    }
}

impl Opened {
    /// What a header of the answer says.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.iter().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

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

    /// Reads until something of this name is told.
    pub(crate) async fn named(&mut self, name: &str) -> Sent {
        loop {
            let event = self.event().await.expect("it goes on");
            if event.name == name {
                return event;
            }
        }
    }

    /// Reads until a call is decided on, and gives the decision.
    pub(crate) async fn until_decided(&mut self, call: &str) -> Value {
        loop {
            let decided = self.named("decided").await;
            if decided.data["id"] == call {
                return decided.data;
            }
        }
    }

    /// The names of all that is left, with the calls that it is of.
    pub(crate) async fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(event) = self.event().await {
            names.push(match event.data["id"].as_str() {
                Some(id) => format!("{} {id}", event.name),
                None => event.name,
            });
        }
        names
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
            if event.name != "tool_result" {
                text.push_str(event.data["text"].as_str().unwrap_or_default());
            }
        }
    }
}
