//! A server that the tests start as a program: well-behaved, or faulty in the way that its first
//! argument names. With `--alive ADDRESS` it holds a connection open as long as it lives.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit
)]

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use rmcp::ServiceExt;
use serde_json::{Value, json};
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let alive = arguments.iter().position(|it| it == "--alive");
    let _alive = alive.map(|at| {
        let mut stream = TcpStream::connect(&arguments[at + 1]).unwrap();
        writeln!(stream, "{}", std::process::id()).unwrap();
        stream
    });
    let mode = arguments.first().map(String::as_str).unwrap_or_default();
    match mode {
        "exit" => {
            eprintln!("no such folder: /nowhere");
            std::process::exit(2);
        }
        "hang" => {
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        "stubborn" => {
            serve(fixture::Fixture::default()).await;
            loop {
                std::thread::park();
            }
        }
        "odd" => odd(),
        "junk" => {
            println!("Welcome to the server!\n{{\"not\": \"a message\"}}\n\n[1, 2");
            serve(fixture::Fixture::default()).await;
        }
        "modern" => {
            let modern = true;
            serve(fixture::Fixture {
                modern,
                ..fixture::Fixture::default()
            })
            .await;
        }
        _ => serve(fixture::Fixture::default()).await,
    }
}

async fn serve(fixture: fixture::Fixture) {
    let serving = fixture.serve(rmcp::transport::stdio()).await;
    if let Ok(serving) = serving {
        let _ = serving.waiting().await;
    }
}

/// A server that keeps to the protocol only so far.
fn odd() {
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let result = match request["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": "2024-11-05",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "odd", "version": "0"},
            }),
            Some("tools/list") => json!({"tools": [
                {"name": "none"},
                {"name": "null", "inputSchema": null, "description": null},
                {"name": "empty", "inputSchema": {}, "description": "red \u{1b}[31malert"},
                {"name": "string", "inputSchema": {"type": "string"}},
                {"name": "list", "inputSchema": ["x"]},
                {"name": "empty", "inputSchema": {}},
                {"inputSchema": {}},
                {"name": "nullable", "inputSchema": {"type": ["object", "null"], "properties": null}},
                7,
            ], "nextCursor": null}),
            Some("tools/call") => json!({"content": [
                {"type": "text", "text": "known"},
                {"type": "hologram", "light": true},
            ]}),
            _ => continue,
        };
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        println!("{answer}");
    }
}
