//! What became of a request: who asked, which model answered, what that took.

use std::fmt::Debug;

use parlor::{Cost, ErrorKind, FinishKind, Usage};

/// What became of one request. There is exactly one for each that was let in, whatever way it
/// ended. Nothing in it is of the request's or the answer's content.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageEvent {
    /// The request's id, as its answer's `x-request-id` has it.
    pub request_id: String,
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The id of the key that was shown; `None` where none was asked for.
    pub key: Option<String>,
    /// The dialect that the client spoke.
    pub dialect: &'static str,
    /// The model as the client called it.
    pub asked: String,
    /// The provider that answered, or would have.
    pub provider: Option<String>,
    /// The model of that provider, as it was asked for.
    pub model: Option<String>,
    /// The model as the provider's answer calls it.
    pub served: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer's head.
    pub status: u16,
    /// Why the first choice ended, where it did.
    pub finish: Option<FinishKind>,
    /// What it used: of each figure the largest that was told.
    pub usage: Usage,
    /// Whether `usage` is an estimate in a part, since the answer broke off before it was told.
    pub is_estimated: bool,
    /// Whether the answer had been made before, for another request that was counted: then `usage`
    /// is empty, and it cost nothing.
    pub is_reused: bool,
    /// What it cost, where the price of the model is known, with the price's date.
    pub cost: Option<Cost>,
    /// Microseconds from the request to the first event of its answer.
    pub first_event_us: Option<u64>,
    /// Microseconds from the request to its end.
    pub total_us: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// With a whole answer.
    Completed,
    /// With a failure, before an answer or in its middle. One that broke off is
    /// [`Truncated`](ErrorKind::Truncated).
    Failed(ErrorKind),
    /// Its client went away.
    Left,
}

impl Outcome {
    /// In one word: `completed`, `left`, or the kind of the failure.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(kind) => kind.as_str(),
            Self::Left => "left",
        }
    }
}

/// Takes what became of requests.
pub trait UsageSink: Debug + Send + Sync {
    /// Takes one.
    ///
    /// # Behavior
    /// - Called once for each request, when it has ended, from a drop: so it neither waits nor
    ///   fails. What it can't keep it drops, and counts.
    fn used(&self, event: &UsageEvent);
}
