//! What conversations came to: requests, errors, tokens, cost and time, by model:
//! `cargo run -p examples --example statistics -- [MODEL]`.

#![allow(clippy::print_stdout)]

use parlor::agent::{Conversation, Statistics};

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    // Several conversations count together.
    let statistics = Statistics::new();
    for questions in [["Why is the sky blue?", "And red?"], ["Who are you?", ""]] {
        let chat = Conversation::shared(model.clone());
        let mut chat = chat.with_statistics(statistics.clone());
        for question in questions {
            if let Err(error) = chat.send(question).await {
                println!("failed: {error}");
            }
        }
    }
    for (model, it) in &statistics.stats().models {
        let (first, total) = (&it.first_event_ms, &it.total_ms);
        println!("{model}: {} requests, {} failed", it.requests, it.failed);
        println!(
            "  {} tokens in, {} out",
            it.usage.input_tokens.unwrap_or_default(),
            it.usage.output_tokens.unwrap_or_default()
        );
        println!("  first event after {:.0} ms (median)", first.p50);
        println!(
            "  answer after {:.0} ms, 99 % {:.0} ms",
            total.p50, total.p99
        );
        for (currency, cost) in &it.cost {
            println!("  {cost:.4} {currency}");
        }
    }
    statistics.reset();
    Ok(())
}
