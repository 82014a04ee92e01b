//! What the model families take, as data.

use super::super::{Quirks, ThinkingField};
use parlor_core::Effort;

/// What a model family takes, whichever host serves it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Family {
    /// How thinking is set.
    pub(super) thinking: Thinking,
    /// A call without a signature in the current turn is refused.
    pub(super) wants_signatures: bool,
    /// Media may stand in the result of a tool.
    pub(super) media_in_results: bool,
    /// A media part may have a resolution of its own.
    pub(super) media_resolution: bool,
    /// It knows the mode `VALIDATED`.
    pub(super) validates: bool,
}

/// How thinking is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Thinking {
    /// Not at all.
    None,
    /// By a budget within these bounds, in tokens.
    Budget {
        least: u64,
        most: u64,
        /// Whether zero turns it off.
        off: bool,
    },
    /// By one of these levels, from least to most.
    Level(&'static [Effort]),
    /// Nobody knows: by whatever the caller says.
    Unknown,
}

static LOW_HIGH: [Effort; 2] = [Effort::Low, Effort::High];
static LOW_TO_HIGH: [Effort; 3] = [Effort::Low, Effort::Medium, Effort::High];
static MINIMAL_TO_HIGH: [Effort; 4] = [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];
static ALL: [Effort; 5] = [
    Effort::Minimal,
    Effort::Low,
    Effort::Medium,
    Effort::High,
    Effort::XHigh,
];

const OLD: Family = Family {
    thinking: Thinking::None,
    wants_signatures: false,
    media_in_results: false,
    media_resolution: false,
    validates: false,
};

const SECOND: Family = Family {
    validates: true,
    ..OLD
};

const THIRD: Family = Family {
    thinking: Thinking::Level(&MINIMAL_TO_HIGH),
    wants_signatures: true,
    media_in_results: true,
    media_resolution: true,
    validates: true,
};

const UNKNOWN: Family = Family {
    thinking: Thinking::Unknown,
    ..THIRD
};

/// Families by what the model's id begins with; the first that fits counts.
/// Ranges are those of `wire/gemini.md`, section 2.3.
static FAMILIES: &[(&str, Family)] = &[
    (
        "gemini-3-pro",
        Family {
            thinking: Thinking::Level(&LOW_HIGH),
            ..THIRD
        },
    ),
    (
        "gemini-3.1-pro",
        Family {
            thinking: Thinking::Level(&LOW_TO_HIGH),
            ..THIRD
        },
    ),
    ("gemini-3", THIRD),
    (
        "gemini-2.5-pro",
        Family {
            thinking: Thinking::Budget {
                least: 128,
                most: 32_768,
                off: false,
            },
            ..SECOND
        },
    ),
    (
        "gemini-2.5-flash-lite",
        Family {
            thinking: Thinking::Budget {
                least: 512,
                most: 24_576,
                off: true,
            },
            ..SECOND
        },
    ),
    (
        "gemini-2.5-flash",
        Family {
            thinking: Thinking::Budget {
                least: 1,
                most: 24_576,
                off: true,
            },
            ..SECOND
        },
    ),
    ("gemini-2", SECOND),
    ("gemini-1", OLD),
    ("gemma-", OLD),
    ("learnlm-", OLD),
];

impl Family {
    /// The family of a model by its id, path or not, as far as the host's
    /// quirks don't say otherwise.
    pub(super) fn of(model: &str, quirks: &Quirks) -> Self {
        let id = model.rsplit('/').next().unwrap_or(model);
        let id = id.to_ascii_lowercase();
        let known = FAMILIES.iter().find(|it| id.starts_with(it.0));
        let mut family = known.map_or(UNKNOWN, |it| it.1);
        family.thinking = match (quirks.thinking, family.thinking) {
            (None, thinking) => thinking,
            (Some(ThinkingField::None), _) => Thinking::None,
            (Some(ThinkingField::Budget), known @ Thinking::Budget { .. }) => known,
            (Some(ThinkingField::Budget), _) => Thinking::Budget {
                least: 1,
                most: u64::from(u32::MAX),
                off: true,
            },
            (Some(ThinkingField::Level), known @ Thinking::Level(_)) => known,
            (Some(ThinkingField::Level), _) => Thinking::Level(&ALL),
        };
        family.wants_signatures = quirks.foreign_signatures.unwrap_or(family.wants_signatures);
        family
    }
}
