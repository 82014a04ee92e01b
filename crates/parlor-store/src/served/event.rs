//! What became of a request to a service: who asked, which model answered, what that took.

use parlor_core::{Cost, ErrorKind, FinishKind, Usage};

/// What became of one request. There is exactly one for each that was let in, whatever way it
/// ended. Nothing in it is of the request's or the answer's content.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageEvent {
    /// What tells it from every other one, so that it is written down once though that be tried
    /// again.
    pub id: i64,
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

impl UsageEvent {
    /// Of a request that came at this time, in milliseconds since 1970, and whose client left
    /// unless something else is said.
    pub fn new(request_id: impl Into<String>, dialect: &'static str, at_ms: u64) -> Self {
        Self {
            id: fastrand::i64(0..),
            request_id: request_id.into(),
            at_ms,
            key: None,
            dialect,
            asked: String::new(),
            provider: None,
            model: None,
            served: None,
            outcome: Outcome::Left,
            status: 200,
            finish: None,
            usage: Usage::default(),
            is_estimated: false,
            is_reused: false,
            cost: None,
            first_event_us: None,
            total_us: 0,
        }
    }
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
