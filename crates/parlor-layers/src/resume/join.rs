//! How a continuation's events join those of the answer before.

use super::answer::{Answer, How};
use super::seam::overlap;
use parlor_core::{Error, Event, PartKind, Usage, Warning, WarningKind};
use std::collections::VecDeque;

/// The continuation that is on its way.
pub(super) struct Rest {
    /// The break that it follows.
    pub(super) broke: Error,
    /// How many characters had been said.
    after: usize,
    /// Whether anything of it was shown, and the seam told of before.
    pub(super) told: bool,
    begun: bool,
    /// Its open parts: their indexes there and here.
    parts: Vec<(u32, u32)>,
    /// The part in which its text begins.
    first: Option<u32>,
    /// Whether that part is only half of the provider's, or has only half of it.
    edited: bool,
    /// The beginning of its text, until it is known what of it is new.
    head: Option<String>,
    /// What to add to places in that part.
    shift: i64,
}

fn counted(characters: usize) -> String {
    match characters {
        1 => "1 character".to_owned(),
        many => format!("{many} characters"),
    }
}

impl Rest {
    pub(super) fn after(broke: Error, after: usize) -> Self {
        Self {
            broke,
            after,
            told: false,
            begun: false,
            parts: Vec::new(),
            first: None,
            edited: false,
            head: Some(String::new()),
            shift: 0,
        }
    }

    /// The index here of an open part of the continuation's.
    fn place(&self, part: u32) -> Option<u32> {
        let found = self.parts.iter().find(|it| it.0 == part);
        found.map(|it| it.1)
    }
}

impl Answer {
    /// Puts what a continuation's event comes to into `out`. An end comes to
    /// nothing where the answer wasn't finished.
    pub(super) fn go_on(&mut self, event: Event, out: &mut VecDeque<Event>) {
        if let Some(mut rest) = self.rest.take() {
            self.join(&mut rest, event, out);
            self.rest = Some(rest);
        }
    }

    fn join(&mut self, rest: &mut Rest, mut event: Event, out: &mut VecDeque<Event>) {
        match &mut event {
            Event::Started { .. } => return,
            Event::Usage { usage } => {
                self.usage.get_or_insert_default().merge(usage);
                **usage = self.spent_with(self.usage.as_ref()).unwrap_or_default();
                out.push_back(event);
                return;
            }
            Event::Warning { warning } if self.warned.contains(warning) => return,
            Event::PartStarted {
                choice: 0,
                part,
                kind,
                ..
            } => {
                let is_text = *kind == PartKind::Text;
                let open = self.open.filter(|_| is_text && !rest.begun);
                rest.begun = true;
                if let Some(open) = open {
                    rest.parts.push((*part, open.part));
                    rest.first = Some(open.part);
                    rest.edited = true;
                    let text = self.text.get(open.from..).unwrap_or_default();
                    rest.shift = text.chars().count() as i64;
                    return;
                }
                self.close(rest, out);
                rest.parts.push((*part, self.next));
                *part = self.next;
                if is_text && rest.first.is_none() {
                    rest.first = Some(*part);
                }
            }
            Event::TextDelta {
                choice: 0,
                part,
                text,
            } => {
                let Some(here) = rest.place(*part) else {
                    return;
                };
                *part = here;
                if rest.first == Some(here)
                    && let Some(head) = &mut rest.head
                {
                    head.push_str(text);
                    self.settle(rest, true, out);
                    return;
                }
            }
            Event::ReasoningDelta {
                choice: 0, part, ..
            }
            | Event::ArgumentsDelta {
                choice: 0, part, ..
            } => match rest.place(*part) {
                Some(here) => *part = here,
                None => return,
            },
            Event::Citation {
                choice: 0,
                part,
                citation,
            } => {
                let Some(here) = rest.place(*part) else {
                    return;
                };
                *part = here;
                if rest.edited && rest.first == Some(here) {
                    let shift = rest.shift;
                    for place in [&mut citation.start, &mut citation.end] {
                        *place = place.map(|at| at.saturating_add_signed(shift));
                    }
                    citation.native = None;
                }
            }
            Event::PartFinished {
                choice: 0,
                part,
                native,
                ..
            } => {
                let Some(here) = rest.place(*part) else {
                    return;
                };
                rest.parts.retain(|it| it.0 != *part);
                *part = here;
                if rest.first == Some(here) {
                    self.settle(rest, false, out);
                    if rest.edited {
                        *native = None;
                    }
                }
            }
            Event::Finished { choice: 0, .. } => {
                self.settle(rest, false, out);
                self.close(rest, out);
            }
            Event::Completed { usage, .. } => {
                if !self.finished {
                    return;
                }
                let last = usage.as_deref().or(self.usage.as_ref());
                *usage = self.spent_with(last).map(Box::new);
            }
            _ => {}
        }
        if !matches!(event, Event::Warning { .. }) {
            self.tell(rest, 0, out);
        }
        self.show(event, out);
    }

    fn show(&mut self, event: Event, out: &mut VecDeque<Event>) {
        self.hear(&event);
        out.push_back(event);
    }

    /// What all attempts consumed.
    fn spent_with(&self, last: Option<&Usage>) -> Option<Usage> {
        let Some(mut sum) = self.spent.clone() else {
            return last.cloned();
        };
        if let Some(last) = last {
            sum.add(last);
        }
        Some(sum)
    }

    /// Shows the beginning of the continuation's text without what was said
    /// before, as soon as that is known.
    fn settle(&mut self, rest: &mut Rest, more: bool, out: &mut VecDeque<Event>) {
        let (Some(part), Some(head)) = (rest.first, &rest.head) else {
            return;
        };
        let Some(again) = overlap(&self.text, head, &self.policy, more) else {
            return;
        };
        let (again, new) = head.split_at(again);
        let characters = again.chars().count();
        rest.shift -= characters as i64;
        rest.edited |= characters > 0;
        let new = (!new.is_empty()).then(|| Event::TextDelta {
            choice: 0,
            part,
            text: new.into(),
        });
        rest.head = None;
        self.tell(rest, characters, out);
        if let Some(new) = new {
            self.show(new, out);
        }
    }

    /// Closes the part that was open at the break.
    fn close(&mut self, rest: &mut Rest, out: &mut VecDeque<Event>) {
        let open = self.open.map(|open| open.part);
        let own = |part: &u32| rest.parts.iter().any(|it| it.1 == *part);
        if let Some(part) = open.filter(|part| !own(part)) {
            self.tell(rest, 0, out);
            self.show(Event::part_finished(0, part), out);
        }
    }

    /// Tells of the seam.
    fn tell(&mut self, rest: &mut Rest, again: usize, out: &mut VecDeque<Event>) {
        if std::mem::replace(&mut rest.told, true) {
            return;
        }
        let why: String = rest.broke.message().chars().take(200).collect();
        let mut message = format!(
            "the answer broke off after {} ({}: {why}) and went on {}",
            counted(rest.after),
            rest.broke.kind(),
            match self.how {
                How::Prefill => "from there",
                How::Ask => "when the model was asked for the rest",
            }
        );
        if again > 0 {
            message.push_str(&format!("; {}, said again, left out", counted(again)));
        }
        let warning = Box::new(Warning::new(WarningKind::Notice, "resume", message));
        out.push_back(Event::Warning { warning });
    }
}
