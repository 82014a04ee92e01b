//! Whether what a client did is right.

use crate::ask::Did;
use kit::Asked;
use parlor_testkit::fault::{Expect, Fault, FaultServer, Mode, Outcome, Reading};
use serde_json::Value;

/// One case in one mode, with a verdict for each client.
pub(crate) struct Row {
    pub(crate) fault: &'static Fault,
    pub(crate) mode: Mode,
    pub(crate) verdicts: Vec<Verdict>,
}

/// Whether a client was right, and if not, what it did.
pub(crate) enum Verdict {
    Right,
    /// Right by a rule of this table's.
    Under(Rule),
    Wrong(String),
}

/// What this table lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It waited until the server hung up.
    Waiting,
    /// It was still trying again when its time was over.
    Retrying,
}

impl Verdict {
    /// Whether it is right where these rules don't stand.
    pub(crate) fn is_right_without(&self, rules: &[Rule]) -> bool {
        match self {
            Self::Right => true,
            Self::Under(rule) => !rules.contains(rule),
            Self::Wrong(_) => false,
        }
    }
}

/// What a client did, held against what is right. `waited` says that it took as
/// long as the server's patience.
pub(crate) fn judge(expect: &Expect, did: &Did, server: &FaultServer, waited: bool) -> Verdict {
    let verdict = verdict(expect, did, server);
    // Who waits as it was told asks more than once.
    let seen = server.requests();
    let outwaited = matches!(&*seen, [only] if !only.dropped);
    match verdict {
        Verdict::Right if waited && outwaited => Verdict::Under(Rule::Waiting),
        verdict => verdict,
    }
}

fn verdict(expect: &Expect, did: &Did, server: &FaultServer) -> Verdict {
    let seen = server.requests();
    let asked_for = |coding: &str| {
        let codings = seen.last().and_then(|it| it.header("accept-encoding"));
        codings.is_some_and(|it| it.contains(coding))
    };
    let outcomes = match expect.coding {
        Some(coding) if asked_for(coding) => &expect.outcomes[..1],
        _ => &expect.outcomes[..],
    };
    let shown = server
        .elsewhere()
        .iter()
        .any(|it| it.header("authorization").is_some());
    if expect.redirects && shown {
        return Verdict::Wrong("another host was shown the key".to_owned());
    }
    let asked = match did {
        Did::Told(asked) => asked,
        Did::Died(why) => {
            let line = why.lines().find(|it| !it.trim().is_empty());
            return Verdict::Wrong(format!(
                "it died: {}",
                short(line.unwrap_or("silently, as for want of CPU time"))
            ));
        }
        Did::Dropped(true) => return Verdict::Right,
        Did::Dropped(false) => return Verdict::Wrong("the server didn't see the drop".to_owned()),
        Did::Hung if outcomes.iter().any(|it| may_pass(it, seen.len())) => {
            return Verdict::Under(Rule::Retrying);
        }
        Did::Hung => return Verdict::Wrong("it didn't end in time".to_owned()),
    };
    let mut wrong = None;
    for outcome in outcomes {
        match (outcome, &asked.error) {
            (Outcome::Failure(_), Some(_)) => return Verdict::Right,
            (Outcome::Answer(reading), None) => match differs(reading, asked) {
                None => return Verdict::Right,
                difference => wrong = difference,
            },
            _ => {}
        }
    }
    Verdict::Wrong(wrong.unwrap_or_else(|| match &asked.error {
        Some(error) => format!("it failed: {}", short(error)),
        None => format!("it didn't fail, but gave {:?}", short(&asked.text)),
    }))
}

/// Whether a failure may pass by itself, and the client tries again or waits
/// as it was told.
fn may_pass(outcome: &Outcome, requests: usize) -> bool {
    const PASSING: &[&str] = &[
        "rate_limited",
        "overloaded",
        "server",
        "first_event_timeout",
        "idle_timeout",
    ];
    match outcome {
        Outcome::Failure(failure) => {
            let passes = failure.kinds.iter().any(|it| PASSING.contains(it));
            passes && (requests > 1 || failure.retry_after.is_some())
        }
        Outcome::Answer(_) => false,
    }
}

fn differs(reading: &Reading, asked: &Asked) -> Option<String> {
    let want = reading.first();
    if want.text != asked.text {
        let (want, got) = (short(&want.text), short(&asked.text));
        return Some(format!("text: expected {want:?}, got {got:?}"));
    }
    let calls = || want.tool_calls.iter().zip(&asked.calls);
    let same = want.tool_calls.len() == asked.calls.len()
        && calls().all(|(want, (name, arguments))| {
            want.name == *name && parsed(arguments).as_ref() == Some(&want.arguments)
        });
    (!same).then(|| format!("calls: got {}", short(&format!("{:?}", asked.calls))))
}

/// Arguments as JSON; nothing, and null, are none.
fn parsed(arguments: &str) -> Option<Value> {
    let none = || Value::Object(serde_json::Map::new());
    match arguments.trim() {
        "" => Some(none()),
        text => match serde_json::from_str(text).ok()? {
            Value::Null => Some(none()),
            value => Some(value),
        },
    }
}

fn short(text: &str) -> String {
    const LIMIT: usize = 120;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
