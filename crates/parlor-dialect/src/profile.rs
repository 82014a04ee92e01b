//! What a model family is like, wherever it is hosted.

/// Traits of a model family that hold whichever host serves it.
///
/// What belongs to the host instead is in the dialect's quirks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Thoughts stand in the text between `<think>` and `</think>`; they are
    /// taken out of it and told as reasoning.
    pub think_tags: bool,
    /// The family reasons and refuses sampling settings (temperature, top_p,
    /// penalties, logprobs): they are left out with a warning.
    pub fixed_sampling: bool,
    /// Which reasoning of earlier turns must be sent back.
    pub replay: ReasoningReplay,
}

/// Which reasoning of earlier turns must be sent back as text.
///
/// Reasoning that carries a signature for its own origin is always sent back;
/// this is about plain text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasoningReplay {
    /// None.
    #[default]
    Never,
    /// That of turns which called tools.
    ToolTurns,
    /// All of it.
    Always,
}
