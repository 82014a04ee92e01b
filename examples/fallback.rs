//! Turn to the next model where one can't answer:
//! `cargo run -p examples --example fallback -- [MODEL] [SPARE]...`.
//!
//! In the configuration file the same is a route:
//! `[routes.safe]` with `models = ["openai/gpt-5.4-mini", "anthropic/claude-haiku-5-5"]`.

#![allow(clippy::print_stdout)]

use parlor::agent::Conversation;
use parlor::layers::fallback::FallbackLayer;
use parlor::{Error, ErrorKind, Result};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // There is no such model at `echo`; the second one is asked then.
    let usual = ["echo/nobody", "echo"];
    let ids = examples::model_ids(&usual, &["gemini/overloaded", "anthropic/scripted"]);
    let mut models = Vec::new();
    for id in &ids {
        match parlor::model(id) {
            Ok(model) => models.push(model),
            // A model without its key leaves the others.
            Err(error) => println!("without {id}: {error}"),
        }
    }
    let mut models = models.into_iter();
    let Some(first) = models.next() else {
        return Err(Error::new(ErrorKind::Configuration, "no model is left"));
    };
    let layer = FallbackLayer::new(models)
        .on_turn(|turn| println!("{} failed, asking {}", turn.from.id(), turn.to.id()));
    let mut chat = Conversation::shared(first).with_layer(layer);
    let reply = chat.send("Why is the sky blue?").await?;
    println!("{}: {}", reply.response.provider, reply.text());
    Ok(())
}
