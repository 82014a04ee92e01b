//! A first agent with a tool: `cargo run -p examples --example agent -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::{Conversation, tool};

/// The weather in a city, now.
#[tool]
async fn weather(
    /// The city, without the country.
    city: String,
) -> String {
    format!("4 degrees and light rain in {city}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let mut chat = Conversation::shared(model).with_tool(weather);
    let reply = chat.send("Use weather: do I need a coat in Oslo?").await?;
    println!("{}", reply.text());
    Ok(())
}
