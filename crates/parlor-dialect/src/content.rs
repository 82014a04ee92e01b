//! A message's content: one text, or blocks.

use crate::json::{Object, text_block};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A text, which stands for one text block, or blocks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    Blocks(Vec<Object>),
    Null(()),
}

impl Default for Content {
    fn default() -> Self {
        Self::Null(())
    }
}

impl Content {
    /// Whether it is left out.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Null(()))
    }

    /// The blocks, a text as the block that it stands for.
    pub(crate) fn into_blocks(self) -> Vec<Object> {
        match self {
            Self::Text(text) => vec![text_block(text)],
            Self::Blocks(blocks) => blocks,
            Self::Null(()) => Vec::new(),
        }
    }

    /// Blocks in their shortest form: one plain text is a text.
    pub(crate) fn shortest(mut blocks: Vec<Object>) -> Self {
        if let [only] = blocks.as_mut_slice()
            && only.len() == 2
        {
            // Of two fields it is quicker to look at both than to look them up.
            let (mut is_text, mut said) = (false, None);
            for (key, value) in only.iter_mut() {
                match (key.as_str(), value) {
                    ("type", value) => is_text = value == "text",
                    ("text", Value::String(text)) => said = Some(text),
                    _ => {}
                }
            }
            if let (true, Some(text)) = (is_text, said) {
                return Self::Text(std::mem::take(text));
            }
        }
        Self::Blocks(blocks)
    }
}
