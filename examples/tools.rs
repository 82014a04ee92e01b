//! Tools that run by themselves, side by side, with what they need handed in:
//! `cargo run -p examples --example tools -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::{Conversation, Json, Limits, RunEvent, schemars, tool};
use std::collections::BTreeMap;

/// What the tools work with; the model knows nothing of it.
struct Stock(BTreeMap<&'static str, u32>);

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Pieces,
    Dozens,
}

/// How much of an article is in stock.
#[tool]
async fn in_stock(
    /// The article, in the singular.
    #[schemars(example = &"egg")]
    article: String,
    /// What is counted; pieces where nothing is said.
    unit: Option<Unit>,
    #[context] stock: &Stock,
) -> Result<String, String> {
    // A failure is told to the model, which may ask otherwise.
    let pieces = stock.0.get(&*article).ok_or("there is no such article")?;
    Ok(match unit {
        Some(Unit::Dozens) => format!("{} dozen", pieces / 12),
        _ => format!("{pieces} pieces"),
    })
}

/// All articles that there are.
#[tool]
async fn articles(#[context] stock: &Stock) -> Json<Vec<&'static str>> {
    Json(stock.0.keys().copied().collect())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let mut chat = Conversation::shared(model)
        .with_tool(in_stock)
        .with_tool(articles)
        .with_value(Stock(BTreeMap::from([("egg", 30), ("lemon", 4)])))
        .with_limits(Limits::steps(6));
    let question = "Use in_stock: are there eggs enough for a cake of four?";
    let reply = chat
        .stream_with(question, |event| match event {
            RunEvent::ToolStarted(call) => println!("-> {}({})", call.name, call.arguments.text),
            RunEvent::ToolFinished(result) => println!("<- {}", result.joined_text()),
            _ => {}
        })
        .await?;
    println!("{}", reply.text());
    println!("{:?} after {} steps", reply.outcome, reply.steps);
    Ok(())
}
