//! Puts the events of parts that overlap one part after another, for dialects whose parts don't.

use parlor_core::{Event, Result};
use std::collections::VecDeque;

/// Orders the events of parts: those of the part opened first pass, those of
/// later ones wait. Of several choices only the first passes.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    parts: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    part: u32,
    finished: bool,
    events: Vec<Event>,
}

impl Sequence {
    /// Takes an event and hands out those whose turn it is. What belongs to no
    /// part passes at once.
    pub(crate) fn push(
        &mut self,
        event: &Event,
        mut pass: impl FnMut(&Event) -> Result<()>,
    ) -> Result<()> {
        let (choice, part) = match event {
            Event::PartStarted { choice, part, .. } => {
                if *choice == 0 {
                    self.parts.push_back(Waiting {
                        part: *part,
                        finished: false,
                        events: Vec::new(),
                    });
                }
                (choice, part)
            }
            Event::TextDelta { choice, part, .. }
            | Event::ReasoningDelta { choice, part, .. }
            | Event::ArgumentsDelta { choice, part, .. }
            | Event::Citation { choice, part, .. }
            | Event::PartFinished { choice, part, .. } => (choice, part),
            Event::Finished { choice, .. } if *choice != 0 => return Ok(()),
            _ => return pass(event),
        };
        if *choice != 0 {
            return Ok(());
        }
        let known = self
            .parts
            .iter()
            .position(|it| it.part == *part && !it.finished);
        let Some(at) = known else { return Ok(()) };
        let ends = matches!(event, Event::PartFinished { .. });
        match at {
            0 => pass(event)?,
            _ => self.parts[at].events.push(event.clone()),
        }
        self.parts[at].finished = ends;
        while self.parts.front().is_some_and(|it| it.finished) {
            self.parts.pop_front();
            let Some(next) = self.parts.front_mut() else {
                break;
            };
            for event in std::mem::take(&mut next.events) {
                pass(&event)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_core::PartKind;

    #[test]
    fn parts_that_overlap_come_one_after_another() {
        let text = |choice, part, text: &str| Event::TextDelta {
            choice,
            part,
            text: text.into(),
        };
        let open = |choice, part| Event::part_started(choice, part, PartKind::Text);
        let close = |choice, part| Event::part_finished(choice, part);
        let events = [
            open(1, 0),
            text(1, 0, "x"),
            open(0, 0),
            open(0, 1),
            text(0, 1, "b"),
            text(0, 0, "a"),
            close(0, 1),
            open(0, 2),
            text(0, 2, "c"),
            close(0, 0),
            text(0, 2, "d"),
            text(0, 0, "late"),
            close(0, 2),
        ];
        let mut said = Vec::new();
        let mut sequence = Sequence::default();
        for event in &events {
            let pass = |event: &Event| {
                said.push(event.clone());
                Ok(())
            };
            sequence.push(event, pass).unwrap();
        }
        let wanted = [
            open(0, 0),
            text(0, 0, "a"),
            close(0, 0),
            open(0, 1),
            text(0, 1, "b"),
            close(0, 1),
            open(0, 2),
            text(0, 2, "c"),
            text(0, 2, "d"),
            close(0, 2),
        ];
        assert_eq!(said, wanted);
    }
}
