//! What clients do to a service by mistake or on purpose, and what they see of it.
//!
//! With `PARLOR_WRITE=1` in the environment the table in the README is written anew.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parlor_server::{Outcome, ServerConfig, Service};
use parlor_testkit::fault::Wire;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::sendings::{CHAT, MOST, asked, asked_of, post, request, sendings};
use crate::shape;
use crate::stage::{BOUND, Counted, registry, serve};
use crate::tee::{Came, exchange, parsed};

/// How long a client may take that has to send or to read something.
const PATIENCE: Duration = Duration::from_millis(300);

/// The paths at which dialects are spoken.
const PATHS: [(&str, Wire); 5] = [
    (CHAT, Wire::OpenAiChat),
    ("/v1/responses", Wire::OpenAiResponses),
    ("/v1/messages", Wire::AnthropicMessages),
    ("/v1beta/models/echo%2Fecho:generateContent", Wire::Gemini),
    ("/api/chat", Wire::Ollama),
];

struct Stage {
    service: Service,
    address: SocketAddr,
    counted: Arc<Counted>,
}

impl Stage {
    /// A service with these providers, whose patience is short.
    async fn start(settings: &str) -> Self {
        let mut config = ServerConfig::default();
        let counted = Counted::of(&mut config);
        config.max_body = MOST;
        config.header_timeout = Some(PATIENCE);
        config.client_timeout = Some(PATIENCE);
        let (address, service) = serve(registry(settings), config).await;
        Self {
            service,
            address,
            counted,
        }
    }

    async fn sent(&self, bytes: &[u8]) -> Option<Came> {
        let came = timeout(BOUND, exchange(self.address, bytes)).await;
        came.expect("the connection stays open")
    }
}

