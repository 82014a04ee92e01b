//! Print an answer as it comes, thoughts and progress on stderr; stop after a
//! while and keep what came: `cargo run -p examples --example streaming -- [MODEL]`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use parlor::{ChatModelExt, ChatRequest, Event};
use std::io::Write as _;
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let request = ChatRequest::from("Tell me a story of a lighthouse, a storm and a cat.")
        .with_system("You are a storyteller.");
    let begun = Instant::now();
    let mut stream = model.ask_stream(request).await?;
    let mut words = 0;
    while let Some(event) = stream.next().await {
        match event? {
            Event::ReasoningDelta { text, .. } => eprint!("{text}"),
            Event::TextDelta { text, .. } => {
                print!("{text}");
                // A stream that is cut leaves its partial text behind; nothing is lost.
                let _ = std::io::stdout().flush();
                words += 1;
                if words % 100 == 1 {
                    eprintln!("[{words} pieces after {:.1?}]", begun.elapsed());
                }
            }
            Event::Finished { reason, .. } => eprintln!("\n[{}]", reason.kind.as_str()),
            _ => {}
        }
        if words == 500 {
            break;
        }
    }
    let answer = stream.stop();
    println!(
        "\n{} characters, interrupted: {}",
        answer.text().len(),
        answer.interrupted
    );
    Ok(())
}
