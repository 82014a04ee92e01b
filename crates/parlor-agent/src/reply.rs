//! What a run came to.

use parlor_core::{ChatResponse, Cost, Message, Usage};
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
