//! A conversation written for others: Markdown to read, JSON to go on with.

use std::io;
use std::path::Path;

use parlor::agent::{History, TurnState};
use parlor::{Role, ToolCall};

use crate::tools;

/// Writes to a file, whole or not at all: JSON where its name ends so, else
/// Markdown.
pub(crate) fn write(history: &History, file: &Path) -> io::Result<()> {
    let is_json = file.extension().is_some_and(|ending| ending == "json");
    let text = match is_json {
        true => serde_json::to_string_pretty(history)?,
        false => markdown(history),
    };
    crate::files::replace(file, &text, false)
}

/// A call in short.
fn called(call: &ToolCall) -> String {
    let arguments = tools::on_a_line(&call.arguments);
    format!("{}({arguments})", tools::shown_name(&call.name))
}

/// The conversation as Markdown.
pub(crate) fn markdown(history: &History) -> String {
    let mut text = String::new();
    if let Some(system) = history.system() {
        text.push_str(&format!("> {}\n\n", system.replace('\n', "\n> ")));
    }
    for turn in history.turns() {
        for message in &turn.messages {
            let said = message.text();
            let name = match message.role {
                Role::User => "You",
                Role::Assistant => turn.model.as_deref().unwrap_or("Model"),
                _ => continue,
            };
            for line in message.tool_calls().map(called) {
                text.push_str(&format!("*→ {line}*\n\n"));
            }
            if !said.trim().is_empty() {
                text.push_str(&format!("**{name}:**\n\n{}\n\n", said.trim()));
            }
        }
        if turn.state == TurnState::Interrupted {
            text.push_str("*[interrupted]*\n\n");
        }
    }
    text
}
