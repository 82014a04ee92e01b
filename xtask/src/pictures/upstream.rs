//! A provider for a picture: OpenAI's chat format on a loopback port, with one scripted answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::json;

/// Serves until the program ends; gives its base URL.
pub(super) fn serve(answer: &'static str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("a server on the loopback: {error}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that leaves has its reasons.
            thread::spawn(move || reply(stream, answer));
        }
    });
    Ok(format!("http://{address}/v1"))
}

fn reply(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(("content-length", value)) = line.to_ascii_lowercase().split_once(':') {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.by_ref().take(length).read_to_end(&mut Vec::new())?;
    let mut out = reader.into_inner();
    out.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    )?;
    let mut frame = |choices, usage| {
        let frame = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.4-mini",
            "choices": choices, "usage": usage,
        });
        write!(out, "data: {frame}\n\n")
    };
    for piece in answer.split_inclusive(' ') {
        frame(
            json!([{"index": 0, "delta": {"content": piece}, "finish_reason": null}]),
            json!(null),
        )?;
    }
    frame(
        json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        json!(null),
    )?;
    let usage = json!({"prompt_tokens": 31, "completion_tokens": 164, "total_tokens": 195});
    frame(json!([]), usage)?;
    out.write_all(b"data: [DONE]\n\n")
}
