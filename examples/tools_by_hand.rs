//! Let a model call a tool, and answer it by hand:
//! `cargo run -p examples --example tools_by_hand -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::{ChatModelExt, ChatRequest, Message, ToolCall, ToolDefinition, ToolResult};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let weather = ToolDefinition::function(
        "get_weather",
        "The weather in a city, now.",
        json!({
            "type": "object",
            "properties": {"city": {"type": "string", "examples": ["Oslo"]}},
            "required": ["city"],
            "additionalProperties": false
        }),
    );
    let mut request =
        ChatRequest::from("Use get_weather: do I need a coat in Oslo?").with_tool(weather);
    for _ in 0..8 {
        let answer = model.ask(request.clone()).await?;
        let Some(message) = answer.message() else {
            break;
        };
        let results: Vec<ToolResult> = message.tool_calls().map(run).collect();
        if results.is_empty() {
            println!("{}", answer.text());
            break;
        }
        request.messages.push(message.clone());
        request.messages.push(Message::tool_results(results));
    }
    Ok(())
}

/// Runs one call. Arguments that aren't valid go back to the model, which then
/// corrects itself.
fn run(call: &ToolCall) -> ToolResult {
    println!("-> {}({})", call.name, call.arguments.text);
    match call.arguments.parse() {
        Ok(arguments) => {
            let city = arguments["city"].as_str().unwrap_or("nowhere");
            ToolResult::text(&call.id, format!("{city}: 4 degrees, light rain"))
        }
        Err(error) => ToolResult::error(&call.id, error.to_string()),
    }
}