/// What ends before the answer, or takes its time, and what is seen of it.
const DOINGS: &[(&str, &str)] = &[
    ("a head that drips", "the connection ends"),
    ("a body that drips", "408"),
    (
        "a head without end",
        "431, and no more is taken than sockets hold",
    ),
    (
        "two requests at once, one behind the other",
        "two answers in order",
    ),
    (
        "`Expect: 100-continue`",
        "100 and 200; a refusal where there is one",
    ),
    (
        "a reader that stops",
        "the provider waits; then it is hung up on, and so is the reader",
    ),
    ("a client that leaves", "the provider is hung up on"),
    ("a client that ends its half", "the provider is hung up on"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_client_sends_it_is_answered_or_let_go() {
    let stage = Stage::start("").await;
    let sendings = sendings();
    let mut table = "| a client sends | and sees |\n|---|---|\n".to_owned();
    let all = sendings.iter().map(|(_, bytes, _)| stage.sent(bytes));
    let all = futures_util::future::join_all(all).await;
    let mut wrong = Vec::new();
    for ((what, _, right), came) in sendings.iter().zip(all) {
        let seen = came.as_ref().map(|it| it.status);
        if seen != *right {
            let body = came
                .as_ref()
                .map(|it| String::from_utf8_lossy(&it.body).into_owned());
            wrong.push(format!("{what}: {seen:?}, not {right:?} ({body:?})"));
        }
        if let Some(came) = came.filter(|it| it.status != 200 && !it.body.is_empty())
            && let Some(why) = shape::refusal(Wire::OpenAiChat, &came)
        {
            wrong.push(format!("{what}: {why}"));
        }
        let seen = match right {
            Some(200) => "the answer".to_owned(),
            Some(status) => status.to_string(),
            None => "the connection ends".to_owned(),
        };
        table += &format!("| {what} | {seen} |\n");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (what, seen) in DOINGS {
        table += &format!("| {what} | {seen} |\n");
    }
    // Nothing of it stays.
    assert_eq!(
        stage.sent(&post(CHAT, "", &asked())).await.unwrap().status,
        200
    );
    assert_eq!(stage.service.in_flight(), 0);
    crate::page::region("clients' faults", &table);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_the_shape_of_each_dialect() {
    let stage = Stage::start("").await;
    for (path, wire) in PATHS {
        for body in [
            "",
            "{",
            "[]",
            "7",
            "{\"model\":7}",
            "{\"model\":\"nobody/knows\"}",
        ] {
            let came = stage.sent(&post(path, "", body.as_bytes())).await.unwrap();
            assert!((400..500).contains(&came.status), "{path} {body}");
            assert_eq!(shape::refusal(wire, &came), None, "{path} {body}");
        }
        let came = stage
            .sent(&post(path, "", &[b' '; MOST + 1]))
            .await
            .unwrap();
        assert_eq!(
            (came.status, shape::refusal(wire, &came)),
            (413, None),
            "{path}"
        );
    }
}

/// Sends the same piece again and again, until the service has enough.
async fn dripped(
    address: SocketAddr,
    first: &[u8],
    piece: &[u8],
    most: usize,
) -> (Option<Came>, usize) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut into) = stream.into_split();
    into.write_all(first).await.unwrap();
    let mut sent = 0;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 4096];
    loop {
        tokio::select! {
            biased;
            read = from.read(&mut buffer) => match read {
                Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
                _ => return (parsed(&answer), sent),
            },
            () = tokio::time::sleep(Duration::from_millis(if piece.len() > 9 { 0 } else { 20 })) => {
                assert!(sent < most, "{sent} bytes were taken");
                match into.write_all(piece).await {
                    Ok(()) => sent += piece.len(),
                    Err(_) => piece_refused(&mut from, &mut answer).await,
                }
            }
        }
    }
}

/// What came before the connection was reset.
async fn piece_refused(from: &mut (impl AsyncReadExt + Unpin), answer: &mut Vec<u8>) {
    let _ = from.read_to_end(answer).await;
}

#[tokio::test]
async fn who_drips_keeps_no_place() {
    let stage = Stage::start("").await;
    let head = b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-drip: ";
    let body = request(CHAT, "content-length: 9000\r\n", b"{");
    let (head, body) = tokio::join!(
        timeout(BOUND, dripped(stage.address, head, b"x", 9_000)),
        timeout(BOUND, dripped(stage.address, &body, b" ", 9_000)),
    );
    assert!(head.unwrap().0.is_none_or(|it| it.status == 408));
    assert_eq!(body.unwrap().0.unwrap().status, 408);
    let piece = "x".repeat(4096);
    let endless = dripped(
        stage.address,
        b"GET / HTTP/1.1\r\nx-long: ",
        piece.as_bytes(),
        8 << 20,
    );
    let (came, _) = timeout(BOUND, endless).await.unwrap();
    assert!(came.is_none_or(|it| it.status == 431));
}

#[tokio::test]
async fn requests_behind_each_other_are_answered_in_order() {
    let stage = Stage::start("").await;
    let body = asked();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let first = [head.as_bytes(), &body].concat();
    let second = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream
        .write_all(&[&first, &second[..]].concat())
        .await
        .unwrap();
    let mut came = String::new();
    stream.read_to_string(&mut came).await.unwrap();
    let answers: Vec<&str> = came.split("HTTP/1.1 200 OK").skip(1).collect();
    assert_eq!(answers.len(), 2, "{came}");
    assert!(
        answers[0].contains("chat.completion") && answers[1].ends_with("ok\n"),
        "{came}"
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_is() {
    let stage = Stage::start("").await;
    let body = asked();
    let lines = format!("expect: 100-continue\r\ncontent-length: {}\r\n", body.len());
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(&request(CHAT, &lines, b"")).await.unwrap();
    let mut came = vec![0; 4096];
    let count = stream.read(&mut came).await.unwrap();
    assert!(came[..count].starts_with(b"HTTP/1.1 100"));
    stream.write_all(&body).await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    // One that is refused anyway isn't asked for it.
    let lines = "expect: 100-continue\r\ncontent-length: 1000000\r\n";
    let came = stage.sent(&request(CHAT, lines, b"")).await.unwrap();
    assert_eq!(came.status, 413);
}

/// A provider that goes on for ever, and tells how much was taken when it is stopped: nothing more
/// within this time, or hung up on.
async fn endless(stops_after: Duration) -> (String, mpsc::UnboundedReceiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(flood(stream, tell.clone(), stops_after));
        }
    });
    (url, told)
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// So many bytes were taken, and then none for a while.
    Waits(usize),
    Gone,
}

