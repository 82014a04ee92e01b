//! Where in a text something stands that must not leave the program.

use super::RedactPolicy;
use parlor_core::Scrub;
use std::ops::Range;

/// A place in a text, in bytes, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit<'a> {
    pub(super) place: Range<usize>,
    pub(super) kind: &'a str,
}

/// Knows what to look for.
#[derive(Debug)]
pub(super) struct Finder {
    policy: RedactPolicy,
    scrub: Scrub,
}

impl Finder {
    pub(super) fn new(policy: RedactPolicy) -> Self {
        Self {
            scrub: Scrub::new(policy.secrets.iter().cloned()),
            policy,
        }
    }

    /// The hits in order. Those that overlap are joined, so that no end of one
    /// is left over, and are of the kind of the first.
    pub(super) fn hits(&self, text: &str) -> Vec<Hit<'_>> {
        let policy = &self.policy;
        let mut hits = Vec::new();
        if policy.keys {
            let places = self.scrub.places(text).into_iter();
            hits.extend(places.map(|place| Hit { place, kind: "KEY" }));
        }
        if policy.emails {
            hits.extend(emails(text).map(|place| Hit {
                place,
                kind: "EMAIL",
            }));
        }
        if policy.cards || policy.phones {
            numbers(text, &mut |digits| {
                if policy.cards {
                    let mut found = |place| {
                        hits.push(Hit {
                            place,
                            kind: "CARD",
                        })
                    };
                    cards(text, digits, &mut found);
                }
                let place = phone(text, digits).filter(|_| policy.phones);
                hits.extend(place.map(|place| Hit {
                    place,
                    kind: "PHONE",
                }));
            });
        }
        for pattern in &policy.patterns {
            let places = pattern.regex.find_iter(text).map(|it| it.range());
            hits.extend(places.map(|place| Hit {
                place,
                kind: &pattern.name,
            }));
        }
        joined(hits)
    }
}

fn joined(mut hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    // Of two that begin together the longer one says what it is.
    hits.sort_by_key(|hit| (hit.place.start, std::cmp::Reverse(hit.place.end)));
    let mut joined: Vec<Hit<'_>> = Vec::with_capacity(hits.len());
    for hit in hits.into_iter().filter(|hit| !hit.place.is_empty()) {
        match joined.last_mut() {
            Some(last) if hit.place.start < last.place.end => {
                last.place.end = last.place.end.max(hit.place.end);
            }
            _ => joined.push(hit),
        }
    }
    joined
}

/// Names at hosts: what stands around an `@`.
fn emails(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let in_name = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
        let name = before.rfind(|c| !in_name(c)).map_or(before, |end| {
            let rest = before.get(end..).unwrap_or_default();
            rest.get(rest.chars().next().map_or(0, char::len_utf8)..)
                .unwrap_or_default()
        });
        let name = name.trim_start_matches(['.', '\'']);
        let in_host = |c: char| c.is_alphanumeric() || ".-".contains(c);
        let host = after.split(|c| !in_host(c)).next()?;
        let host = host.trim_end_matches(['.', '-']);
        let (_, top) = host.rsplit_once('.')?;
        let is_host = !host.starts_with(['.', '-']) && !host.contains("..");
        let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
        let whole = !name.is_empty() && is_host && is_top;
        whole.then(|| at - name.len()..at + 1 + host.len())
    })
}

/// Where a digit stands, and its value.
type Digit = (usize, u8);

/// Tells each run of digits with at most a few marks between two of them: all of
/// its digits.
fn numbers(text: &str, tell: &mut dyn FnMut(&[Digit])) {
    let mut digits: Vec<Digit> = Vec::new();
    let mut marks = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits.push((at, byte - b'0'));
                marks = 0;
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if marks < 2 => marks += 1,
            _ => {
                if !digits.is_empty() {
                    tell(&std::mem::take(&mut digits));
                }
                marks = 0;
            }
        }
    }
    if !digits.is_empty() {
        tell(&digits);
    }
}

/// How many digits the number of a card has.
const SHORTEST_CARD: usize = 13;
const LONGEST_CARD: usize = 19;

/// Numbers of 13 to 19 digits that begin as cards do, are written as on cards,
/// and pass the check of Luhn. A letter or digit right before or after makes it
/// another number.
fn cards(text: &str, digits: &[Digit], found: &mut dyn FnMut(Range<usize>)) {
    let mut first = 0;
    while first < digits.len() {
        let is_card = |it: &&[Digit]| {
            let begins = matches!(it, [(_, 2..=6), ..]);
            begins && stands_alone(text, it) && is_written_so(text, it) && passes_luhn(it)
        };
        let lengths = (SHORTEST_CARD..=LONGEST_CARD).rev();
        let mut numbers = lengths.filter_map(|length| digits.get(first..first + length));
        let card = numbers.find(is_card);
        match card {
            Some([(start, _), .., (end, _)]) => {
                found(*start..end + 1);
                first += card.map_or(1, <[Digit]>::len);
            }
            _ => first += 1,
        }
    }
}

