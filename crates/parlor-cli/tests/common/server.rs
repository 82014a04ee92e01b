//! Servers that give the answers they were told: whole, one after the other, or in pieces.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

/// One answer: status, further header lines, body.
pub struct Answer(pub u16, pub &'static str, pub String);

/// A request as it came.
#[derive(Debug)]
pub struct Seen {
    /// Method, path and headers, in lower case but for the first line.
    pub head: String,
    pub body: String,
}

pub struct Server {
    pub url: String,
    seen: Receiver<Seen>,
}

impl Server {
    /// Answers as many requests as there are answers, each on its own connection. What a long
    /// prompt has an Ollama asked before it says nothing, and is none of them.
    pub fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = channel();
        std::thread::spawn(move || {
            for Answer(status, headers, body) in answers {
                // A knock is a connection without a request.
                let (mut stream, request) = loop {
                    let (stream, _) = listener.accept().unwrap();
                    let Some(request) = read_request(&stream) else {
                        continue;
                    };
                    if !is_of_context(&request.head) {
                        break (stream, request);
                    }
                    let _ = (&stream).write_all(NOT_HERE);
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
                );
                let _ = stream.write_all((head + &body).as_bytes());
                let _ = sender.send(request);
            }
        });
        Self { url, seen }
    }

    /// The next request.
    pub fn request(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    /// Whether another request came.
    pub fn is_done(&self) -> bool {
        self.seen.try_recv().is_err()
    }
}

/// A server that speaks Ollama's protocol and answers piece by piece, as many requests
/// as come.
pub struct Dripping {
    pub url: String,
    asked: Receiver<(Seen, SyncSender<String>)>,
}

impl Dripping {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                let (pieces, rest) = sync_channel(16);
                std::thread::spawn(move || drip(stream, rest));
                if sender.send((request, pieces)).is_err() {
                    break;
                }
            }
        });
        Self { url, asked }
    }

    /// The next request, and where the pieces of its answer go: text, or a message as
    /// JSON. The end of them is the answer's; they are refused once the client has hung up.
    pub fn asked(&self) -> (Seen, SyncSender<String>) {
        self.asked.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// Whether another request came.
    pub fn is_done(&self) -> bool {
        self.asked.try_recv().is_err()
    }
}

fn drip(mut stream: TcpStream, pieces: Receiver<String>) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n";
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    for piece in pieces {
        let message = serde_json::from_str(&piece).ok().filter(Value::is_object);
        let text = || json!({ "role": "assistant", "content": piece });
        let message = message.unwrap_or_else(text);
        let line = json!({ "model": "m", "message": message, "done": false });
        if stream.write_all(format!("{line}\n").as_bytes()).is_err() {
            return;
        }
    }
    let end = json!({
        "model": "m", "message": { "role": "assistant", "content": "" },
        "done": true, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 90,
    });
    let _ = stream.write_all(format!("{end}\n").as_bytes());
}

const NOT_HERE: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

fn is_of_context(head: &str) -> bool {
    head.starts_with("GET /api/ps ") || head.starts_with("POST /api/show ")
}

/// Reads a request; `None` where the client only knocked.
pub fn read_request(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if !head.is_empty() {
            line.make_ascii_lowercase();
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    Some(Seen { head, body })
}
