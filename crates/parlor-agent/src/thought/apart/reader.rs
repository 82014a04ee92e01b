//! From a model's events to those with reasoning and solution apart.

use crate::thought::splitter::{Kind, Splitter};
use parlor_core::{Citation, Event, FinishKind, Native, PartKind};

/// Makes parts of reasoning and of text of a model's text parts.
#[derive(Default)]
pub(super) struct Reader {
    choices: Vec<Choice>,
}

#[derive(Default)]
struct Choice {
    index: u32,
    splitter: Splitter,
    /// The indexes that parts were given.
    given: Vec<u32>,
    open: Vec<OpenPart>,
    /// What was given as reasoning of its text.
    reasoning: String,
    /// Whether anything was given that is an answer.
    answered: bool,
}

/// A part of the model's that is open.
struct OpenPart {
    index: u32,
    /// What it is made of, where it is a text.
    text: Option<OpenText>,
    /// The index of what is open in its place, once there is any.
    place: Option<u32>,
}

#[derive(Default)]
struct OpenText {
    /// What is open in its place.
    section: Option<(Kind, u32)>,
    /// How much of it came, and how much of that was given as text.
    came: usize,
    kept: usize,
    /// Whether it is more than one part.
    is_split: bool,
    citations: Vec<Citation>,
}

impl Reader {
    fn choice(&mut self, index: u32) -> &mut Choice {
        let found = self.choices.iter().position(|it| it.index == index);
        let at = found.unwrap_or_else(|| {
            self.choices.push(Choice {
                index,
                ..Choice::default()
            });
            self.choices.len() - 1
        });
        // Found, or pushed just now.
        &mut self.choices[at]
    }

    /// What stands in an event's place.
    pub(super) fn read(&mut self, event: Event) -> Vec<Event> {
        match event {
            Event::PartStarted {
                choice, part, kind, ..
            } => self.choice(choice).starts(part, kind, event),
            Event::TextDelta { choice, part, text } => self.choice(choice).text(part, &text),
            Event::ReasoningDelta { choice, part, text } => {
                let part = self.choice(choice).place(part);
                vec![Event::ReasoningDelta { choice, part, text }]
            }
            Event::ArgumentsDelta { choice, part, text } => {
                let part = self.choice(choice).place(part);
                vec![Event::ArgumentsDelta { choice, part, text }]
            }
            Event::Citation {
                choice,
                part,
                citation,
            } => self.choice(choice).cites(part, *citation),
            Event::PartFinished {
                choice,
                part,
                content,
                native,
                ..
            } => match content {
                Some(content) => {
                    let part = self.choice(choice).closes(part);
                    vec![Event::part_finished_with(choice, part, *content)]
                }
                None => self.choice(choice).finishes(part, native),
            },
            Event::Finished {
                choice, ref reason, ..
            } => {
                let mut events = match reason.kind {
                    FinishKind::Stop => self.choice(choice).unclosed(),
                    _ => Vec::new(),
                };
                events.push(event);
                events
            }
            event => vec![event],
        }
    }

    /// What was held back, where the answer ends before its time.
    pub(super) fn cut(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for choice in &mut self.choices {
            if let Some(at) = choice.open.iter().rposition(|it| it.text.is_some()) {
                choice.flush(at, &mut events);
            }
        }
        events
    }
}

impl Choice {
    /// An index for one more part: this one, unless it was given.
    fn index(&mut self, wanted: u32) -> u32 {
        let index = match self.given.contains(&wanted) {
            true => self.given.iter().max().map_or(0, |it| it.saturating_add(1)),
            false => wanted,
        };
        self.given.push(index);
        index
    }

    fn starts(&mut self, part: u32, kind: PartKind, event: Event) -> Vec<Event> {
        let is_text = kind == PartKind::Text;
        self.answered |= !is_text && kind != PartKind::Reasoning;
        // What a text is shows when it comes.
        let place = (!is_text).then(|| self.index(part));
        self.open.push(OpenPart {
            index: part,
            text: is_text.then(OpenText::default),
            place,
        });
        match (event, place) {
            (
                Event::PartStarted {
                    call: Some(head), ..
                },
                Some(part),
            ) => vec![Event::call_started(self.index, part, *head)],
            (_, Some(part)) => vec![Event::part_started(self.index, part, kind)],
            (_, None) => Vec::new(),
        }
    }

    /// Where an open part stands.
    fn position(&self, part: u32) -> Option<usize> {
        self.open.iter().position(|it| it.index == part)
    }

    /// The index of what stands in a part's place.
    fn place(&self, part: u32) -> u32 {
        let open = self.position(part).and_then(|at| self.open.get(at));
        open.and_then(|it| it.place).unwrap_or(part)
    }

    fn closes(&mut self, part: u32) -> u32 {
        let place = self.place(part);
        self.open.retain(|it| it.index != part);
        place
    }

