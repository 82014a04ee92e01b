//! What became of a request to a service: who asked, which model answered, what that took.

use parlor_core::{Cost, ErrorKind, FinishKind, Usage};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};

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
    /// The span of the client that asked, where it told one. It isn't written down.
    pub parent: Option<ParentSpan>,
}

/// A span that a request belongs to, as the head `traceparent` of the
/// [W3C's trace context](https://www.w3.org/TR/trace-context/) names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParentSpan {
    /// The trace's id; never 0.
    pub trace: u128,
    /// The span's id; never 0.
    pub span: u64,
    /// Whether whoever asked records this trace.
    pub is_sampled: bool,
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
            id: next_id(),
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
            parent: None,
        }
    }
}

impl ParentSpan {
    /// Reads a `traceparent` of any version; `None` where it is none.
    pub fn read(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let field = |at: std::ops::Range<usize>| {
            let field = text.get(at)?;
            field.bytes().all(is_plain).then_some(field)
        };
        let dashes = [2, 35, 52]
            .iter()
            .all(|at| text.as_bytes().get(*at) == Some(&b'-'));
        // Later versions may have more, after a further dash.
        let (version, ends) = (
            field(0..2)?,
            matches!(text.as_bytes().get(55), None | Some(b'-')),
        );
        let is_known = version != "ff" && ends && (version != "00" || text.len() == 55);
        let parent = Self {
            trace: u128::from_str_radix(field(3..35)?, 16).ok()?,
            span: u64::from_str_radix(field(36..52)?, 16).ok()?,
            is_sampled: u8::from_str_radix(field(53..55)?, 16).ok()? & 1 == 1,
        };
        (dashes && is_known && parent.trace != 0 && parent.span != 0).then_some(parent)
    }
}

/// Each program begins somewhere by chance and counts on, so that what it writes stands together: a
/// database that has to find a place for each row by itself touches a page for each.
fn next_id() -> i64 {
    static NEXT: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(fastrand::i64(0..)));
    NEXT.fetch_add(1, Ordering::Relaxed) & i64::MAX
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

#[cfg(test)]
mod tests {
    use super::ParentSpan;

    #[test]
    fn a_parent_is_read_as_the_standard_writes_it() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = ParentSpan::read(text).unwrap();
        assert_eq!(parent.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(parent.span, 0x00f0_67aa_0ba9_02b7);
        assert!(parent.is_sampled);
        assert!(
            !ParentSpan::read(&text.replace("-01", "-00"))
                .unwrap()
                .is_sampled
        );
        assert!(ParentSpan::read(&text.replacen("00", "cc", 1)).is_some());
        let later = format!("{}-what-comes-later", text.replacen("00", "01", 1));
        assert!(ParentSpan::read(&later).is_some());
    }

    #[test]
    fn what_is_no_parent_is_none() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for wrong in [
            "",
            "00",
            &text[..54],
            &format!("{text}-more"),
            &text.to_uppercase(),
            &text.replacen("00", "ff", 1),
            &text.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &text.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &text.replace('-', "_"),
            &"\u{e9}".repeat(28),
        ] {
            assert_eq!(ParentSpan::read(wrong), None, "{wrong}");
        }
    }
}
