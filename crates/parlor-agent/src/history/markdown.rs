//! A history for people to read.

use super::{History, TurnState};
use parlor_core::{Part, Role, ToolCall};

impl History {
    /// What was said as Markdown: the instructions as a quotation, each message
    /// under who said it. A call of a tool is written by the function, on a line
    /// of its own; what it is of is the caller's affair.
    pub fn to_markdown(&self, called: impl Fn(&ToolCall) -> String) -> String {
        let mut text = String::new();
        if let Some(system) = self.system() {
            text.push_str(&format!("> {}\n\n", system.replace('\n', "\n> ")));
        }
        for turn in self.turns() {
            for message in &turn.messages {
                let said = message.text();
                let name = match message.role {
                    Role::User => "You",
                    Role::Assistant => turn.model.as_deref().unwrap_or("Model"),
                    _ => continue,
                };
                for line in message.tool_calls().map(&called) {
                    text.push_str(&format!("*→ {line}*\n\n"));
                }
                if !said.trim().is_empty() {
                    text.push_str(&format!("**{name}:**\n\n{}\n\n", said.trim()));
                }
                for part in &message.parts {
                    if let Part::Media(media) = part {
                        let what = media.name.as_deref().or(media.media_type.as_deref());
                        text.push_str(&format!("*[{}]*\n\n", what.unwrap_or("media")));
                    }
                }
            }
            if turn.state == TurnState::Interrupted {
                text.push_str("*[interrupted]*\n\n");
            }
        }
        text
    }
}
