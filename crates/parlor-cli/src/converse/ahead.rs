//! What is typed while an answer comes: commands that may run then, and text that stands
//! at the next prompt.
//!
//! It is a small line editor: letters, Backspace, Ctrl-U, Ctrl-W, Enter, and pastes, which
//! are text whatever they hold. Other keys do nothing before the prompt.

use unicode_segmentation::UnicodeSegmentation as _;

use super::editor::PROMPT;
use super::slash;
use crate::markdown::{cells, cut};
use crate::terminal;

/// The most rows that it takes of the screen.
const ROWS: usize = 3;

/// The most bytes of what a key sends after `ESC [`.
const LONGEST: usize = 64;

/// What is typed ahead of the next prompt.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    text: String,
    /// Where the line begins that is being typed; those before were entered.
    line: usize,
    /// What came of it and isn't read yet.
    bytes: Vec<u8>,
    is_pasted: bool,
}

/// What some bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Letter(char),
    Tab,
    Enter,
    NewLine,
    Backspace,
    ClearLine,
    ClearWord,
    PasteBegins,
    PasteEnds,
    Other,
}

impl Ahead {
    /// Takes what was typed by now.
    pub(super) fn look(&mut self) {
        // What goes on is there at once; Esc alone doesn't.
        let has_come = terminal::typed(&mut self.bytes);
        if !has_come && self.bytes.first() == Some(&0x1b) {
            self.bytes.clear();
        }
    }

    /// Reads on to the next command that was entered, if there is one.
    pub(super) fn command(&mut self) -> Option<String> {
        let mut read = 0;
        let mut entered = None;
        while entered.is_none()
            && let Some((length, key)) = key(self.bytes.get(read..).unwrap_or_default())
        {
            read += length;
            entered = self.press(key);
        }
        self.bytes.drain(..read);
        entered
    }

    /// Has a command that was entered stand at the next prompt after all.
    pub(super) fn hold(&mut self, command: &str) {
        let held = format!("{command}\n");
        self.text.insert_str(self.line, &held);
        self.line += held.len();
    }

    /// What stands at the next prompt, with the lines that were entered.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same, which is gone from here; commands that weren't run stand there too.
    pub(super) fn take(&mut self) -> String {
        while let Some(command) = self.command() {
            self.hold(&command);
        }
        std::mem::take(self).text
    }

    fn press(&mut self, key: Key) -> Option<String> {
        match key {
            Key::PasteBegins => self.is_pasted = true,
            Key::PasteEnds => self.is_pasted = false,
            Key::Letter(letter) => self.text.push(letter),
            Key::NewLine => self.text.push('\n'),
            Key::Enter if self.is_pasted => self.text.push('\n'),
            Key::Tab if self.is_pasted => self.text.push('\t'),
            Key::Enter => return self.enter(),
            _ if self.is_pasted => {}
            Key::Backspace => {
                let last = self.text.graphemes(true).next_back().map_or(0, str::len);
                self.text.truncate(self.text.len() - last);
                self.correct();
            }
            Key::ClearLine => self.text.truncate(self.line),
            Key::ClearWord => {
                let line = self.text.get(self.line..).unwrap_or_default().trim_end();
                let kept = line.trim_end_matches(|it: char| !it.is_whitespace());
                self.text.truncate(self.line + kept.len());
            }
            Key::Tab | Key::Other => {}
        }
        None
    }

    /// The line is whole: it is a command, or is held.
    fn enter(&mut self) -> Option<String> {
        let line = self.text.get(self.line..).unwrap_or_default().trim();
        if slash::command(line).is_some() {
            let line = line.to_owned();
            self.text.truncate(self.line);
            return Some(line);
        }
        // An empty line says nothing, unless it stands between others.
        if !self.text.trim().is_empty() {
            self.text.push('\n');
        }
        self.line = self.text.len();
        None
    }

    /// The line that is being typed begins where the one before ends, after something
    /// was erased.
    fn correct(&mut self) {
        if self.line > self.text.len() {
            self.line = self.text.rfind('\n').map_or(0, |at| at + 1);
        }
    }
}

/// The key that bytes begin with, and how many of them are its; `None` where more of
/// them must come.
fn key(bytes: &[u8]) -> Option<(usize, Key)> {
    Some(match bytes {
        [] | [0x1b] => return None,
        [0x1b, b'[', rest @ ..] => {
            let parameters = rest.iter().take_while(|it| matches!(it, 0x20..=0x3f));
            let end = parameters.take(LONGEST).count();
            match rest.get(..=end)? {
                b"200~" => (6, Key::PasteBegins),
                b"201~" => (6, Key::PasteEnds),
                [.., 0x40..=0x7e] => (end + 3, Key::Other),
                // What a key sends ends otherwise.
                _ => (end + 2, Key::Other),
            }
        }
        [0x1b, b'O'] => return None,
        [0x1b, b'O', _, ..] => (3, Key::Other),
        [0x1b, b'\r' | b'\n', ..] => (2, Key::NewLine),
        [0x1b, 0x20..=0x7e, ..] => (2, Key::Other),
        [b'\t', ..] => (1, Key::Tab),
        [b'\r' | b'\n', ..] => (1, Key::Enter),
        [0x08 | 0x7f, ..] => (1, Key::Backspace),
        [0x15, ..] => (1, Key::ClearLine),
        [0x17, ..] => (1, Key::ClearWord),
        bytes => return letter(bytes),
    })
}

fn letter(bytes: &[u8]) -> Option<(usize, Key)> {
    let bytes = bytes.get(..4).unwrap_or(bytes);
    let first = bytes.utf8_chunks().next()?;
    Some(match first.valid().chars().next() {
        Some(letter) if letter.is_control() => (letter.len_utf8(), Key::Other),
        Some(letter) => (letter.len_utf8(), Key::Letter(letter)),
        None if is_begun(bytes) => return None,
        None => (first.invalid().len().max(1), Key::Other),
    })
}

