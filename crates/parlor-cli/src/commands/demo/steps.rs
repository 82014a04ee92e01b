//! The steps of the conversation, and who is asked in each.

use parlor_demo::{CHAT, CONTENTS, LOCAL, MESSAGES, RESPONSES};

/// One turn of the conversation.
pub(super) struct Step {
    /// What it is about, in two or three words.
    pub(super) title: &'static str,
    /// What is shown, in a sentence.
    pub(super) shows: &'static str,
    /// The provider that is asked.
    pub(super) provider: &'static str,
    pub(super) question: &'static str,
    pub(super) does: Does,
}

/// What is more than text in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Nothing is.
    Text,
    /// A picture goes along.
    Picture,
    /// The answer is a value by a schema.
    Value,
    /// The first model fails, and this provider's is asked in its place.
    FallBack(&'static str),
    /// The answer is stopped after so many words.
    Stop(usize),
}

pub(super) const STEPS: &[Step] = &[
    Step {
        title: "Text, as it is written",
        shows: "An answer comes word by word; whatever the API calls a word, the program sees text.",
        provider: CHAT,
        question: "Why is the sky blue?",
        does: Does::Text,
    },
    Step {
        title: "A tool",
        shows: "The model asks for a tool; parlor runs it here and sends the result back.",
        provider: MESSAGES,
        question: "Do I need a coat for the weather in Oslo?",
        does: Does::Text,
    },
    Step {
        title: "A picture",
        shows: "A picture goes along in the shape that this API wants, and so does all that was said.",
        provider: CONTENTS,
        question: "What is in this picture?",
        does: Does::Picture,
    },
    Step {
        title: "A value",
        shows: "The answer is JSON by a schema, and checked before the program sees it.",
        provider: RESPONSES,
        question: "Put down the trip to Oslo.",
        does: Does::Value,
    },
    Step {
        title: "Thinking",
        shows: "What a model thinks is a part of its own, never mixed into the answer.",
        provider: LOCAL,
        question: "A farmer has 17 sheep. All but 9 run away. How many are left?",
        does: Does::Text,
    },
    Step {
        title: "One fails, the next one answers",
        shows: "The first provider is overloaded; before anything was shown, the second is asked.",
        provider: CONTENTS,
        question: "And why is it red at sunset?",
        does: Does::FallBack(MESSAGES),
    },
    Step {
        title: "Stopped in the middle",
        shows: "The program stops reading: the provider is hung up on, and what had come is kept.",
        provider: CHAT,
        question: "Tell me a story until I stop you.",
        does: Does::Stop(12),
    },
];
