//! Ask many questions at once, and go on where the last run stopped:
//! `cargo run -p examples --example batch -- [MODEL] [FILE.jsonl]`.

#![allow(clippy::print_stdout)]

use parlor::agent::Batch;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let cities = ["Oslo", "Lima", "Cairo", "Kyoto", "Quito"];
    let questions = cities.map(|city| format!("What is {city} known for?"));

    let mut batch = Batch::new().with_concurrency(3).with_bar();
    if let Some(path) = std::env::args().nth(2) {
        batch = batch.with_file(path);
    }
    let answers = batch.ask(model, questions)?.all().await;

    for (city, answer) in cities.iter().zip(answers) {
        match answer {
            Ok(answer) => println!("{city}: {}", answer.text()),
            // The others are not lost; with a file, the next run asks this one again.
            Err(error) => println!("{city}: failed: {error}. {}", error.help()),
        }
    }
    Ok(())
}
