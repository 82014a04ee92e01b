//! Have the provider answer many questions as one batch, within a day and often for half the money:
//! `cargo run -p examples --example provider_batch -- openai/gpt-5.4-mini answers.jsonl`.
//!
//! End it whenever you like: run again with the same file, and it goes on with the same batch.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use parlor::agent::Batch;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let batches = parlor::batches(&examples::model_id_or("anthropic/scripted"))?;
    let path = std::env::args().nth(2);
    let cities = ["Oslo", "Lima", "Cairo", "Kyoto", "Quito"];
    let questions = cities.map(|city| format!("What is {city} known for?"));

    let batch = Batch::new()
        .with_file(path.unwrap_or_else(|| "answers.jsonl".to_owned()))
        .with_polling(Duration::from_secs(1), Duration::from_secs(300))
        .with_progress(|progress| {
            if let Some(counts) = &progress.provider {
                let (done, total) = (counts.done(), counts.total);
                eprintln!("{done} of {total} done there, {} here", progress.done);
            }
        });
    let answers = batch.ask_provider(batches, questions)?.all().await;

    for (city, answer) in cities.iter().zip(answers) {
        match answer {
            Ok(answer) => println!("{city}: {}", answer.text()),
            // The others are not lost; the next run hands this one in again.
            Err(error) => println!("{city}: failed: {error}. {}", error.help()),
        }
    }
    Ok(())
}
