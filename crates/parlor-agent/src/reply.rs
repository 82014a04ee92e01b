//! What a run came to.

use crate::execute::FAILED;
use parlor_core::{ChatResponse, Cost, Error, Message, Part, Usage};
use serde::{Deserialize, Serialize};

/// What a run came to: the last answer, and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reply {
    /// The model's last answer.
    pub response: ChatResponse,
    /// All messages of the turn that came after the user's.
    pub messages: Vec<Message>,
    /// Why it ended.
    pub outcome: Outcome,
    /// What all its requests consumed together.
    pub usage: Usage,
    /// What they cost, where every one of them has a known price.
    pub cost: Option<Cost>,
    /// How often the model was asked.
    pub steps: u32,
}

impl Reply {
    /// The text of the last answer.
    pub fn text(&self) -> String {
        self.response.text()
    }

    /// The reasoning of the last answer.
    pub fn reasoning(&self) -> String {
        self.response.reasoning()
    }

    /// The calls of tools that failed or weren't run, as errors that name the
    /// tool and the cause. The model was told of each, and may have gone on well.
    pub fn tool_failures(&self) -> impl Iterator<Item = Error> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.filter_map(|part| match part {
            Part::ToolResult(result) if result.is_error => {
                let name = result.name.as_deref().unwrap_or(&result.call_id);
                let text = result.joined_text();
                let cause = text.strip_prefix(FAILED).unwrap_or(&text);
                Some(Error::tool(name, cause))
            }
            _ => None,
        })
    }
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The model had nothing more to do.
    Finished,
    /// Calls wait: for an approval, or for results where tools don't run by
    /// themselves. [`Conversation::resume`](crate::Conversation::resume) goes on.
    Pending,
    /// The model was asked as often as allowed; its last calls wait.
    StepLimit,
    /// The time was over.
    TimeLimit,
    /// The money was spent; the last calls wait.
    CostLimit,
    /// It was stopped; the partial answer is kept.
    Stopped,
}
