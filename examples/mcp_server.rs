//! An MCP server of one tool, by hand, for the example `mcp`: a line in, a line out.

#![allow(clippy::print_stdout)]

use serde_json::{Value, json};
use std::io::BufRead;

fn main() -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        if let Some(result) = answer(&message) {
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            println!("{answer}");
        }
    }
    Ok(())
}

/// What a message is answered; a notification isn't.
fn answer(message: &Value) -> Option<Value> {
    match message["method"].as_str()? {
        "initialize" => Some(json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "greeter", "version": "1"},
        })),
        "tools/list" => Some(json!({"tools": [{
            "name": "greet",
            "description": "Greets somebody.",
            "inputSchema": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
            },
        }]})),
        "tools/call" => {
            let name = message["params"]["arguments"]["name"].as_str();
            let text = format!("Hello, {}!", name.unwrap_or("whoever you are"));
            Some(json!({"content": [{"type": "text", "text": text}]}))
        }
        _ => None,
    }
}
