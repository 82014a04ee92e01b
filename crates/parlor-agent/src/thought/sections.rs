//! Reasoning and solution in one text, as models write them.

/// What a model is told that doesn't reason by itself.
pub(super) const INSTRUCTIONS: &str = "\n\nThink it through before you answer. Answer in this form:\n\
    <reasoning>\nyour reasoning, step by step\n</reasoning>\n\
    <solution>\nthe solution alone\n</solution>";

pub(super) const REASONING: &[&str] = &["reasoning", "thinking", "thoughts", "thought", "think"];
pub(super) const SOLUTION: &[&str] = &["solution", "final answer", "final_answer", "answer"];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sections<'a> {
    pub(super) reasoning: &'a str,
    pub(super) solution: &'a str,
}

/// Finds both: by their tags, closed or not, else by headings. A text that has
/// neither is the solution.
pub(super) fn read(text: &str) -> Sections<'_> {
    // Of the same length: only ASCII letters change.
    let lower = text.to_ascii_lowercase();
    let cut = |from: usize, to: usize| text.get(from..to).unwrap_or_default().trim();
    let reasoning = first_tag(&lower, 0, REASONING);
    let solution = last_tag(&lower, SOLUTION);
    match (reasoning, solution) {
        (reasoning, Some(solution)) => {
            let end = closing(&lower, &solution).unwrap_or(text.len());
            let before = match reasoning.filter(|it| it.begin < solution.open) {
                Some(tag) => {
                    let end = closing(&lower, &tag).unwrap_or(solution.open);
                    cut(tag.begin, end.min(solution.open))
                }
                None => cut(0, solution.open),
            };
            Sections {
                reasoning: before,
                solution: cut(solution.begin, end),
            }
        }
        (Some(tag), None) => match closing(&lower, &tag) {
            Some(end) => {
                let after = lower.get(end..).and_then(|it| it.find('>'));
                let after = after.map_or(text.len(), |at| end + at + 1);
                let rest = text.get(after..).unwrap_or_default();
                Sections {
                    reasoning: cut(tag.begin, end),
                    solution: by_headings(rest).solution,
                }
            }
            // What is open to the end may still have a heading.
            None => {
                let inner = text.get(tag.begin..).unwrap_or_default();
                match heading_of(inner, SOLUTION) {
                    Some(_) => by_headings(inner),
                    None => Sections {
                        reasoning: inner.trim(),
                        solution: "",
                    },
                }
            }
        },
        (None, None) => by_headings(text),
    }
}

/// An opening tag.
struct Tag {
    name: &'static str,
    open: usize,
    /// Where its content begins.
    begin: usize,
}

fn first_tag(lower: &str, from: usize, names: &[&'static str]) -> Option<Tag> {
    let rest = lower.get(from..)?;
    let found = names.iter().filter_map(|name| {
        let tag = format!("<{name}>");
        let open = from + rest.find(&tag)?;
        let begin = open + tag.len();
        Some(Tag { name, open, begin })
    });
    found.min_by_key(|tag| tag.open)
}

/// The last one that has content: the reasoning may speak of the tag.
fn last_tag(lower: &str, names: &[&'static str]) -> Option<Tag> {
    let mut last = None;
    let mut from = 0;
    while let Some(tag) = first_tag(lower, from, names) {
        from = tag.begin;
        let rest = lower.get(tag.begin..).unwrap_or_default().trim();
        if !rest.is_empty() && !rest.starts_with("</") {
            last = Some(tag);
        }
    }
    last
}

fn closing(lower: &str, tag: &Tag) -> Option<usize> {
    let close = format!("</{}>", tag.name);
    let at = lower.get(tag.begin..)?.find(&close)?;
    Some(tag.begin + at)
}

fn by_headings(text: &str) -> Sections<'_> {
    let Some((line, begin)) = heading_of(text, SOLUTION) else {
        return Sections {
            reasoning: "",
            solution: text.trim(),
        };
    };
    let before = text.get(..line).unwrap_or_default();
    let from = heading_of(before, REASONING).map_or(0, |(_, begin)| begin);
    Sections {
        reasoning: before.get(from..).unwrap_or_default().trim(),
        solution: text.get(begin..).unwrap_or_default().trim(),
    }
}

/// The last line that is headed by one of these: where it begins, and where
/// what it heads does.
fn heading_of(text: &str, names: &[&str]) -> Option<(usize, usize)> {
    let mut found = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(content) = after_heading(line, names) {
            found = Some((at, at + content));
        }
        at += line.len();
    }
    found
}

/// `## Solution`, `**Solution:** 4`, `Solution: 4`; not a sentence that begins
/// with the word.
fn after_heading(line: &str, names: &[&str]) -> Option<usize> {
    let marks = |it: char| matches!(it, '#' | '*' | '_' | ' ' | '\t');
    let bare = line.trim_start_matches(marks);
    let marked = bare.len() < line.trim_start().len();
    let name = names.iter().find(|name| {
        let head = bare.get(..name.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(name))
    })?;
    let rest = bare.get(name.len()..)?;
    let content = rest.trim_start_matches([' ', '\t', '*', '_']);
    let content = match content.strip_prefix([':', '：']) {
        Some(content) => content.trim_start_matches(['*', '_']),
        None if marked && content.trim().is_empty() => content,
        None => return None,
    };
    Some(line.len() - content.len())
}
