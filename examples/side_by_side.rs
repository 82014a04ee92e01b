//! One prompt to several models at once, answers in order:
//! `cargo run -p examples --example side_by_side -- [MODEL]...`.

#![allow(clippy::print_stdout)]

use futures_util::future::join_all;
use parlor::{ChatModelExt, Result};
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let of_demo = [
        "openai-responses/scripted",
        "ollama/scripted",
        "gemini/overloaded",
    ];
    let ids = examples::model_ids(&["echo", "embedded/echo"], &of_demo);
    let answers = ids.iter().map(|id| async move {
        let begun = Instant::now();
        (id, ask(id).await, begun.elapsed())
    });
    for (id, answer, time) in join_all(answers).await {
        println!("## {id} ({time:.1?})");
        match answer {
            Ok(text) => println!("{text}\n"),
            // One provider's failure leaves the others alone.
            Err(error) => println!("failed: {error}\n{}\n", error.help()),
        }
    }
}

async fn ask(id: &str) -> Result<String> {
    let model = parlor::model(id)?;
    Ok(model.ask("Name three uses of a brick.").await?.text())
}
