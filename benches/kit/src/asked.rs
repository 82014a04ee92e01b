//! What a client makes of an answer that may be spoilt.

use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// What a client delivered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Asked {
    /// The text.
    pub text: String,
    /// Name and arguments of each tool call.
    pub calls: Vec<(String, String)>,
    /// What it failed with, if it did.
    pub error: Option<String>,
    #[serde(skip)]
    indexes: Vec<u64>,
}

impl Asked {
    /// The same, failed.
    #[must_use]
    pub fn failed(mut self, error: impl Display) -> Self {
        self.error = Some(error.to_string());
        self
    }

    /// A whole call.
    pub fn call(&mut self, name: impl Into<String>, arguments: impl Into<String>) {
        self.calls.push((name.into(), arguments.into()));
    }

    /// A fragment of a call, joined with the others of its index, as users of
    /// libraries do that hand out fragments.
    pub fn fragment(&mut self, index: u64, name: Option<&str>, arguments: Option<&str>) {
        let found = self.indexes.iter().position(|it| *it == index);
        let at = found.unwrap_or_else(|| {
            self.indexes.push(index);
            self.calls.push(Default::default());
            self.calls.len() - 1
        });
        if let Some(name) = name {
            self.calls[at].0.push_str(name);
        }
        if let Some(arguments) = arguments {
            self.calls[at].1.push_str(arguments);
        }
    }
}
