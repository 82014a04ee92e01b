//! Servers over streamable HTTP, well-behaved and not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixture;

use fixture::Fixture;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use parlor_agent::{Tool, ToolBox, ToolContext, ToolOutput};
use parlor_core::{Error, ErrorKind, Part, ToolCall};
use parlor_mcp::{Address, McpClient, McpServer};
use parlor_registry::{Env, KeySource};
use parlor_testkit::{ApiAnswer, ApiServer, SeenRequest};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Serves on the loopback interface as long as the runtime lives.
async fn serve(fixture: Fixture) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let sessions = Arc::new(LocalSessionManager::default());
    let config = StreamableHttpServerConfig::default();
    let service = StreamableHttpService::new(move || Ok(fixture.clone()), sessions, config);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                let _ = builder
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    url
}

async fn call(client: &McpClient, name: &str, arguments: Value) -> Result<ToolOutput, Error> {
    let tools = client.tools().await?;
    let tool = tools.iter().find(|tool| tool.remote_name() == name);
    let context = ToolContext::new(ToolCall::default());
    tool.expect("the tool").call(arguments, &context).await
}

fn text(output: &ToolOutput) -> &str {
    output.parts.first().and_then(Part::as_text).unwrap()
}

#[tokio::test]
async fn tools_are_listed_and_called() {
    for modern in [false, true] {
        let fixture = Fixture {
            modern,
            ..Fixture::default()
        };
        let url = serve(fixture.clone()).await;
        let client = McpServer::http("net", &*url).connect().await.unwrap();
        let output = call(&client, "echo", json!({"text": "grüße"}))
            .await
            .unwrap();
        assert_eq!(text(&output), "grüße");
        let output = call(&client, "big", json!({})).await.unwrap();
        assert_eq!(text(&output).len(), 10 * 1024 * 1024);

        let mut tools = ToolBox::new();
        assert!(client.register(&mut tools).await.unwrap());
        call(&client, "grow", json!({})).await.unwrap();
        while !client.register(&mut tools).await.unwrap() {
            tokio::task::yield_now().await;
        }
        assert!(tools.get("net__grown").is_some());
        client.close().await;
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_at_the_server() {
    let url = serve(Fixture::default()).await;
    let limit = Some(Duration::from_millis(300));
    let server = McpServer::http("net", &*url).with_call_timeout(limit);
    let client = server.connect().await.unwrap();
    let error = call(&client, "slow", json!({})).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");
    while text(&call(&client, "given_up", json!({})).await.unwrap()) != "1" {
        tokio::task::yield_now().await;
    }
    client.close().await;
}

/// What a small server answers to a message, in session `s1`, then `s2`.
fn answer(seen: &SeenRequest, starts: &AtomicUsize) -> ApiAnswer {
    let Ok(message) = serde_json::from_slice::<Value>(&seen.body) else {
        // No stream of the server's own, and nothing to delete.
        return ApiAnswer::new(405, "");
    };
    let result = match message["method"].as_str() {
        Some("initialize") => {
            starts.fetch_add(1, Ordering::SeqCst);
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "small", "version": "0"},
            })
        }
        Some("tools/list") => json!({"tools": [{"name": "hi", "inputSchema": {"type": "object"}}]}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "hello"}]}),
        _ => return ApiAnswer::new(202, ""),
    };
    let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
    let session = format!("s{}", starts.load(Ordering::SeqCst));
    ApiAnswer::new(200, body.to_string()).header("mcp-session-id", session)
}

#[tokio::test]
async fn an_expired_session_is_begun_again() {
    let starts = AtomicUsize::new(0);
    let server = ApiServer::answering(move |seen| {
        let is_call = String::from_utf8_lossy(&seen.body).contains("tools/call");
        match is_call && seen.header("mcp-session-id") == Some("s1") {
            true => ApiAnswer::new(404, "no such session"),
            false => answer(seen, &starts),
        }
    })
    .await
    .unwrap();
    let client = McpServer::http("net", server.url())
        .connect()
        .await
        .unwrap();
    let output = call(&client, "hi", json!({})).await.unwrap();
    assert_eq!(text(&output), "hello");
    client.close().await;
}

