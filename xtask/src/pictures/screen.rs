//! A terminal's screen as a picture: the text with its escapes, as `tmux capture-pane -e` gives it.

use std::fmt::Write;

use super::svg;

const CELL: (f64, f64) = (8.4, 18.0);
const EDGE: f64 = 16.0;
const BAR: f64 = 30.0;
const PAPER: &str = "#14181f";
const INK: &str = "#d5dae3";
/// The sixteen colours that a terminal has by number.
const COLOURS: [&str; 16] = [
    "#2b313c", "#f0717b", "#7fc987", "#e3b866", "#6cb2f7", "#c792ea", "#4fc3c7", "#d5dae3",
    "#7d8695", "#ff8a93", "#98dca0", "#f2cb7f", "#8ac6ff", "#d9aef5", "#74dcdf", "#f4f6fa",
];

/// How text is written from some cell on.
#[derive(Clone, Default, PartialEq)]
struct Style {
    ink: Option<String>,
    paper: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
}

/// A window with these lines, so many cells wide.
pub(super) fn drawn(says: &str, columns: u32, screen: &str) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    #[allow(clippy::cast_precision_loss, reason = "a handful of lines")]
    let height = BAR + CELL.1 * lines.len() as f64 + 1.5 * EDGE;
    let width = CELL.0 * f64::from(columns) + 2.0 * EDGE;
    let mut inside = format!(
        "<style>text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; \
         white-space: pre }}</style>\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"9\" fill=\"{PAPER}\"/>\n\
         <circle cx=\"18\" cy=\"16\" r=\"5\" fill=\"#3a414d\"/>\
         <circle cx=\"36\" cy=\"16\" r=\"5\" fill=\"#3a414d\"/>\
         <circle cx=\"54\" cy=\"16\" r=\"5\" fill=\"#3a414d\"/>\n"
    );
    let mut style = Style::default();
    let mut y = BAR + 14.0;
    for line in lines {
        let mut column = 0;
        for (text, style) in runs(line, &mut style) {
            let cells = text.chars().count();
            draw(&mut inside, &text, &style, (column, cells), y);
            column += cells;
        }
        y += CELL.1;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes in pixels"
    )]
    svg::picture(width as u32, height as u32, says, &inside)
}

/// A line's texts, each in one style; the style goes on into the next line.
fn runs(line: &str, style: &mut Style) -> Vec<(String, Style)> {
    let mut runs: Vec<(String, Style)> = Vec::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if let Some((codes, after)) = rest.strip_prefix("\x1b[").and_then(|it| it.split_once('m')) {
            style.take(codes);
            rest = after;
            continue;
        }
        if let Some((_, after)) = rest
            .strip_prefix("\x1b]")
            .and_then(|it| it.split_once("\x1b\\"))
        {
            rest = after;
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        if letter.is_control() {
            continue;
        }
        match runs.last_mut() {
            Some((text, last)) if last == style => text.push(letter),
            _ => runs.push((letter.to_string(), style.clone())),
        }
    }
    runs
}

fn draw(out: &mut String, text: &str, style: &Style, (column, cells): (usize, usize), y: f64) {
    #[allow(clippy::cast_precision_loss, reason = "columns of a terminal")]
    let (x, width) = (EDGE + CELL.0 * column as f64, CELL.0 * cells as f64);
    let (mut ink, mut paper) = (style.ink.as_deref(), style.paper.as_deref());
    if style.inverse {
        (ink, paper) = (paper.or(Some(PAPER)), ink.or(Some(INK)));
    }
    // Writing to a string can't fail.
    if let Some(paper) = paper {
        let top = y - 14.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"{}\" fill=\"{paper}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let mut how = String::new();
    for (is, words) in [
        (style.bold, " font-weight=\"600\""),
        (style.dim, " opacity=\"0.6\""),
        (style.italic, " font-style=\"italic\""),
        (style.underline, " text-decoration=\"underline\""),
    ] {
        if is {
            how.push_str(words);
        }
    }
    let (ink, words) = (ink.unwrap_or(INK), svg::escaped(text));
    // The length holds the columns together in whatever font there is.
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{ink}\"{how}>{words}</text>"
    );
}

impl Style {
    /// What an escape of `CSI … m` sets.
    fn take(&mut self, codes: &str) {
        let mut codes = codes
            .split([';', ':'])
            .map(|code| code.parse::<u8>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                30..=37 => self.ink = Some(indexed(code - 30)),
                38 => self.ink = further(&mut codes),
                39 => self.ink = None,
                40..=47 => self.paper = Some(indexed(code - 40)),
                48 => self.paper = further(&mut codes),
                49 => self.paper = None,
                90..=97 => self.ink = Some(indexed(code - 82)),
                100..=107 => self.paper = Some(indexed(code - 92)),
                _ => {}
            }
        }
    }
}

/// A colour by number or by its parts.
fn further(codes: &mut impl Iterator<Item = u8>) -> Option<String> {
    match codes.next()? {
        5 => Some(indexed(codes.next()?)),
        2 => {
            let (red, green, blue) = (codes.next()?, codes.next()?, codes.next()?);
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        _ => None,
    }
}

/// One of a terminal's 256 colours: the sixteen, a cube of six to a side, and greys.
fn indexed(number: u8) -> String {
    match number {
        0..=15 => COLOURS[usize::from(number)].to_owned(),
        16..=231 => {
            let part = |of: u8| match (number - 16) / of % 6 {
                0 => 0,
                step => 55 + step * 40,
            };
            format!("#{:02x}{:02x}{:02x}", part(36), part(6), part(1))
        }
        232.. => {
            let grey = 8 + (number - 232) * 10;
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, drawn, indexed, runs};

    #[test]
    fn styles_go_from_escape_to_escape() {
        let mut style = Style::default();
        let found = runs("a\x1b[1;38;5;208mb\x1b[22mc\x1b[0md", &mut style);
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d"]);
        assert!(found[1].1.bold && !found[2].1.bold);
        assert_eq!(found[2].1.ink.as_deref(), Some("#ff8700"));
        assert!(found[3].1 == Style::default());
    }

    #[test]
    fn links_and_other_escapes_leave_their_text() {
        let found = runs(
            "\x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\",
            &mut Style::default(),
        );
        assert_eq!(found[0].0, "here");
    }

    #[test]
    fn colours_by_number() {
        assert_eq!(indexed(16), "#000000");
        assert_eq!(indexed(231), "#ffffff");
        assert_eq!(indexed(255), "#eeeeee");
    }

    #[test]
    fn what_is_shown_is_text_of_the_picture() {
        let picture = drawn("a <test>", 20, "1 < 2\n\x1b[32m& so on\x1b[0m\n");
        assert!(picture.contains("a &lt;test&gt;") && picture.contains(">1 &lt; 2<"));
        assert!(
            picture.contains("fill=\"#7fc987\">&amp; so on<"),
            "{picture}"
        );
    }
}
