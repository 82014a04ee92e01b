//! The last lines that a program said, fit to be shown.

use std::collections::VecDeque;

/// The most lines that are kept.
const LINES: usize = 8;

/// The most bytes of a line that are kept.
const LINE: usize = 240;

/// The last lines of a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl Tail {
    /// Takes the next piece, wherever it was cut.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        for (at, part) in piece.split(|byte| *byte == b'\n').enumerate() {
            if at > 0 {
                self.end_line();
            }
            let room = LINE.saturating_sub(self.open.len());
            self.open.extend(part.iter().take(room));
        }
    }

    fn end_line(&mut self) {
        let line = clean(&String::from_utf8_lossy(&self.open));
        self.open.clear();
        if !line.trim().is_empty() {
            self.lines.push_back(line);
        }
        while self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// The lines, the last one first ended; empty where nothing was said.
    pub(crate) fn text(&mut self) -> String {
        self.end_line();
        let lines: Vec<_> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

/// The text without terminal escapes and control characters; line breaks and
/// tabs stay.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            // The same as an escape and `[`.
            '\u{9b}' => skip_until(&mut rest, |c| ('@'..='~').contains(&c)),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || is_direction(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The last boundary of characters that is at most there.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Characters that turn the direction of writing, and so what a line seems to say.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => skip_until(rest, |c| ('@'..='~').contains(&c)),
        // Strings: titles, links and the like, up to a bell or an escape and `\`.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            skip_until(rest, |c| c == '\u{7}' || c == '\\' || c == '\n');
        }
        Some('(' | ')' | '#' | '%') => {
            rest.next();
        }
        _ => {}
    }
}

fn skip_until(rest: &mut std::str::Chars<'_>, is_end: impl Fn(char) -> bool) {
    for c in rest {
        if is_end(c) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_wherever_the_text_was_cut() {
        let text: String = (0..20).map(|n| format!("line {n}\r\n")).collect();
        for step in [1, 7, 1000] {
            let mut tail = Tail::default();
            for piece in text.as_bytes().chunks(step) {
                tail.push(piece);
            }
            tail.push(b"no line break");
            let said = tail.text();
            assert!(said.starts_with("line 13\nline 14\n"), "{said}");
            assert!(said.ends_with("line 19\nno line break"), "{said}");
        }
    }

    #[test]
    fn an_endless_line_takes_no_more_room() {
        let mut tail = Tail::default();
        for _ in 0..1000 {
            tail.push(&[b'x'; 1000]);
        }
        assert_eq!(tail.text().len(), LINE);
    }

    #[test]
    fn escapes_and_controls_are_gone() {
        let text = "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}bell\u{7} \u{9b}2Jcls \u{1b}(Bset\ttab\u{202e}";
        assert_eq!(clean(text), "red bell cls set\ttab");
        assert_eq!(clean("\u{1b}]8;;http://x\u{1b}\\link"), "link");
    }
}
