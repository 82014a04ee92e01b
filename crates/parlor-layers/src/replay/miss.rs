//! What to say of a request that wasn't recorded.

use super::files::Recording;
use super::form::{Head, Kind};
use crate::key::KeyPolicy;
use parlor_core::{Error, ErrorKind};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// The most differences that are told.
const TOLD: usize = 4;

/// The most characters of a value that are shown.
const SHOWN: usize = 60;

pub(super) struct Miss<'a> {
    pub(super) head: &'a Head,
    /// How often it was asked for before.
    pub(super) number: usize,
    pub(super) recorded: &'a [Arc<Recording>],
    pub(super) key: &'a KeyPolicy,
    pub(super) path: &'a Path,
}

impl Miss<'_> {
    /// The error of it.
    pub(super) fn error(&self) -> Error {
        let what = match self.head.of {
            Kind::Call => "call",
            Kind::Stream => "stream",
        };
        let message = format!(
            "this {what} of {} isn't recorded in {}: {}",
            self.head.model,
            self.path.display(),
            self.nearest()
        );
        Error::new(ErrorKind::Validation, message).with_help(
            "Ask as it was recorded, or run it once with `ReplayMode::Auto` to record it.",
        )
    }

    fn nearest(&self) -> String {
        let same = |it: &&Arc<Recording>| it.head.key == self.head.key;
        let of = |it: &&Arc<Recording>| it.head.of == self.head.of;
        let times = self.recorded.iter().filter(same).filter(of).count();
        if times > 0 {
            return format!(
                "it was recorded {}, and this is number {}",
                match times {
                    1 => "once".to_owned(),
                    times => format!("{times} times"),
                },
                self.number + 1
            );
        }
        if self.recorded.iter().any(|it| same(&it)) {
            return match self.head.of {
                Kind::Call => "it was recorded as a stream".to_owned(),
                Kind::Stream => "it was recorded as a call".to_owned(),
            };
        }
        let asked = self.key.canonical(self.head.request.clone());
        let all = self.recorded.iter().zip(1..).map(|(recording, number)| {
            let mut found = Vec::new();
            let head = &recording.head;
            if head.model != self.head.model {
                let models = [head, self.head].map(|it| Value::from(it.model.as_str()));
                compare("model", Some(&models[0]), Some(&models[1]), &mut found);
            }
            let there = self.key.canonical(head.request.clone());
            compare("", Some(&there), Some(&asked), &mut found);
            (found, number)
        });
        let nearest = all.min_by_key(|(found, number)| (found.len(), *number));
        let Some((found, number)) = nearest else {
            return "there are no recordings".to_owned();
        };
        if found.is_empty() {
            return format!("number {number} differs only in what was left out of it as a secret");
        }
        let more = match found.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let told: Vec<_> = found.into_iter().take(TOLD).collect();
        format!(
            "the nearest is number {number}, with other {}{more}",
            told.join(", ")
        )
    }
}

/// Adds where two values differ.
fn compare(at: &str, there: Option<&Value>, here: Option<&Value>, found: &mut Vec<String>) {
    match (there, here) {
        (Some(Value::Object(there)), Some(Value::Object(here))) => {
            let only_here = here.keys().filter(|name| !there.contains_key(*name));
            for name in there.keys().chain(only_here) {
                let at = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                compare(&at, there.get(name), here.get(name), found);
            }
        }
        (Some(Value::Array(there)), Some(Value::Array(here))) => {
            for number in 0..there.len().max(here.len()) {
                let at = format!("{at}[{number}]");
                compare(&at, there.get(number), here.get(number), found);
            }
        }
        (there, here) if there != here => {
            found.push(format!(
                "`{at}` ({} there, {} here)",
                shown(there),
                shown(here)
            ));
        }
        _ => {}
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
