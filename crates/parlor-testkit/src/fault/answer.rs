//! The logical answers that the cases send, before any dialect.

use serde_json::Value;

use super::expect::{Choice, Reading, ToolCall};

/// What the answers cost, in tokens.
pub(super) const INPUT: u64 = 9;
/// See [`INPUT`].
pub(super) const OUTPUT: u64 = 5;

/// An answer, its text in the pieces in which a stream delivers it.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) parts: Vec<Part>,
    pub(super) finish: Finish,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Text(Vec<String>),
    Reasoning(&'static [&'static str]),
    /// Reasoning that only the provider can read.
    Redacted,
    Refusal(&'static str),
    Call(Call),
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// The arguments' JSON text, in fragments.
    pub(super) arguments: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    ToolCalls,
    Filtered,
    Refused,
    /// A word that no dialect knows.
    Word(&'static str),
}

pub(super) const OSLO: Call = Call {
    id: "call_a1",
    name: "get_weather",
    arguments: &["{\"ci", "ty\":", "\"Oslo\"}"],
};
pub(super) const UTC: Call = Call {
    id: "call_b2",
    name: "get_time",
    arguments: &["{\"tz\"", ":\"UT", "C\"}"],
};

impl Answer {
    pub(super) fn new(parts: Vec<Part>, finish: Finish) -> Self {
        Self { parts, finish }
    }

    /// A greeting whose text needs more than ASCII.
    pub(super) fn hello() -> Self {
        Self::new(vec![hello()], Finish::Stop)
    }

    /// Two calls side by side.
    pub(super) fn tools() -> Self {
        Self::new(vec![Part::Call(OSLO), Part::Call(UTC)], Finish::ToolCalls)
    }

    /// Reasoning, then the greeting.
    pub(super) fn thinking() -> Self {
        Self::new(
            vec![Part::Reasoning(&["They greet; ", "greet back."]), hello()],
            Finish::Stop,
        )
    }

    /// The text, whole.
    pub(super) fn text(&self) -> String {
        self.choice("").text
    }

    /// What a correct client makes of it, given the dialect's own word for the end.
    pub(super) fn reading(&self, word: &str) -> Reading {
        Reading {
            choices: vec![self.choice(word)],
            input_tokens: Some(INPUT),
            output_tokens: Some(OUTPUT),
        }
    }

    fn choice(&self, word: &str) -> Choice {
        let mut choice = Choice {
            finish: self.finish.kinds(),
            finish_raw: Some(word.to_owned()),
            ..Choice::default()
        };
        for part in &self.parts {
            match part {
                Part::Text(pieces) => choice.text += &pieces.concat(),
                Part::Reasoning(pieces) => choice.reasoning += &pieces.concat(),
                Part::Redacted => {}
                Part::Refusal(text) => choice.refusal += text,
                Part::Call(call) => choice.tool_calls.push(call.expected()),
            }
        }
        choice
    }
}

/// The greeting, cut in the middle of words.
pub(super) fn hello() -> Part {
    text(&["Hel", "lo, wör", "ld 🌍", "!"])
}

pub(super) fn text(pieces: &[&str]) -> Part {
    Part::Text(pieces.iter().map(|it| (*it).to_owned()).collect())
}

impl Call {
    /// The arguments as JSON; an empty object for empty text.
    pub(super) fn value(&self) -> Value {
        serde_json::from_str(&self.arguments.concat()).unwrap_or_else(|_| serde_json::json!({}))
    }

    fn expected(&self) -> ToolCall {
        let id = Some(self.id.to_owned()).filter(|it| !it.is_empty());
        ToolCall {
            id,
            name: self.name.to_owned(),
            arguments: self.value(),
        }
    }
}

impl Finish {
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Stop => &["stop"],
            Self::ToolCalls => &["tool_calls"],
            Self::Filtered => &["content_filter"],
            Self::Refused => &["refusal"],
            Self::Word(_) => &["other"],
        }
    }
}
