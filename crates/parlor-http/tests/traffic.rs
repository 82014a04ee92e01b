//! What is logged of an exchange, and what never is.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod raw;

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use parlor_core::{ChatModel, ChatRequest, ErrorKind, ModelInfo};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::{Auth, Endpoint, HttpModel};
use raw::{ANSWER, in_time, server, whole};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps what is logged at a level and above, one line an event.
#[derive(Clone)]
struct Log {
    most: Level,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    fn at(most: Level) -> Self {
        let lines = Arc::default();
        Self { most, lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most && metadata.target().starts_with("parlor_http")
    }
    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

const KEY: &str = "sk-abcdefghijklmnop9876";
const OTHER: &str = "my-other-secret-5432";

fn model(url: &str) -> HttpModel<OpenAiChat> {
    let endpoint = Endpoint::new(url)
        .unwrap()
        .with_auth(Auth::Bearer(KEY.into()));
    let endpoint = endpoint.with_header("x-house", OTHER).unwrap();
    let endpoint = endpoint.with_query("token", OTHER);
    HttpModel::new(
        OpenAiChat::default(),
        endpoint,
        ModelInfo::new("test", "m-1"),
    )
}

/// What is logged while a model is asked over a server that answers so.
async fn logged(most: Level, answer: Vec<u8>, ask: &str) -> Vec<String> {
    let (url, _seen) = server(answer);
    let log = Log::at(most);
    let guard = tracing::subscriber::set_default(log.clone());
    let model = model(&url);
    let request = ChatRequest::from(ask);
    let answer = in_time(model.chat(&request)).await;
    assert_eq!(answer.unwrap().text(), "Hello");
    drop(guard);
    log.lines()
}

#[tokio::test]
async fn heads_are_told_without_what_was_said() {
    let lines = logged(
        Level::DEBUG,
        whole(200, "x-request-id: r-1\r\n", ANSWER),
        "Why?",
    )
    .await;
    let [request, response] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(
        request.starts_with("DEBUG parlor_http::request"),
        "{request}"
    );
    assert!(
        request.contains("method=POST url=http://127.0.0.1:"),
        "{request}"
    );
    assert!(request.contains("authorization: …9876"), "{request}");
    assert!(
        response.starts_with("DEBUG parlor_http::response"),
        "{response}"
    );
    assert!(response.contains("status=200"), "{response}");
    assert!(response.contains("x-request-id: r-1"), "{response}");
    let number = |line: &str| {
        let (_, rest) = line.split_once("exchange=").unwrap();
        rest.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(number(request), number(response));
    let all = lines.join("\n");
    for secret in [KEY, OTHER, "Why?", "Hello"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
}

#[tokio::test]
async fn bodies_are_told_on_request_bounded_and_without_keys() {
    let ask = format!("Why {KEY}? {}", "word ".repeat(10_000));
    let lines = logged(Level::TRACE, whole(200, "", ANSWER), &ask).await;
    let [_, asked, _, answered] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(asked.starts_with("TRACE parlor_http::request"), "{asked}");
    assert!(asked.contains("Why …9876? word word"), "{asked}");
    assert!(asked.len() < 20_000, "{} bytes", asked.len());
    assert!(
        answered.starts_with("TRACE parlor_http::response"),
        "{answered}"
    );
    assert!(answered.contains("Hello"), "{answered}");
    assert!(
        answered.contains(&format!("bytes={}", ANSWER.len())),
        "{answered}"
    );
    assert!(!lines.join("\n").contains(KEY));
}

#[tokio::test]
async fn nothing_is_told_where_nobody_asks() {
    let lines = logged(Level::INFO, whole(200, "", ANSWER), "Why?").await;
    assert!(lines.is_empty(), "{lines:?}");
}

#[tokio::test]
async fn being_told_changes_no_error() {
    let damaged = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"id\"\r\nzz\r\n";
    let moved = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    for (answer, kind) in [
        (damaged, ErrorKind::Decode),
        (moved, ErrorKind::Configuration),
    ] {
        let mut messages = Vec::new();
        for most in [Level::ERROR, Level::TRACE] {
            let (url, _seen) = server(answer);
            let guard = tracing::subscriber::set_default(Log::at(most));
            let request = ChatRequest::from("Why?");
            let error = in_time(model(&url).chat(&request)).await.unwrap_err();
            drop(guard);
            assert_eq!(error.kind(), kind, "{error}");
            messages.push(error.message().replace(&url, "URL"));
        }
        assert_eq!(messages[0], messages[1]);
    }
}

#[tokio::test]
async fn a_response_that_never_came_is_told_too() {
    let log = Log::at(Level::DEBUG);
    let guard = tracing::subscriber::set_default(log.clone());
    // Nobody listens at port 9 of this machine.
    let error = model("http://127.0.0.1:9")
        .chat(&ChatRequest::from("Why?"))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Connection);
    drop(guard);
    let all = log.lines().join("\n");
    assert!(all.contains("no response"), "{all}");
    assert!(!all.contains(OTHER), "{all}");
}
