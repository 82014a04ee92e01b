//! A client of a few lines over bare TCP, which reports what came rather than judging it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    reason = "each test file uses a part of it"
)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parlor_testkit::fault::{Mode, Wire};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What came back for one request.
#[derive(Debug)]
pub struct Got {
    pub interim: Vec<u16>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The chunks of the body, or the body as one.
    pub chunks: Vec<Vec<u8>>,
    pub trailers: Vec<String>,
    pub end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As the framing has it.
    Proper,
    /// EOF before that.
    Cut,
    Reset,
    /// The patience of the client ran out.
    Silence,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body()).into_owned()
    }
}

/// A connection to the host of a base URL.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    end: Option<End>,
    patience: Duration,
}

pub const KEY: &str = "sk-secret";

impl Client {
    pub async fn connect(url: &str) -> Self {
        let host = url
            .trim_start_matches("http://")
            .split('/')
            .next()
            .expect("a host");
        let host = host.replace("localhost", "127.0.0.1");
        let stream = TcpStream::connect(host).await.expect("the server listens");
        Self {
            stream: BufReader::new(stream),
            end: None,
            patience: Duration::from_secs(5),
        }
    }

    /// Sends a request to `url` and reads the answer to it.
    pub async fn ask(&mut self, url: &str, body: &str) -> Got {
        self.send(url, body).await;
        self.receive().await
    }

    pub async fn send(&mut self, url: &str, body: &str) {
        let (host, path) = url
            .trim_start_matches("http://")
            .split_once('/')
            .expect("a path");
        let request = format!(
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        let _ = self.stream.write_all(request.as_bytes()).await;
    }

    pub async fn receive(&mut self) -> Got {
        let mut interim = vec![];
        let (status, headers) = loop {
            let status = self
                .line()
                .await
                .split(' ')
                .nth(1)
                .and_then(|it| it.parse().ok());
            let mut lines = vec![];
            loop {
                match self.line().await {
                    line if line.is_empty() => break,
                    line => lines.push(line),
                }
            }
            let status: u16 = status.unwrap_or(0);
            if (100..200).contains(&status) {
                interim.push(status);
                continue;
            }
            let pair = |line: &String| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            };
            break (status, lines.iter().filter_map(pair).collect());
        };
        let (chunks, trailers) = (vec![], vec![]);
        let mut got = Got {
            interim,
            status,
            headers,
            chunks,
            trailers,
            end: End::Proper,
        };
        if self.end.is_none() {
            self.body(&mut got).await;
        }
        got.end = self.end.unwrap_or(End::Proper);
        got
    }

    async fn body(&mut self, got: &mut Got) {
        if got.header("transfer-encoding") == Some("chunked") {
            loop {
                let line = self.line().await;
                let size = line.split(';').next().expect("a size");
                let Ok(size) = usize::from_str_radix(size, 16) else {
                    return;
                };
                if size == 0 {
                    break;
                }
                let chunk = self.exactly(size).await;
                got.chunks.push(chunk);
                if self.end.is_some() || !self.line().await.is_empty() {
                    return;
                }
            }
            loop {
                let line = self.line().await;
                if line.is_empty() {
                    return;
                }
                got.trailers.push(line);
            }
        }
        let length = got
            .header("content-length")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        got.chunks.push(self.exactly(length).await);
    }

    /// A line of a head; empty at the end of what comes.
    async fn line(&mut self) -> String {
        let mut line = vec![];
        while !line.ends_with(b"\r\n") {
            match self.some(usize::MAX, true).await {
                more if more.is_empty() => return String::new(),
                more => line.extend(more),
            }
        }
        line.truncate(line.len() - 2);
        String::from_utf8(line).expect("heads are ASCII")
    }

    /// As many bytes, or as many as came.
    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![];
        while bytes.len() < length {
            match self.some(length - bytes.len(), false).await {
                more if more.is_empty() => break,
                more => bytes.extend(more),
            }
        }
        bytes
    }

    /// What is there, at most `limit` bytes, or at most to the end of the line; nothing at the end.
    async fn some(&mut self, limit: usize, line: bool) -> Vec<u8> {
        let read = tokio::time::timeout(self.patience, self.stream.fill_buf());
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => return self.over(End::Reset),
            Err(_) => return self.over(End::Silence),
        };
        let end = bytes
            .iter()
            .position(|it| line && *it == b'\n')
            .map_or(bytes.len(), |at| at + 1);
        let bytes = bytes[..end.min(limit)].to_vec();
        self.stream.consume(bytes.len());
        if bytes.is_empty() {
            self.over(End::Cut)
        } else {
            bytes
        }
    }

    fn over(&mut self, end: End) -> Vec<u8> {
        self.end.get_or_insert(end);
        vec![]
    }
}