    fn text(&mut self, part: u32, text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(at) = self.position(part).filter(|at| self.is_text(*at)) else {
            // A refusal's.
            let (choice, part) = (self.index, self.place(part));
            let text = text.into();
            return vec![Event::TextDelta { choice, part, text }];
        };
        if let Some((_, _, open)) = self.open_text(at) {
            open.came += text.len();
        }
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(text, |piece| {
            self.give(at, (piece.kind, piece.section), piece.text, &mut events);
        });
        self.splitter = splitter;
        events
    }

    fn flush(&mut self, at: usize, events: &mut Vec<Event>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.flush(|piece| self.give(at, (piece.kind, piece.section), piece.text, events));
        self.splitter = splitter;
    }

    /// Gives a piece of an open text, in a part of its own where it begins a section.
    fn give(&mut self, at: usize, section: (Kind, u32), text: &str, events: &mut Vec<Event>) {
        let part = self.section(at, section, events);
        match section.0 {
            Kind::Reasoning => self.reasoning.push_str(text),
            Kind::Solution => {
                self.answered |= !text.trim().is_empty();
                if let Some((_, _, open)) = self.open_text(at) {
                    open.kept += text.len();
                }
            }
        }
        let (choice, text) = (self.index, text.into());
        events.push(match section.0 {
            Kind::Reasoning => Event::ReasoningDelta { choice, part, text },
            Kind::Solution => Event::TextDelta { choice, part, text },
        });
    }

    /// Reasoning that was never closed, and after which nothing came, as a text of its own:
    /// the solution is somewhere in it.
    fn unclosed(&mut self) -> Vec<Event> {
        let reasoning = std::mem::take(&mut self.reasoning);
        if self.answered || !self.splitter.is_reasoning() || reasoning.trim().is_empty() {
            return Vec::new();
        }
        let (choice, part) = (self.index, self.index(0));
        let text = reasoning.as_str().into();
        vec![
            Event::part_started(choice, part, PartKind::Text),
            Event::TextDelta { choice, part, text },
            Event::part_finished(choice, part),
        ]
    }

    /// The part of a section, which is opened if it isn't.
    fn section(&mut self, at: usize, section: (Kind, u32), events: &mut Vec<Event>) -> u32 {
        let Some((index, before, open)) = self.open_text(at) else {
            return 0;
        };
        if let (Some(place), true) = (before, open.section == Some(section)) {
            return place;
        }
        open.is_split |= before.is_some();
        open.section = Some(section);
        let cited = match section.0 {
            Kind::Solution => std::mem::take(&mut open.citations),
            Kind::Reasoning => Vec::new(),
        };
        let choice = self.index;
        events.extend(before.map(|place| Event::part_finished(choice, place)));
        let place = self.index(index);
        if let Some(open) = self.open.get_mut(at) {
            open.place = Some(place);
        }
        let kind = match section.0 {
            Kind::Reasoning => PartKind::Reasoning,
            Kind::Solution => PartKind::Text,
        };
        events.push(Event::part_started(choice, place, kind));
        events.extend(cited.into_iter().map(|it| citation(choice, place, it)));
        place
    }

    /// An open text: its index, that of what stands in its place, and what is known of it.
    fn open_text(&mut self, at: usize) -> Option<(u32, Option<u32>, &mut OpenText)> {
        let open = self.open.get_mut(at)?;
        Some((open.index, open.place, open.text.as_mut()?))
    }

    fn cites(&mut self, part: u32, mut cited: Citation) -> Vec<Event> {
        let choice = self.index;
        let place = self.place(part);
        let at = self.position(part);
        let Some((_, _, open)) = at.and_then(|at| self.open_text(at)) else {
            return vec![citation(choice, place, cited)];
        };
        if !open.is_whole() {
            (cited.start, cited.end) = (None, None);
        }
        match open.section {
            Some((Kind::Solution, _)) => vec![citation(choice, place, cited)],
            // It waits for the text that it belongs to.
            _ => {
                open.citations.push(cited);
                Vec::new()
            }
        }
    }

    /// A part ends whose text came in deltas.
    fn finishes(&mut self, part: u32, native: Option<Box<Native>>) -> Vec<Event> {
        let mut events = Vec::new();
        let choice = self.index;
        let mut native = native;
        if let Some(at) = self.position(part).filter(|at| self.is_text(*at)) {
            self.flush(at, &mut events);
            if self
                .open_text(at)
                .is_some_and(|(_, _, open)| open.came == 0)
            {
                self.section(at, (Kind::Solution, 0), &mut events);
            }
            match self.open_text(at) {
                Some((_, Some(_), open)) => native = native.filter(|_| open.is_whole()),
                // Nothing but tags and white space came.
                _ => {
                    self.closes(part);
                    return events;
                }
            }
        }
        let place = self.closes(part);
        events.push(Event::part_finished_as(choice, place, native));
        events
    }

    fn is_text(&self, at: usize) -> bool {
        self.open.get(at).is_some_and(|it| it.text.is_some())
    }
}

impl OpenText {
    /// Whether all that came was given as one text.
    fn is_whole(&self) -> bool {
        self.came == self.kept && !self.is_split
    }
}

fn citation(choice: u32, part: u32, citation: Citation) -> Event {
    Event::Citation {
        choice,
        part,
        citation: Box::new(citation),
    }
}
