//! Puts texts that come interleaved one after another, for dialects whose messages have one text.

use std::collections::VecDeque;

/// Orders the texts of the parts of one message that may be open at the same
/// time: that of the part opened first passes, that of later ones waits.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    parts: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    part: u32,
    text: String,
    finished: bool,
}

impl Lane {
    /// A part opens.
    pub(crate) fn open(&mut self, part: u32) {
        self.parts.push_back(Waiting {
            part,
            text: String::new(),
            finished: false,
        });
    }

    /// Whether a delta may be written at once; else it is kept.
    pub(crate) fn passes(&mut self, part: u32, text: &str) -> bool {
        if self.parts.front().is_some_and(|it| it.part == part) {
            return true;
        }
        let waiting = self.parts.iter_mut().find(|it| it.part == part);
        if let Some(waiting) = waiting {
            waiting.text.push_str(text);
        }
        false
    }

    /// Ends a part and gives the texts whose turn it then is.
    pub(crate) fn finish(&mut self, part: u32) -> Vec<String> {
        let Some(waiting) = self.parts.iter_mut().find(|it| it.part == part) else {
            return Vec::new();
        };
        waiting.finished = true;
        let mut ready = Vec::new();
        while self.parts.front().is_some_and(|it| it.finished) {
            self.parts.pop_front();
            if let Some(next) = self.parts.front_mut()
                && !next.text.is_empty()
            {
                ready.push(std::mem::take(&mut next.text));
            }
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_interleaved_parts_come_one_after_another() {
        let mut lane = Lane::default();
        lane.open(0);
        lane.open(1);
        lane.open(2);
        assert!(lane.passes(0, "a"));
        assert!(!lane.passes(1, "b"));
        assert!(!lane.passes(2, "c"));
        assert_eq!(lane.finish(1), Vec::<String>::new());
        assert!(lane.passes(0, "a"));
        assert_eq!(lane.finish(0), ["b", "c"]);
        assert!(lane.passes(2, "c"));
        assert_eq!(lane.finish(2), Vec::<String>::new());
        assert_eq!(lane.finish(2), Vec::<String>::new());
        assert!(!lane.passes(3, "d"));
    }
}