/// The URL and the body with which a client of the dialect calls.
pub fn call(base_url: &str, wire: Wire, mode: Mode) -> (String, String) {
    let url = format!("{base_url}{}", wire.path(mode));
    let body = serde_json::json!({"model": "test-model", "stream": mode == Mode::Stream});
    (url, body.to_string())
}

/// The JSON of each event or line of a stream, or the one JSON of a whole answer; what isn't
/// JSON is left out.
pub fn values(wire: Wire, mode: Mode, body: &str) -> Vec<Value> {
    let body = body
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let json = |text: &str| serde_json::from_str(text).ok();
    match (mode, wire) {
        (Mode::Whole, _) => json(&body).into_iter().collect(),
        (Mode::Stream, Wire::Ollama) => body.lines().filter_map(json).collect(),
        // Between the payloads there is no object, though a byte may look like the head of one.
        (Mode::Stream, Wire::BedrockConverse | Wire::BedrockAnthropic)
            if !body.starts_with('{') =>
        {
            let heads = body.match_indices("{\"").map(|(at, _)| &body[at..]);
            let mut values = Vec::new();
            let mut end = body.len();
            for rest in heads {
                let at = body.len() - rest.len();
                let mut read = serde_json::Deserializer::from_str(rest).into_iter();
                if (values.is_empty() || at >= end)
                    && let Some(Ok(value)) = read.next()
                {
                    end = at + read.byte_offset();
                    values.push(unchunked(value));
                }
            }
            values
        }
        (Mode::Stream, _) if !body.contains("data:") => match json(&body) {
            Some(Value::Array(items)) => items,
            other => other.into_iter().collect(),
        },
        (Mode::Stream, _) => {
            let data = |event: &str| {
                let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
                lines.collect::<Vec<_>>().join("\n")
            };
            body.split("\n\n")
                .filter_map(|event| json(&data(event)))
                .collect()
        }
    }
}

/// The event that a chunk holds in base64, or the value itself.
fn unchunked(value: Value) -> Value {
    let bytes = value["bytes"].as_str().unwrap_or_default();
    let event = STANDARD.decode(bytes).unwrap_or_default();
    serde_json::from_slice(&event).unwrap_or(value)
}

/// A body as a person reads it, with what stands in base64 behind it.
pub fn said(wire: Wire, mode: Mode, body: &str) -> String {
    let mut said = body.to_owned();
    if wire == Wire::BedrockAnthropic {
        said.extend(values(wire, mode, body).iter().map(Value::to_string));
    }
    said
}

/// The text of the first choice, by the plainest reading of each dialect.
pub fn text(wire: Wire, values: &[Value]) -> String {
    let first = |value: &Value, pointers: &[&str]| {
        let found = pointers.iter().find_map(|it| value.pointer(it)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let mut text = String::new();
    for value in values {
        text += &match wire {
            Wire::OpenAiChat => {
                let places = ["/choices/0/delta/content", "/choices/0/message/content"];
                first(value, &places)
            }
            Wire::Hunyuan => {
                let places = [
                    "/Choices/0/Delta/Content",
                    "/Choices/0/Message/Content",
                    "/Response/Choices/0/Message/Content",
                ];
                first(value, &places)
            }
            Wire::OpenAiResponses => {
                let items = value["output"].as_array().cloned().unwrap_or_default();
                let texts = items.iter().map(|it| first(it, &["/content/0/text"]));
                let whole: String = texts.collect();
                match value["type"] == "response.output_text.delta" {
                    true => first(value, &["/delta"]),
                    false => whole,
                }
            }
            Wire::Ollama => first(value, &["/message/content"]),
            Wire::QianfanV1 => first(value, &["/result"]),
            Wire::Cohere => {
                let items = value.pointer("/message/content").and_then(Value::as_array);
                let items = items.into_iter().flatten();
                let whole: String = items.map(|it| first(it, &["/text"])).collect();
                first(value, &["/delta/message/content/text"]) + &whole
            }
            Wire::BedrockConverse => {
                let blocks = value.pointer("/output/message/content");
                let blocks = blocks.and_then(Value::as_array).into_iter().flatten();
                let whole: String = blocks.map(|it| first(it, &["/text"])).collect();
                first(value, &["/delta/text"]) + &whole
            }
            Wire::AnthropicMessages | Wire::BedrockAnthropic => {
                let blocks = value["content"].as_array().cloned().unwrap_or_default();
                let whole: String = blocks.iter().map(|it| first(it, &["/text"])).collect();
                first(value, &["/delta/text"]) + &whole
            }
            Wire::Gemini => {
                let parts = value
                    .pointer("/candidates/0/content/parts")
                    .and_then(Value::as_array);
                let said = parts
                    .into_iter()
                    .flatten()
                    .filter(|it| it["thought"] != true);
                said.map(|it| first(it, &["/text"])).collect()
            }
        };
    }
    text
}
