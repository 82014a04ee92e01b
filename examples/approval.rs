//! Ask before a tool changes anything; what isn't decided now waits in a file:
//! `cargo run -p examples --example approval -- [MODEL] [FILE.json]`.

#![allow(clippy::print_stdout)]

use parlor::agent::{Approval, Conversation, History, Outcome, approve_with, tool};
use parlor::{Error, ErrorKind};

/// Deletes a file for good.
#[tool(effect)]
async fn delete_file(
    /// Its name, without folders.
    #[schemars(example = &"draft.txt")]
    name: String,
) -> String {
    format!("{name} is gone")
}

/// Asks the person at the terminal.
fn ask(tool: &str, arguments: &str) -> Approval {
    println!("{tool}({arguments})? yes, always, no, or later");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    match line.trim() {
        "yes" => Approval::Allow,
        "always" => Approval::AllowAlways,
        "no" => Approval::Deny(Some("the person said no".to_owned())),
        _ => Approval::Later,
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, error.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> parlor::Result<()> {
    let model = parlor::model(&examples::model_id())?;
    let file = std::env::args().nth(2);
    let file = file.unwrap_or_else(|| "conversation.json".to_owned());
    let mut chat = Conversation::shared(model)
        .with_tool(delete_file)
        .with_approver(approve_with(|it| {
            ask(&it.call.name, &it.call.arguments.text)
        }));
    let reply = match std::fs::read_to_string(&file) {
        // An earlier run of this program left calls that wait.
        Ok(stored) => {
            let history: History = serde_json::from_str(&stored).map_err(broken)?;
            chat = chat.with_history(history);
            chat.resume()?.finish().await?
        }
        Err(_) => chat.send("Use delete_file on my draft.").await?,
    };
    if reply.outcome == Outcome::Pending {
        let stored = serde_json::to_string(chat.history()).map_err(broken)?;
        std::fs::write(&file, stored).map_err(broken)?;
        println!("{} waits in {file}", chat.pending_calls().len());
        return Ok(());
    }
    let _ = std::fs::remove_file(&file);
    println!("{}", reply.text());
    Ok(())
}
