//! What becomes of a request whose connection breaks.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parlor_core::{ChatModel, ChatModelExt, ErrorKind, ModelInfo, Retry};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::{Auth, Endpoint, HttpModel, Method, own_connections};
use parlor_testkit::fault::{FaultServer, FaultSuite};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn endpoint(server: &FaultServer, case: &str) -> Endpoint {
    let auth = Auth::Bearer(FaultSuite::KEY.into());
    Endpoint::new(&server.url(case)).unwrap().with_auth(auth)
}

fn model(server: &FaultServer, case: &str) -> impl ChatModel {
    let info = ModelInfo::new("test", "test-model");
    HttpModel::new(OpenAiChat::default(), endpoint(server, case), info)
}

#[tokio::test]
async fn a_request_that_a_kept_connection_broke_under_is_not_sent_twice() {
    let server = FaultServer::start().await.unwrap();
    // Models share the connections to their host.
    let ask = async || model(&server, "reset-reused").ask("Hi").await;
    assert!(!ask().await.unwrap().text().is_empty());
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.retry(), Retry::Later(None), "whoever wants to, may");
    assert!(!ask().await.unwrap().text().is_empty());
    let seen = server.requests_of("reset-reused");
    let reused: Vec<bool> = seen.iter().map(|it| it.reused()).collect();
    assert_eq!(reused, [false, true, false]);
}

/// Answers one request a connection and breaks it under the next. Tells of
/// every request whether the connection had been used before.
fn breaking_server() -> (String, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream);
            for reused in [false, true] {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                if head.is_empty() || sender.send(reused).is_err() {
                    break;
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                if !reused {
                    reader.get_mut().write_all(answer).unwrap();
                }
            }
        }
    });
    (url, seen)
}

#[tokio::test]
async fn a_question_that_changes_nothing_is_sent_once_more() {
    let (url, seen) = breaking_server();
    let endpoint = Endpoint::new(&url).unwrap();
    for _ in 0..2 {
        let get = endpoint.send(Method::GET, "/models", &[], None);
        assert_eq!(get.await.unwrap().bytes().await.unwrap(), "{}");
    }
    let reused: Vec<bool> = seen.try_iter().collect();
    assert_eq!(reused, [false, true, false]);
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    let server = FaultServer::start().await.unwrap();
    let model = model(&server, "reset-before-headers");
    let error = model.ask("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(server.requests_of("reset-before-headers").len(), 1);
}

/// How many connections to a host are kept.
const KEPT: usize = 256;

/// Answers when so many requests are there, and tells of each connection that ends.
async fn crowded(together: usize) -> (String, UnboundedReceiver<()>, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, ended) = unbounded_channel();
    let all = Arc::new(tokio::sync::Barrier::new(together));
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let (all, tell) = (Arc::clone(&all), tell.clone());
            tokio::spawn(async move {
                let mut stream = tokio::io::BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|it| it > 0) {
                    if line == "\r\n" {
                        all.wait().await;
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                    }
                    line.clear();
                }
                let _ = tell.send(());
            });
        }
    });
    (url, ended, opened)
}

#[tokio::test]
async fn of_the_connections_of_a_rush_some_are_kept() {
    const RUSH: usize = KEPT + 4;
    let (url, mut ended, opened) = crowded(RUSH).await;
    let endpoint = Endpoint::new(&url).unwrap();
    for new in [RUSH, 4] {
        let before = opened.load(Ordering::Relaxed);
        let gets = (0..RUSH).map(|_| async {
            let get = endpoint.send(Method::GET, "/models", &[], None);
            assert_eq!(get.await.unwrap().bytes().await.unwrap(), "{}");
        });
        futures_util::future::join_all(gets).await;
        assert_eq!(opened.load(Ordering::Relaxed) - before, new);
        for _ in KEPT..RUSH {
            let closed = tokio::time::timeout(Duration::from_secs(20), ended.recv()).await;
            closed.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_thread_can_have_connections_of_its_own() {
    let server = FaultServer::start().await.unwrap();
    let ask = async || model(&server, "plain").ask("Hi").await.unwrap();
    ask().await;
    ask().await;
    let there = endpoint(&server, "plain");
    let elsewhere = tokio::task::spawn_blocking(move || {
        own_connections();
        let info = ModelInfo::new("test", "test-model");
        let model = HttpModel::new(OpenAiChat::default(), there, info);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..2 {
                model.ask("Hi").await.unwrap();
            }
        });
    });
    elsewhere.await.unwrap();
    ask().await;
    let seen = server.requests_of("plain");
    let reused: Vec<bool> = seen.iter().map(|it| it.reused()).collect();
    assert_eq!(reused, [false, true, false, true, true]);
}
