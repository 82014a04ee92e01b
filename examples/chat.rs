//! A chat that remembers, a line at a time: `cargo run -p examples --example chat -- [MODEL]`.
//!
//! `/undo` takes back the last turn, `/again` has it answered anew, `/clear`
//! forgets all but the instructions.

#![allow(clippy::print_stdout)]

use parlor::agent::Conversation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let mut chat = Conversation::shared(model).with_system("Be brief and kind.");
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let answer = match line.trim() {
            "" => continue,
            "/undo" => {
                chat.history_mut().undo();
                continue;
            }
            "/clear" => {
                chat.history_mut().clear();
                continue;
            }
            "/again" => match chat.regenerate() {
                Ok(run) => run.finish().await,
                Err(error) => Err(error),
            },
            said => chat.send(said).await,
        };
        match answer {
            Ok(reply) => println!("{}", reply.text()),
            // The history is as it was, or keeps what had come: the chat goes on.
            Err(error) => println!("failed: {error}. {}", error.help()),
        }
    }
    println!("{} turns", chat.history().turns().len());
    Ok(())
}
