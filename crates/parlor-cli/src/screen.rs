//! Rows on a terminal: final ones above, and a tail below that is painted anew.
//!
//! Nothing above the tail is touched, the cursor's place is never asked for, and
//! each change is one write within a synchronised update, so that text that
//! streams in neither flickers nor repeats itself.

use std::io::{self, Write};

use crate::markdown::{last_lines, lines_of};

/// Begins and ends an update that the terminal shows at once.
/// <https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036>
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";

/// Clears from the cursor to the end of the line. What reaches further isn't cleared at
/// once: where that begins at the top, terminals keep what they clear as lines that
/// went by, again and again.
const CLEAR: &str = "\u{1b}[K";

/// What a terminal has room for when it doesn't say.
const USUAL: (usize, usize) = (80, 24);

/// The columns of what is no terminal, unless COLUMNS says more.
const BESIDE: usize = 80;

/// Paints rows where the cursor is.
#[derive(Debug)]
pub(crate) struct Screen<W> {
    out: W,
    /// Whether it is a terminal; elsewhere there are final rows alone.
    is_terminal: bool,
    /// The rows of the tail that are on the screen, the cursor on their last line.
    tail: Vec<String>,
    /// The columns that they were painted for.
    columns: usize,
}

impl<W: Write> Screen<W> {
    /// A screen whose cursor stands at the beginning of a row.
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            is_terminal: true,
            tail: Vec::new(),
            columns: 0,
        }
    }

    /// What is no terminal: a pipe or a file, which gets final rows alone.
    pub(crate) fn beside(out: W) -> Self {
        Self {
            is_terminal: false,
            ..Self::new(out)
        }
    }

    /// Writes final rows where the tail was, and a new tail below them, of which
    /// only the end is shown where the terminal is too low.
    pub(crate) fn paint(
        &mut self,
        rows: &[String],
        tail: Vec<String>,
        size: (usize, usize),
    ) -> io::Result<()> {
        if rows.is_empty() && tail == self.tail {
            return Ok(());
        }
        if !self.is_terminal {
            let rows = rows.iter().map(|row| format!("{row}\n"));
            self.out.write_all(rows.collect::<String>().as_bytes())?;
            return self.out.flush();
        }
        let (columns, lines) = size;
        let tail = last_rows(tail, columns, lines.saturating_sub(2).max(1));
        // What stands there already is left alone.
        let stays = rows.is_empty() && columns == self.columns;
        let same = tail.iter().zip(&self.tail);
        let same = same.take_while(|(new, old)| stays && new == old).count();
        let last = tail.len().min(self.tail.len()).saturating_sub(1);
        let same = same.min(last);
        let over = self.tail.get(same..).unwrap_or_default();
        let over: usize = over.iter().map(|row| height(row, columns)).sum();
        // What a resized terminal pushed out at its top is out of reach.
        let over = over.min(lines);
        let mut text = String::from(BEGIN);
        if over > 0 {
            text.push('\r');
        }
        up(over.saturating_sub(1), &mut text);
        let mut painted = 0;
        // A line that tmux broke in two is one to it until it is cleared from its beginning,
        // and is put together again where the window grows.
        let breaks = columns < self.columns;
        for row in rows {
            if breaks && painted < over {
                text.push_str(CLEAR);
            }
            paint(row, columns, painted < over, &mut text);
            painted += height(row, columns);
            text.push_str("\r\n");
        }
        let tail_from = painted;
        for (at, row) in tail.iter().enumerate().skip(same) {
            if at > same {
                text.push_str("\r\n");
            }
            if breaks && painted < over {
                text.push_str(CLEAR);
            }
            paint(row, columns, painted < over, &mut text);
            painted += height(row, columns);
        }
        // The cursor is on the line after the last, unless a tail ends there.
        let left = over.saturating_sub(painted);
        let is_below = painted == tail_from;
        for line in 0..left {
            if line > 0 || !is_below {
                text.push_str("\r\n");
            }
            text.push_str(CLEAR);
        }
        up(left.saturating_sub(usize::from(is_below)), &mut text);
        text.push_str(END);
        (self.tail, self.columns) = (tail, columns);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// Moves so many lines up.
fn up(lines: usize, text: &mut String) {
    if lines > 0 {
        text.push_str(&format!("\u{1b}[{lines}A"));
    }
}

/// Writes a row, over what stands on its lines if anything does.
fn paint(row: &str, columns: usize, is_over: bool, text: &mut String) {
    text.push_str(row);
    // One that ends at the edge has written over all of its last line.
    if is_over && lines_of(row, columns).1 < columns {
        text.push_str(CLEAR);
    }
}

/// The lines of the terminal that a row takes.
fn height(row: &str, columns: usize) -> usize {
    lines_of(row, columns).0
}

/// The last rows that fit into so many lines; of one that never would, its end.
fn last_rows(rows: Vec<String>, columns: usize, lines: usize) -> Vec<String> {
    let mut room = lines;
    let mut last = Vec::new();
    for row in rows.into_iter().rev() {
        let height = height(&row, columns);
        if height > room {
            if height > lines && room > 0 {
                last.push(last_lines(&row, columns, room));
            }
            break;
        }
        room -= height;
        last.push(row);
    }
    last.reverse();
    last
}

/// Columns and lines of the terminal.
pub(crate) fn size() -> (usize, usize) {
    match crossterm::terminal::size() {
        Ok((columns, lines)) if columns > 0 && lines > 0 => (columns.into(), lines.into()),
        _ => USUAL,
    }
}

/// The same of what is no terminal.
pub(crate) fn size_beside() -> (usize, usize) {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|it| it.parse().ok());
    let columns = columns.filter(|columns| (1..=1000).contains(columns));
    (columns.unwrap_or(BESIDE), USUAL.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(steps: &[(&[&str], &[&str])], columns: u16, lines: u16) -> String {
        let size = (usize::from(columns), usize::from(lines));
        let mut screen = Screen::new(Vec::new());
        let owned = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        for (rows, tail) in steps {
            screen.paint(&owned(rows), owned(tail), size).unwrap();
        }
        let mut terminal =
            vt100::Parser::new(lines.try_into().unwrap(), columns.try_into().unwrap(), 100);
        terminal.process(&screen.out);
        terminal.screen().contents()
    }

    #[test]
    fn a_tail_is_replaced_and_rows_stay() {
        let steps: &[(&[&str], &[&str])] = &[
            (&[], &["thinking"]),
            (&["one"], &["two", "three"]),
            (&["two", "three"], &["four which is longer than the row"]),
            (&["five"], &[]),
        ];
        assert_eq!(painted(steps, 12, 20), "one\ntwo\nthree\nfive");
        assert_eq!(
            painted(&steps[..3], 12, 20),
            "one\ntwo\nthree\nfour which is longer than the row"
        );
    }

    #[test]
    fn a_tail_higher_than_the_screen_shows_its_end() {
        let tail: Vec<String> = (0..50).map(|row| row.to_string()).collect();
        let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
        let steps: &[(&[&str], &[&str])] = &[(&[], &tail[..30]), (&[], &tail)];
        assert_eq!(painted(steps, 10, 6), "46\n47\n48\n49");
    }

    /// tmux and others keep what is cleared from the top as lines that went by, at
    /// each painting once more.
    #[test]
    fn nothing_is_cleared_beyond_its_line() {
        let tall: Vec<String> = (0..20).map(|row| format!("row {row}")).collect();
        let tall: Vec<&str> = tall.iter().map(String::as_str).collect();
        let steps: &[(&[&str], &[&str])] = &[
            (&[], &tall),
            (&[], &tall[..4]),
            (&["a row that is longer than the terminal"], &tall[..9]),
            (&["one"], &["two"]),
            (&[], &["two", "three", "four"]),
            (&[], &["two"]),
            (&[], &[]),
        ];
        let size = (12, 8);
        let mut screen = Screen::new(Vec::new());
        for (rows, tail) in steps {
            let owned = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect();
            let rows: Vec<String> = owned(rows);
            screen.paint(&rows, owned(tail), size).unwrap();
        }
        let written = String::from_utf8(screen.out).unwrap();
        assert!(!written.contains("\u{1b}[J"), "{written:?}");
        assert_eq!(painted(steps, 12, 8), "n the terminal\none");
        assert_eq!(painted(&steps[3..6], 12, 8), "one\ntwo");
    }

    #[test]
    fn of_a_row_higher_than_the_screen_its_end_is_shown() {
        let long = |length: usize| (b'a'..=b'z').cycle().take(length).map(char::from);
        let [before, now] = [60, 64].map(|length| long(length).collect::<String>());
        let steps: &[(&[&str], &[&str])] =
            &[(&[], &[&before, "› typed"]), (&[], &[&now, "› typed"])];
        let shown = painted(steps, 10, 6);
        assert!(shown.ends_with("kl\n› typed"), "{shown}");
        assert_eq!(shown.matches("typed").count(), 1, "{shown}");
    }

    /// A wide letter that doesn't fit on the rest of a line leaves it empty.
    #[test]
    fn wide_letters_take_the_lines_that_they_take() {
        let row = |count: usize| "a中中".repeat(count);
        let growing: Vec<String> = (1..12).map(row).collect();
        let growing: Vec<[&str; 1]> = growing.iter().map(|row| [row.as_str()]).collect();
        let mut steps: Vec<(&[&str], &[&str])> = Vec::new();
        growing.iter().for_each(|row| steps.push((&[], row)));
        steps.push((&["end"], &[]));
        for columns in 4..12 {
            assert_eq!(painted(&steps, columns, 40), "end", "{columns}");
        }
    }

    #[test]
    fn rows_that_stand_there_are_not_written_again() {
        let mut screen = Screen::new(Vec::new());
        let tail = |last: &str| vec!["a long row".to_owned(), "b".to_owned(), last.to_owned()];
        screen.paint(&[], tail("c"), (20, 10)).unwrap();
        screen.out.clear();
        screen.paint(&[], tail("cd"), (20, 10)).unwrap();
        let written = String::from_utf8(screen.out.clone()).unwrap();
        assert!(
            !written.contains("long") && written.contains("cd"),
            "{written:?}"
        );
        // What was laid out for other columns is.
        screen.paint(&[], tail("cde"), (30, 10)).unwrap();
        let written = String::from_utf8(screen.out).unwrap();
        assert!(written.contains("long"), "{written:?}");
    }

    /// tmux takes a line that it broke in two for one, and puts it together again,
    /// unless it is cleared from its beginning.
    #[test]
    fn lines_of_a_terminal_that_has_grown_narrow_are_cleared_from_their_beginning() {
        let rows = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let mut screen = Screen::new(Vec::new());
        screen
            .paint(&[], rows(&["one two three"]), (20, 10))
            .unwrap();
        screen.out.clear();
        let narrow = rows(&["one two", "three"]);
        screen.paint(&narrow, rows(&["four"]), (10, 10)).unwrap();
        let written = String::from_utf8(screen.out).unwrap();
        for row in &narrow {
            assert!(written.contains(&format!("{CLEAR}{row}")), "{written:?}");
        }
        assert!(!written.contains(&format!("{CLEAR}four")), "{written:?}");
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let mut screen = Screen::new(Vec::new());
        screen.paint(&[], vec!["a".to_owned()], (10, 10)).unwrap();
        let written = screen.out.len();
        screen.paint(&[], vec!["a".to_owned()], (10, 10)).unwrap();
        assert_eq!(screen.out.len(), written);
    }
}