fn stands_alone(text: &str, digits: &[Digit]) -> bool {
    let [(start, _), .., (end, _)] = digits else {
        return false;
    };
    let before = text.get(..*start).and_then(|it| it.chars().next_back());
    let after = text.get(end + 1..).and_then(|it| it.chars().next());
    let ends = |it: Option<char>| it.is_none_or(|it| !it.is_alphanumeric());
    ends(before) && ends(after)
}

/// In one piece, or in the groups of cards with the same mark between them.
fn is_written_so(text: &str, digits: &[Digit]) -> bool {
    let (mut groups, mut count) = ([0_u8; 6], 0);
    let mut mark = None;
    let mut last: Option<usize> = None;
    for (at, _) in digits {
        let gap = last.map_or(1, |last| at - last);
        if gap > 1 {
            let between = text.as_bytes().get(at - 1).copied();
            let fits = gap == 2 && matches!(between, Some(b' ' | b'-'));
            if !fits || mark.is_some_and(|mark| Some(mark) != between) {
                return false;
            }
            mark = between;
            count += 1;
        }
        match groups.get_mut(count) {
            Some(group) => *group += 1,
            None => return false,
        }
        last = Some(*at);
    }
    matches!(
        groups,
        [_, 0, ..] | [4, 4, 4, 4, 0..=3, 0] | [4, 6, 4 | 5, 0, 0, 0]
    )
}

fn passes_luhn(digits: &[Digit]) -> bool {
    let doubled = |(at, (_, digit)): (usize, &Digit)| match (at % 2, digit * 2) {
        (0, _) => u32::from(*digit),
        (_, twice @ 10..) => u32::from(twice - 9),
        (_, twice) => u32::from(twice),
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    sum.is_multiple_of(10)
}

/// A number of 8 to 15 digits after a `+`, or of 10 written in groups.
fn phone(text: &str, digits: &[Digit]) -> Option<Range<usize>> {
    let ([(start, _), .., (end, _)], count) = (digits, digits.len()) else {
        return None;
    };
    let before = text.get(..*start)?;
    let international = before.ends_with('+') && (8..=15).contains(&count);
    let groups = 1 + digits
        .windows(2)
        .filter(|it| matches!(it, [a, b] if b.0 - a.0 > 1))
        .count();
    let national = count == 10 && groups >= 3;
    let lead = match (international, before.ends_with('(')) {
        (true, _) | (false, true) => 1,
        (false, false) => 0,
    };
    (international || national).then(|| start - lead..end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, &str)> {
        let policy = RedactPolicy {
            phones: true,
            ..RedactPolicy::default()
        };
        let finder = Finder::new(policy);
        let hits = finder.hits(text).into_iter();
        hits.map(|hit| (hit.kind.to_owned(), &text[hit.place]))
            .collect()
    }

    #[test]
    fn what_must_not_leave_is_found() {
        for (text, kind, expected) in [
            ("write to ann@example.org.", "EMAIL", "ann@example.org"),
            ("<mailto:a.b+c@x-y.co.uk>", "EMAIL", "a.b+c@x-y.co.uk"),
            ("jürgen@müller.de,", "EMAIL", "jürgen@müller.de"),
            (
                "key sk-abcdefghijklmnop1234",
                "KEY",
                "sk-abcdefghijklmnop1234",
            ),
            (
                "pay 4111 1111 1111 1111 12/27",
                "CARD",
                "4111 1111 1111 1111",
            ),
            ("(5555-5555-5555-4444)", "CARD", "5555-5555-5555-4444"),
            ("378282246310005", "CARD", "378282246310005"),
            ("at +49 (30) 901820 or", "PHONE", "+49 (30) 901820"),
            ("call (212) 555-0123 now", "PHONE", "(212) 555-0123"),
        ] {
            assert_eq!(found(text), [(kind.to_owned(), expected)], "{text}");
        }
    }

    #[test]
    fn what_may_leave_is_not() {
        for text in [
            "@mention and a @ b, x@y and x@1.2.3.4",
            "user@localhost a@b..de @@",
            "4111 1111 1111 1112",
            "id 94111111111111111 and 41111111111111110000000",
            "from 2024-01-02 to 2025-03-04, 3.14159265358979",
            "sk-learn 12345678",
            "f4111111111111111 and 4111111111111111a",
            "4111 1111 1111-1111, 41 11 11 11 11 11 11 11, 4111.1111.1111.1111",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_overlaps_is_joined() {
        let text = "4111111111111111@example.org";
        assert_eq!(found(text), [("EMAIL".to_owned(), text)]);
    }
}
