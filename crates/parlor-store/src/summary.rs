//! Summaries as they are kept: with the turn that they end with, as branches have others there.

use crate::conversations::unreadable;
use parlor_agent::{Summary, TurnId};
use parlor_core::Result;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A summary, and the last turn that it is of.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptSummary {
    #[serde(flatten)]
    summary: Summary,
    /// Older ones don't tell it, and are taken for those of any branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<TurnId>,
}

impl KeptSummary {
    /// A summary of the first of these turns.
    pub(crate) fn new(summary: &Summary, turns: &[TurnId]) -> Self {
        Self {
            until: last(summary, turns),
            summary: summary.clone(),
        }
    }

    /// One that can't be read is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn write(&self) -> Result<String> {
        serde_json::to_string(self).map_err(unreadable)
    }

    /// The summary, where it is of these turns.
    pub(crate) fn of_branch(self, turns: &[TurnId]) -> Option<Summary> {
        let is_of_it = self.until.is_none() || self.until == last(&self.summary, turns);
        is_of_it.then_some(self.summary)
    }

    /// The same of turns that were copied, by the ids of both; none where its last one wasn't.
    pub(crate) fn copied(mut self, copies: &HashMap<i64, i64>) -> Option<Self> {
        if let Some(until) = self.until {
            self.until = Some(TurnId(*copies.get(&until.0)?));
        }
        Some(self)
    }
}

/// The last turn that a summary is of.
fn last(summary: &Summary, turns: &[TurnId]) -> Option<TurnId> {
    let at = summary.turns.checked_sub(1)?;
    turns.get(at).copied()
}
