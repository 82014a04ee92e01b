//! A service that answers by several threads.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;
mod talk;

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::http::Request;
use common::registry;
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use parlor_server::{ServerConfig, Service};
use serde_json::json;
use talk::{LONG, MODEL, Talk};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const STREAM: &str = "/api/chat/stream";

fn asked() -> serde_json::Value {
    json!({ "model": "echo", "messages": [{ "role": "user", "content": "Hi" }] })
}

#[tokio::test]
async fn each_request_is_answered_and_all_threads_end() {
    let mut config = ServerConfig::default();
    config.threads = NonZeroUsize::new(3).unwrap();
    let service = Service::new(registry(""), config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    let (end, told) = oneshot::channel::<()>();
    let running = tokio::spawn({
        let service = service.clone();
        async move {
            let told = async move { told.await.unwrap_or_default() };
            service.run_on(listener, told).await
        }
    });
    let asks = (0..60).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { common::post(&url, STREAM, &asked(), &[]).await.0 })
    });
    for ask in asks.collect::<Vec<_>>() {
        assert_eq!(ask.await.unwrap(), 200);
    }
    // Whichever thread took it, one that waits is answered after the end was told, and no new
    // connection is taken.
    let mut waiting = Vec::new();
    let body = asked().to_string();
    let (first, rest) = body.split_at(10);
    for _ in 0..6 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST {STREAM} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        let length = body.len();
        let sent = format!("{head}content-length: {length}\r\nexpect: 100-continue\r\n\r\n");
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut going_on = [0; 25];
        stream.read_exact(&mut going_on).await.unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    end.send(()).unwrap();
    for mut stream in waiting {
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\"finished\":true"), "{answer}");
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
    ended.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Reads frames until one has the words.
async fn read(body: &mut Body, words: &str) {
    let mut text = String::new();
    while !text.contains(words) {
        let frame = body.frame().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
}

/// Reads all there is for now: whoever reads on is woken by what comes.
async fn look(body: &mut Body) {
    let reading = poll_fn(|cx| {
        while Pin::new(&mut *body).poll_frame(cx).is_ready() {}
        Poll::Ready(())
    });
    reading.await;
}

#[tokio::test]
async fn what_one_task_began_to_read_another_reads_on() {
    let talk = Talk::start(ServerConfig::default()).await;
    // In the provider's dialect, whose bytes pass, and in another.
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let asked = json!({
            "model": MODEL, "stream": true, "max_tokens": 9,
            "messages": [{ "role": "user", "content": "Hi" }],
        });
        let request = Request::post(path).body(Body::from(asked.to_string()));
        let routes = TowerToHyperService::new(talk.service.router());
        let first = tokio::spawn(async move {
            let mut body = routes.call(request.unwrap()).await.unwrap().into_body();
            read(&mut body, "one").await;
            look(&mut body).await;
            body
        });
        let call = talk.call().await;
        call.say("one");
        let mut body = tokio::time::timeout(LONG, first).await.unwrap().unwrap();
        let (waits, waited) = oneshot::channel();
        let second = tokio::spawn(async move {
            look(&mut body).await;
            waits.send(()).unwrap();
            read(&mut body, "two").await;
        });
        waited.await.unwrap();
        call.end("two");
        tokio::time::timeout(LONG, second).await.unwrap().unwrap();
    }
}