#[tokio::test]
async fn tokens_and_headers_go_with_every_request() {
    let starts = AtomicUsize::new(0);
    let server = ApiServer::answering(move |seen| answer(seen, &starts))
        .await
        .unwrap();
    let address = Address::new(server.url())
        .with_token_from(KeySource::Env(vec!["NET_TOKEN".to_owned()]))
        .with_header("x-team", "blue");
    let missing = McpServer::http("net", address.clone()).with_env(Env::empty());
    let error = missing.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("NET_TOKEN"), "{error}");

    let env = Env::from([("NET_TOKEN", "the-very-token")]);
    let client = McpServer::http("net", address)
        .with_env(env)
        .connect()
        .await
        .unwrap();
    call(&client, "hi", json!({})).await.unwrap();
    assert!(!format!("{client:?}").contains("the-very"), "{client:?}");
    client.close().await;
    let seen = server.requests();
    assert!(seen.len() >= 4, "{seen:?}");
    for seen in seen {
        assert_eq!(seen.header("authorization"), Some("Bearer the-very-token"));
        assert_eq!(seen.header("x-team"), Some("blue"));
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    type Made = fn(ApiAnswer) -> ApiAnswer;
    let plain: Made = |it| it;
    let challenge: Made = |it| it.header("www-authenticate", "Bearer");
    for (status, more, kind, help) in [
        (401, plain, ErrorKind::Authentication, "token"),
        (401, challenge, ErrorKind::Authentication, "token"),
        (403, plain, ErrorKind::Permission, ""),
        (404, plain, ErrorKind::Configuration, "/mcp"),
        (429, plain, ErrorKind::RateLimited, ""),
        (500, plain, ErrorKind::Server, ""),
    ] {
        let server = ApiServer::answering(move |_| {
            more(ApiAnswer::new(status, "no, not with the-very-token"))
        });
        let server = server.await.unwrap();
        let address = Address::new(server.url()).with_token("the-very-token");
        let error = McpServer::http("net", address).connect().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        assert_eq!(error.status(), Some(status), "{error}");
        assert!(error.help().contains(help), "{status}: {}", error.help());
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("the-very"), "{shown}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_at_home_and_nowhere_else() {
    let elsewhere = ApiServer::start([]).await.unwrap();
    let target = format!("{}/mcp", elsewhere.url());
    let server =
        ApiServer::answering(move |_| ApiAnswer::new(307, "").header("location", target.clone()));
    let server = server.await.unwrap();
    let address = Address::new(server.url()).with_token("the-very-token");
    let error = McpServer::http("net", address).connect().await.unwrap_err();
    assert_eq!(error.status(), Some(307), "{error}");
    assert!(error.help().contains("`url`"), "{}", error.help());
    assert!(elsewhere.requests().is_empty());

    let starts = AtomicUsize::new(0);
    let server = ApiServer::answering(move |seen| match seen.path.as_str() {
        "/mcp" => ApiAnswer::new(307, "").header("location", "/mcp/"),
        _ => answer(seen, &starts),
    });
    let server = server.await.unwrap();
    let url = format!("{}/mcp", server.url());
    let client = McpServer::http("net", url).connect().await.unwrap();
    let output = call(&client, "hi", json!({})).await.unwrap();
    assert_eq!(text(&output), "hello");
    client.close().await;
}

#[tokio::test]
async fn nobody_there_and_nonsense_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", free.local_addr().unwrap());
    drop(free);
    let error = McpServer::http("net", url).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(error.message().contains("`net` didn't start"), "{error}");

    let error = McpServer::http("net", "ftp://x")
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let limit = Some(Duration::from_millis(200));
    let server = McpServer::http("net", url).with_start_timeout(limit);
    let error = server.connect().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout(_)), "{error}");

    let server = ApiServer::answering(|_| ApiAnswer::new(200, "<html>Welcome</html>"));
    let server = server.await.unwrap();
    let error = McpServer::http("net", server.url())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
}
