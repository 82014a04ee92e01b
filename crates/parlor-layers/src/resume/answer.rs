//! An answer that comes in several attempts: what was said, whether it may go on,
//! and what to ask for the rest.

use super::ResumePolicy;
use super::join::Rest;
use crate::estimate::text_tokens;
use parlor_core::{
    ChatRequest, ChatResponse, Error, Event, Message, OutputFormat, Part, PartKind, Result, Retry,
    Role, Usage, Warning,
};
use std::sync::Arc;
use std::time::Duration;

/// How a model is made to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Prefill,
    Ask,
}

/// The most warnings that are kept so that none is given twice.
const MAX_WARNINGS: usize = 32;

pub(super) struct Answer {
    pub(super) policy: Arc<ResumePolicy>,
    pub(super) how: How,
    asked: ChatRequest,
    /// All text so far.
    pub(super) text: String,
    /// The text part that is open.
    pub(super) open: Option<Open>,
    /// How many other parts are.
    others: u32,
    /// The index of the next part.
    pub(super) next: u32,
    /// Whether something has come that can't be gone on with.
    sealed: bool,
    pub(super) finished: bool,
    complete: bool,
    pub(super) warned: Vec<Warning>,
    /// What the attempts before consumed, and the present one so far.
    pub(super) spent: Option<Usage>,
    pub(super) usage: Option<Usage>,
    resumptions: u32,
    pub(super) rest: Option<Box<Rest>>,
}

#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) part: u32,
    /// Where its text begins.
    pub(super) from: usize,
}

/// The events of a partial answer, where what was open when it broke off is left
/// open.
pub(super) fn reopened(mut partial: ChatResponse) -> Vec<Event> {
    partial.interrupted = true;
    let mut events = partial.into_events();
    let ends = |it: &Event| matches!(it, Event::PartFinished { .. } | Event::Finished { .. });
    if let Some(last) = events.iter().rposition(ends)
        && let Some(Event::PartFinished {
            content: None,
            native: None,
            ..
        }) = events.get(last)
    {
        events.remove(last);
    }
    events
}

impl Answer {
    /// The answer to this request, if it may be gone on with.
    pub(super) fn to(request: &ChatRequest, how: How, policy: &Arc<ResumePolicy>) -> Option<Self> {
        let text_only = |it: &Message| it.parts.iter().all(|part| part.as_text().is_some());
        let last = request.messages.last()?;
        let possible = request.n.is_none_or(|n| n == 1)
            && matches!(request.output, None | Some(OutputFormat::Text))
            && (last.role != Role::Assistant || text_only(last));
        possible.then(|| Self {
            policy: policy.clone(),
            how,
            asked: request.clone(),
            text: String::new(),
            open: None,
            others: 0,
            next: 0,
            sealed: false,
            finished: false,
            complete: false,
            warned: Vec::new(),
            spent: None,
            usage: None,
            resumptions: 0,
            rest: None,
        })
    }

    pub(super) fn resumptions(&self) -> u32 {
        self.resumptions
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes note of an event that is shown.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::TextDelta {
                choice: 0, text, ..
            } if !self.sealed => {
                self.text.push_str(text);
                if self.text.len() > self.policy.max_text_bytes {
                    self.seal();
                }
            }
            Event::PartStarted {
                choice: 0,
                part,
                kind,
                ..
            } => {
                self.next = self.next.max(part.saturating_add(1));
                match kind {
                    PartKind::Text if self.open.is_none() => {
                        self.open = Some(Open {
                            part: *part,
                            from: self.text.len(),
                        });
                    }
                    PartKind::Reasoning | PartKind::Source => self.others += 1,
                    _ => self.seal(),
                }
            }
            Event::PartStarted { .. } => self.seal(),
            Event::PartFinished {
                choice: 0,
                part,
                content,
                native,
                ..
            } => match self.open {
                Some(open) if open.part == *part => self.open = None,
                _ => {
                    self.others = self.others.saturating_sub(1);
                    if native.is_some() && content.is_none() {
                        self.seal();
                    }
                }
            },
            Event::Finished { choice, .. } => {
                self.finished |= *choice == 0;
                self.seal();
            }
            Event::Usage { usage } => self.usage.get_or_insert_default().merge(usage),
            Event::Warning { warning } if self.warned.len() < MAX_WARNINGS => {
                self.warned.push((**warning).clone());
            }
            Event::Completed { .. } => self.complete = true,
            _ => {}
        }
    }

    fn seal(&mut self) {
        self.sealed = true;
        self.text = String::new();
    }

    /// How many tokens are left to say; `None` for no limit.
    fn tokens_left(&self) -> Option<u64> {
        let max = self.asked.max_output_tokens?;
        Some(max.saturating_sub(text_tokens(&self.text)))
    }

    fn may_go_on(&self, error: &Error) -> Option<Duration> {
        let Retry::Later(wait) = error.retry() else {
            return None;
        };
        let wait = wait.unwrap_or_default();
        let may = !self.sealed
            && self.others == 0
            && !self.text.trim_end().is_empty()
            && self.tokens_left() != Some(0)
            && self.resumptions < self.policy.attempts
            && self.policy.kinds.contains(&error.kind())
            && wait <= self.policy.max_wait;
        may.then_some(wait)
    }

    /// How long to wait before the answer goes on after a break.
    ///
    /// # Errors
    /// The break, where it doesn't.
    pub(super) fn broke(&mut self, mut error: Error) -> Result<Duration> {
        if let Some(usage) = self.usage.take() {
            self.spent.get_or_insert_default().add(&usage);
        }
        let before = self.rest.take();
        let Some(wait) = self.may_go_on(&error) else {
            return Err(match before {
                Some(before) => self.give_up(*before, error),
                None => error,
            });
        };
        self.resumptions += 1;
        error.take_partial();
        let broke = match before {
            Some(before) if !before.told => before.broke,
            _ => error,
        };
        self.rest = Some(Box::new(Rest::after(broke, self.text.chars().count())));
        Ok(wait)
    }

    fn give_up(&self, before: Rest, mut error: Error) -> Error {
        let times = match self.resumptions {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let (broke, help) = match before.told {
            true => {
                error.take_partial();
                let help = format!("{} It had been gone on with {times}.", error.help());
                (error, help)
            }
            false => {
                let why = error.message().trim_end_matches('.');
                let help = format!(
                    "{} To go on was tried {times}, and failed: {}: {why}.",
                    before.broke.help(),
                    error.kind()
                );
                (before.broke, help)
            }
        };
        let retry = match broke.retry() {
            Retry::Later(_) => Retry::Exhausted,
            retry => retry,
        };
        broke.with_retry(retry).with_help(help)
    }

    /// What to ask for the rest.
    pub(super) fn request(&self) -> ChatRequest {
        let mut request = self.asked.clone();
        let said = self.text.trim_end();
        match request.messages.last_mut() {
            Some(last) if last.role == Role::Assistant => {
                // Some hosts have given it in the answer once more.
                let own = Some(last.text()).filter(|own| !said.starts_with(own.as_str()));
                last.parts = vec![Part::text(own.unwrap_or_default() + said)];
                last.native = None;
            }
            _ => request.messages.push(Message::assistant(said)),
        }
        if self.how == How::Ask {
            request
                .messages
                .push(Message::user(self.policy.ask.clone()));
        }
        request.max_output_tokens = self.tokens_left();
        request
    }
}
