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
    /// Index and id of each call that is joined from fragments.
    #[serde(skip)]
    joined: Vec<(u64, String)>,
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

    /// A fragment of a call, joined as a careful user of a library does that
    /// hands out fragments: arguments of one index follow each other, a name
    /// stands once however often it comes, and another id begins another call.
    pub fn fragment(
        &mut self,
        index: u64,
        id: Option<&str>,
        name: Option<&str>,
        arguments: Option<&str>,
    ) {
        let id = id.unwrap_or_default();
        let same = |(at, known): &(u64, String)| {
            *at == index && (id.is_empty() || known.is_empty() || known == id)
        };
        let at = self.joined.iter().rposition(same).unwrap_or_else(|| {
            self.joined.push((index, String::new()));
            self.calls.push(Default::default());
            self.joined.len() - 1
        });
        if self.joined[at].1.is_empty() {
            self.joined[at].1.push_str(id);
        }
        let call = &mut self.calls[at];
        if call.0.is_empty() {
            call.0.push_str(name.unwrap_or_default());
        }
        call.1.push_str(arguments.unwrap_or_default());
    }
}
