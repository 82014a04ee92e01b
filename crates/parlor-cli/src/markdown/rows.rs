//! Words with their looks, broken into rows.

use super::Looks;
use super::clean::is_obeyed;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// How a word looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) struck: bool,
    pub(crate) underlined: bool,
    pub(crate) dim: bool,
    pub(crate) colour: Option<Colour>,
}

/// One of the terminal's own colours, which go with its background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
    Cyan = 36,
}

/// A stretch of text with one look.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// Where a click on it leads.
    pub(crate) link: Option<std::rc::Rc<str>>,
}

/// The cells that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The cells that a row takes, looks and links apart.
pub(crate) fn cells(row: &str) -> usize {
    stretches(row).map(width).sum()
}

/// The lines that a row takes in a terminal of so many columns, and the cells of the last.
/// A wide letter that doesn't fit on the rest of a line begins the next.
pub(crate) fn lines_of(row: &str, columns: usize) -> (usize, usize) {
    let columns = columns.max(1);
    let all = cells(row);
    if all <= columns {
        return (1, all);
    }
    let (mut lines, mut used) = (1, 0);
    for letter in stretches(row).flat_map(|it| it.graphemes(true)) {
        let cells = width(letter);
        if used > 0 && used + cells > columns {
            (lines, used) = (lines + 1, 0);
        }
        used += cells;
    }
    (lines, used)
}

/// The end of a row that fits on so many lines, without its looks.
pub(crate) fn last_lines(row: &str, columns: usize, lines: usize) -> String {
    let shown: String = stretches(row).collect();
    // A wide letter may leave a cell of each line empty.
    let mut room = columns.saturating_sub(1).max(1) * lines;
    let fitting = shown
        .grapheme_indices(true)
        .rev()
        .take_while(|(_, letter)| {
            let left = room.checked_sub(width(letter));
            room = left.unwrap_or(0);
            left.is_some()
        });
    let from = fitting.last().map_or(shown.len(), |(at, _)| at);
    shown.get(from..).unwrap_or_default().to_owned()
}

/// What a terminal shows of a row.
fn stretches(row: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let (shown, after) = match rest?.split_once('\u{1b}') {
            Some((shown, after)) => (shown, Some(after)),
            None => (rest?, None),
        };
        rest = after.map(|after| {
            let end = match after.as_bytes().first() {
                Some(b'[') => after.find('m').map(|end| end + 1),
                Some(b']') => after.find("\u{1b}\\").map(|end| end + 2),
                _ => None,
            };
            end.and_then(|end| after.get(end..)).unwrap_or_default()
        });
        Some(shown)
    })
}

/// The text itself where it fits into so many cells, else its beginning and `…`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fitting = text.graphemes(true).take_while(|letter| {
        let left = room.checked_sub(width(letter));
        room = left.unwrap_or(0);
        left.is_some()
    });
    let mut short: String = fitting.collect();
    short.push_str(if most > 0 { "…" } else { "" });
    short
}

/// Writes spans as the terminal reads them.
pub(crate) fn write(spans: &[Span], looks: Looks, row: &mut String) {
    for span in spans.iter().filter(|span| !span.text.is_empty()) {
        let link = span.link.as_deref();
        let link = link.filter(|link| looks.links && can_be_clicked(link));
        if let Some(link) = link {
            let target = link.chars().filter(|it| !is_obeyed(*it));
            row.push_str("\x1b]8;;");
            row.extend(target);
            row.push_str("\x1b\\");
        }
        let codes = if looks.colours {
            codes(span.style)
        } else {
            String::new()
        };
        if !codes.is_empty() {
            row.push_str("\x1b[");
            row.push_str(&codes);
            row.push('m');
        }
        row.push_str(&span.text);
        if !codes.is_empty() {
            row.push_str("\x1b[0m");
        }
        if link.is_some() {
            row.push_str("\x1b]8;;\x1b\\");
        }
    }
}

/// Whether a click leads to a page or a letter. What else a model names, a program or a
/// file of this machine, isn't for clicks.
pub(crate) fn can_be_clicked(link: &str) -> bool {
    let scheme = link.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        let known = ["http", "https", "mailto"];
        known.iter().any(|it| scheme.eq_ignore_ascii_case(it))
    })
}