/// Whether bytes are the beginning of a letter, and no more.
fn is_begun(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|it| it.valid_up_to() == 0 && it.error_len().is_none())
}

/// The rows beneath an answer for what is typed ahead, the last of them to be typed on.
pub(super) fn rows(text: &str, columns: usize) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let room = columns.saturating_sub(cells(PROMPT) + 1).max(1);
    let count = text.split('\n').count();
    let lines = text.split('\n').enumerate();
    let rows = lines.skip(count.saturating_sub(ROWS)).map(|(at, line)| {
        let line = line.replace('\t', " ");
        let line = match at + 1 == count {
            true => end_of(&line, room),
            false => cut(&line, room),
        };
        let before = if at == 0 { PROMPT } else { "  " };
        format!("{before}{line}")
    });
    rows.collect()
}

/// The text itself where it fits into so many cells, else `…` and its end.
fn end_of(text: &str, most: usize) -> String {
    if cells(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fitting = text.grapheme_indices(true).rev().take_while(|(_, letter)| {
        let left = room.checked_sub(cells(letter));
        room = left.unwrap_or(0);
        left.is_some()
    });
    let from = fitting.last().map_or(text.len(), |(at, _)| at);
    format!("…{}", &text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes of these bytes: the commands, and what stands at the next prompt.
    fn typed(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut ahead = Ahead::default();
        let mut commands = Vec::new();
        for piece in pieces {
            ahead.bytes.extend(*piece);
            while let Some(command) = ahead.command() {
                commands.push(command);
            }
        }
        (commands, ahead.take())
    }

    #[track_caller]
    fn stands(typed_in: &str, wanted: &str) {
        assert_eq!(typed(&[typed_in.as_bytes()]), (vec![], wanted.to_owned()));
    }

    #[test]
    fn commands_are_entered_and_text_is_held() {
        let (commands, text) = typed(&[b"one\n/status\n/set seed 7 \n  .info\ntwo\n//three\nfo"]);
        assert_eq!(commands, ["/status", "/set seed 7", ".info"]);
        assert_eq!(text, "one\ntwo\n//three\nfo");
    }

    #[test]
    fn a_command_that_waits_stands_where_it_was_entered() {
        let mut ahead = Ahead::default();
        ahead.bytes.extend(b"one\n/new\ntwo");
        let command = ahead.command().unwrap();
        ahead.hold(&command);
        assert_eq!(ahead.command(), None);
        assert_eq!(ahead.take(), "one\n/new\ntwo");
    }

    #[test]
    fn what_was_not_read_by_the_end_is_not_lost() {
        let mut ahead = Ahead::default();
        ahead.bytes.extend(b"one\n/status\ntwo");
        assert_eq!(ahead.take(), "one\n/status\ntwo");
        assert_eq!(ahead.take(), "");
    }

    #[test]
    fn what_is_mistyped_is_erased() {
        stands("wrod\x7f\x7f\x7ford 👩‍👩‍👧\x08!", "word !");
        stands("one two\x17\x17three", "three");
        stands("one\ntwo\x15", "one\n");
        // A line that was entered is typed on.
        stands("one\n\x7f\x7fly", "only");
        stands("\n \n\x7f\x7f\x7f\x7f\x7f", "");
        assert_eq!(typed(&[b"one\n\x7f\x15/status\n"]).0, ["/status"]);
    }

    #[test]
    fn a_paste_is_text_and_runs_nothing() {
        stands("\x1b[200~/quit\n/new\n\x1b[201~", "/quit\n/new\n");
        stands("a\x1b[200~\x15b\tc\x1b[201~d", "ab\tcd");
    }

    #[test]
    fn other_keys_are_no_text() {
        stands(
            "a\x1b[Ab\x1bOPc\x1b[1;5Cd\x1bxe\x01\x0f\tf\u{9b}g\x1b\nh",
            "abcdefg\nh",
        );
        stands(&format!("\x1b[{}", "1".repeat(100)), &"1".repeat(36));
        stands("\x1b[1\nb", "b");
    }

    #[test]
    fn rows_fit_the_terminal_and_show_where_it_is_typed() {
        assert!(rows("", 80).is_empty());
        assert_eq!(rows("one\n", 80), ["› one", "  "]);
        assert_eq!(rows("1\n2\n3\n4", 80), ["  2", "  3", "  4"]);
        assert_eq!(
            rows("a long line\nanother one", 10),
            ["› a long…", "  …er one"]
        );
        for columns in 0..9 {
            let widest = rows("東京 東京\n👩‍👩‍👧東京 b", columns);
            let widest = widest.iter().map(|row| cells(row)).max();
            assert!(widest <= Some(columns.max(4) - 1), "{columns}");
        }
    }

    proptest! {
        /// However it is cut on its way, the same is typed; nothing panics.
        #[test]
        fn cuts_change_nothing(
            bytes in proptest::collection::vec(
                prop_oneof![
                    Just(b"\x1b[200~".to_vec()),
                    Just(b"\x1b[201~".to_vec()),
                    Just(b"/quit\n".to_vec()),
                    Just("é東👩‍👩‍👧".as_bytes().to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..4),
                ],
                0..12,
            ),
        ) {
            let bytes = bytes.concat();
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            let (commands, text) = typed(&single);
            prop_assert_eq!(typed(&[&bytes]), (commands, text.clone()));
            let is_text = |it: char| it == '\n' || it == '\t' || !it.is_control();
            prop_assert!(text.chars().all(is_text));
            for columns in [1, 7, 80] {
                prop_assert!(rows(&text, columns).len() <= ROWS);
            }
        }
    }
}
