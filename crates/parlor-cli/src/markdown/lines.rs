//! What a line of Markdown is by itself (<https://spec.commonmark.org>).

/// Where an item's text begins, and whether it may interrupt a paragraph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    pub(super) column: usize,
    is_first: bool,
    is_empty: bool,
}

pub(super) fn interrupts(marker: Marker) -> bool {
    marker.is_first && !marker.is_empty
}

pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The marker of a list's item at the beginning of a line.
pub(super) fn item(line: &str) -> Option<Marker> {
    let before = indent(line);
    let rest = &line[before..];
    if before > 3 || is_rule(line) {
        return None;
    }
    let (length, is_first) = match rest.chars().next()? {
        '-' | '*' | '+' => (1, true),
        _ => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let end = rest.as_bytes().get(digits)?;
            if !(1..=9).contains(&digits) || !matches!(end, b'.' | b')') {
                return None;
            }
            (digits + 1, &rest[..digits] == "1")
        }
    };
    let text = &rest[length..];
    let spaces = indent(text);
    if spaces == 0 && !text.is_empty() {
        return None;
    }
    let is_empty = text.trim().is_empty();
    // More than four spaces are code within the item.
    let spaces = if is_empty || spaces > 4 { 1 } else { spaces };
    Some(Marker {
        column: before + length + spaces,
        is_first,
        is_empty,
    })
}

/// Whether a line begins a block of its own even right after a paragraph; items
/// apart.
pub(super) fn begins_block(line: &str) -> bool {
    opens(line).is_some()
        || heading(line).is_some()
        || is_rule(line)
        || (indent(line) <= 3 && line.trim_start().starts_with('>'))
}

pub(super) fn heading(line: &str) -> Option<()> {
    let text = line.trim_start_matches(' ');
    let marks = text.bytes().take_while(|byte| *byte == b'#').count();
    let after = text.as_bytes().get(marks);
    let is_heading = (1..=6).contains(&marks) && matches!(after, None | Some(b' '));
    (is_heading && indent(line) <= 3).then_some(())
}

/// A line across: three or more of one mark, and nothing else.
pub(super) fn is_rule(line: &str) -> bool {
    let mut marks = line.chars().filter(|it| *it != ' ');
    let Some(first) = marks.next().filter(|it| matches!(it, '-' | '*' | '_')) else {
        return false;
    };
    let mut count = 1;
    let alike = marks.all(|it| {
        count += 1;
        it == first
    });
    alike && count >= 3 && indent(line) <= 3
}

/// What makes a heading of the paragraph before it.
pub(super) fn is_underline(line: &str) -> bool {
    let marks = line.trim();
    let is_one = |mark: char| marks.chars().all(|it| it == mark);
    !marks.is_empty() && indent(line) <= 3 && (is_one('=') || is_one('-'))
}

/// The second line of a table.
pub(super) fn is_table_rule(line: &str) -> bool {
    let marks = line.trim();
    marks.contains('-') && marks.chars().all(|it| matches!(it, '-' | ':' | '|' | ' '))
}

/// The fence that code begins with, and its language.
pub(super) fn opens(line: &str) -> Option<(char, usize, &str)> {
    let text = line.trim_start_matches(' ');
    let fence = text.chars().next().filter(|it| matches!(it, '`' | '~'))?;
    let length = text.chars().take_while(|it| *it == fence).count();
    let info = text[length..].trim();
    let is_fence = length >= 3 && indent(line) <= 3 && !(fence == '`' && info.contains('`'));
    let language = info.split([' ', ',', '{']).next().unwrap_or_default();
    is_fence.then_some((fence, length, language))
}

pub(super) fn closes(line: &str, fence: char, length: usize) -> bool {
    let marks = line.trim();
    indent(line) <= 3 && marks.chars().count() >= length && marks.chars().all(|it| it == fence)
}