fn codes(style: Style) -> String {
    let marks = [
        (style.bold, 1),
        (style.dim, 2),
        (style.italic, 3),
        (style.underlined, 4),
        (style.struck, 9),
    ];
    let marks = marks
        .into_iter()
        .filter_map(|(is_set, code)| is_set.then_some(code));
    let colour = style.colour.map(|colour| colour as u8);
    let codes: Vec<String> = marks.chain(colour).map(|code| code.to_string()).collect();
    codes.join(";")
}

/// A part of a row that isn't broken, with whether a space stands before it.
struct Word {
    spans: Vec<Span>,
    width: usize,
    spaced: bool,
}

/// Breaks spans into rows of at most so many cells. A `\n` in a span ends a row.
pub(crate) fn wrap(spans: &[Span], most: usize) -> Vec<Vec<Span>> {
    let most = most.max(1);
    let mut rows = Vec::new();
    for line in lines(spans) {
        let mut row: Vec<Span> = Vec::new();
        let mut used = 0;
        for word in words(&line) {
            let space = usize::from(word.spaced && used > 0);
            if used > 0 && used + space + word.width > most {
                rows.push(std::mem::take(&mut row));
                used = 0;
            } else if space > 0 {
                let looks = common(row.last(), word.spans.first());
                append(&mut row, " ", &looks);
                used += 1;
            }
            if word.width <= most {
                used += word.width;
                let spans = word.spans.iter();
                spans.for_each(|span| append(&mut row, &span.text, span));
                continue;
            }
            for span in &word.spans {
                for cluster in span.text.graphemes(true) {
                    let cells = width(cluster);
                    if used > 0 && used + cells > most {
                        rows.push(std::mem::take(&mut row));
                        used = 0;
                    }
                    used += cells;
                    append(&mut row, cluster, span);
                }
            }
        }
        rows.push(row);
    }
    rows
}

/// How a space between two words looks: what both have in common.
fn common(one: Option<&Span>, other: Option<&Span>) -> Span {
    let (Some(one), Some(other)) = (one, other) else {
        return Span::default();
    };
    let style = Some(one.style).filter(|it| *it == other.style);
    let link = one
        .link
        .clone()
        .filter(|it| other.link.as_ref() == Some(it));
    Span {
        text: String::new(),
        style: style.unwrap_or_default(),
        link,
    }
}

/// Adds a text to a row that looks like a span, joined to the last one where that does, too.
fn append(row: &mut Vec<Span>, text: &str, looks: &Span) {
    match row.last_mut() {
        Some(last) if last.style == looks.style && last.link == looks.link => {
            last.text.push_str(text);
        }
        _ => row.push(Span {
            text: text.to_owned(),
            style: looks.style,
            link: looks.link.clone(),
        }),
    }
}

fn lines(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut lines = vec![Vec::new()];
    for span in spans {
        for (index, piece) in span.text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(Span {
                    text: piece.to_owned(),
                    ..span.clone()
                });
            }
        }
    }
    lines
}

/// The words of a line. Wide letters are words of their own, since their scripts
/// break anywhere.
fn words(line: &[Span]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut spaced = false;
    let mut begins = true;
    for span in line {
        for cluster in span.text.graphemes(true) {
            if cluster == " " {
                (spaced, begins) = (true, true);
                continue;
            }
            let cells = width(cluster);
            let is_wide = cells > 1
                && cluster
                    .chars()
                    .next()
                    .is_some_and(|it| u32::from(it) >= 0x2E80);
            let is_closing = matches!(
                cluster,
                "。" | "、" | "，" | "！" | "？" | "；" | "：" | "」" | "』" | "）" | "》"
            );
            if begins || (is_wide && !is_closing) || words.is_empty() {
                words.push(Word {
                    spans: Vec::new(),
                    width: 0,
                    spaced,
                });
                spaced = false;
            }
            begins = is_wide;
            if let Some(word) = words.last_mut() {
                word.width += cells;
                append(&mut word.spans, cluster, span);
            }
        }
    }
    words
}