async fn flood(mut stream: TcpStream, tell: mpsc::UnboundedSender<Told>, stops_after: Duration) {
    let mut head = vec![0; 8192];
    let _ = stream.read(&mut head).await;
    let begin = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let _ = stream.write_all(begin).await;
    let delta = json!({ "choices": [{ "index": 0, "delta": { "content": "x".repeat(16_000) } }] });
    let frame = format!("data: {delta}\n\n");
    let (mut from, mut into) = stream.into_split();
    let mut taken = 0;
    let mut waits = false;
    let flood = async {
        loop {
            let mut rest = frame.as_bytes();
            while !rest.is_empty() {
                let writing = into.write(rest);
                let count = match timeout(stops_after, writing).await {
                    Ok(Ok(count)) => count,
                    Ok(Err(_)) => return,
                    Err(_) => {
                        if !std::mem::replace(&mut waits, true) {
                            let _ = tell.send(Told::Waits(taken));
                        }
                        continue;
                    }
                };
                taken += count;
                rest = &rest[count..];
            }
        }
    };
    tokio::select! {
        () = flood => {}
        _ = from.read_u8() => {}
    }
    let _ = tell.send(Told::Gone);
}

fn behind(url: &str) -> String {
    format!(
        "[providers.openai-chat]\nbase_url = \"{url}\"\napi_key_env = \"KEY\"\n\
         [providers.far]\ntype = \"ollama\"\nbase_url = \"{url}\"\n"
    )
}

/// Asks for a stream, and waits for its beginning.
async fn streaming(stage: &Stage, path: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut stream = socket.connect(stage.address).await.unwrap();
    let body = asked_of("openai-chat/behind", true);
    stream.write_all(&post(path, "", &body)).await.unwrap();
    let mut came = vec![0; 256];
    let count = stream.read(&mut came).await.unwrap();
    assert!(
        came[..count].starts_with(b"HTTP/1.1 200"),
        "{}",
        came.escape_ascii()
    );
    stream
}

#[tokio::test]
async fn a_slow_reader_slows_the_provider_down_and_is_let_go() {
    let (url, mut told) = endless(PATIENCE / 2).await;
    let stage = Stage::start(&behind(&url)).await;
    for path in [CHAT, "/v1/messages", "/api/chat"] {
        let stream = streaming(&stage, path).await;
        let Some(Told::Waits(taken)) = timeout(BOUND, told.recv()).await.unwrap() else {
            panic!("{path}: the provider never waited");
        };
        // What the sockets of three parties hold, and little beside.
        assert!(taken < 32 << 20, "{path}: {taken}");
        assert_eq!(
            timeout(BOUND, told.recv()).await.unwrap(),
            Some(Told::Gone),
            "{path}"
        );
        drop(stream);
    }
}

#[tokio::test]
async fn who_leaves_or_ends_its_half_ends_the_call() {
    let (url, mut told) = endless(BOUND).await;
    let stage = Stage::start(&behind(&url)).await;
    for path in [CHAT, "/v1/messages", "/api/chat"] {
        drop(streaming(&stage, path).await);
        assert_eq!(
            timeout(BOUND, told.recv()).await.unwrap(),
            Some(Told::Gone),
            "{path}"
        );
        let mut stream = streaming(&stage, path).await;
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(BOUND, stream.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(
            timeout(BOUND, told.recv()).await.unwrap(),
            Some(Told::Gone),
            "{path}"
        );
    }
    let all = stage.counted.wait_for(6).await;
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|it| it.outcome == Outcome::Left));
}
