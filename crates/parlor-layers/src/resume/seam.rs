//! How much of a continuation repeats the end of the text before.

use super::ResumePolicy;

/// The longest text that is looked for as a whole.
const WHOLE: usize = 64 << 10;

/// How many bytes at the beginning of `head` repeat the end of `said`, or all of
/// it; `None` while more of it may still change that, where there is `more` to
/// come.
pub(super) fn overlap(said: &str, head: &str, policy: &ResumePolicy, more: bool) -> Option<usize> {
    if policy.max_overlap > 0 && said.len() <= WHOLE {
        if more && head.len() < said.len() && said.starts_with(head) {
            return None;
        }
        if let Some(again) = whole(said, head) {
            return Some(again);
        }
    }
    let from = said.len().saturating_sub(policy.max_overlap);
    let from = (from..said.len()).find(|at| said.is_char_boundary(*at));
    let tail = from.and_then(|from| said.get(from..)).unwrap_or_default();
    // White space at the end was not sent, so that it is likely to come again.
    let blank = tail.trim_end().len();
    for (at, _) in tail.char_indices() {
        let end = tail.split_at(at).1;
        let open = more && end.len() > head.len() && end.starts_with(head);
        if !open && !head.starts_with(end) {
            continue;
        }
        let counts = at >= blank
            || (end.chars().count() >= policy.min_overlap
                && !repeats(end)
                && !before(said, end).ends_with(end));
        match (counts, open) {
            (false, _) => {}
            (true, true) => return None,
            (true, false) => return Some(end.len()),
        }
    }
    Some(0)
}

/// The same for all that was said: some hosts give what they are to continue
/// once more.
fn whole(said: &str, head: &str) -> Option<usize> {
    let sent = said.trim_end();
    let rest = head.strip_prefix(sent).filter(|_| !repeats(sent))?;
    let (_, blank) = said.split_at(sent.len());
    let mut ends = blank.char_indices().map(|(at, _)| blank.split_at(at).1);
    let again = ends.find(|end| rest.starts_with(end)).unwrap_or_default();
    Some(sent.len() + again.len())
}

/// Whether a text is the same thing several times over.
fn repeats(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=bytes.len() / 2).any(|period| {
        bytes
            .iter()
            .skip(period)
            .eq(bytes.iter().take(bytes.len() - period))
    })
}

/// What was said before this end of it.
fn before<'a>(said: &'a str, end: &str) -> &'a str {
    said.strip_suffix(end).unwrap_or_default()
}
