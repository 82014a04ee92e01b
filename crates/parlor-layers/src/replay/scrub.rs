//! Takes secrets out of what is recorded.

use super::form::Line;
use parlor_core::{Event, Scrub, Secret};
use serde_json::Value;
use std::ops::Range;

/// The names of fields whose texts are secrets, in small letters and without
/// anything between them.
const NAMES: &[&str] = &[
    "apikey",
    "authorization",
    "accesstoken",
    "refreshtoken",
    "bearertoken",
    "clientsecret",
    "secretkey",
    "privatekey",
    "password",
    "cookie",
];

/// Beginnings of keys beside those that [`Scrub`] knows; the word after them is
/// long.
const BEGINNINGS: &[&str] = &[
    "github_pat_",
    "AKIA",
    "ASIA",
    "xoxb-",
    "xoxp-",
    "glpat-",
    "eyJhbGci",
];

/// The fewest bytes of a word that is taken for such a key.
const KEY_LENGTH: usize = 20;

/// Takes secrets out of every text of a value.
pub(super) fn value(secrets: &Scrub, value: &mut Value) {
    match value {
        Value::String(said) => {
            if let Some(clean) = text(secrets, said) {
                *said = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| self::value(secrets, it)),
        Value::Object(fields) => {
            for (name, it) in fields {
                match it {
                    Value::String(said) if is_secret(name) => *said = Secret::new(&**said).hint(),
                    it => self::value(secrets, it),
                }
            }
        }
        _ => {}
    }
}

fn is_secret(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|it| it.to_ascii_lowercase()).collect();
    NAMES.iter().any(|secret| plain.ends_with(secret))
}

/// The text without secrets; `None` where there are none.
fn text(secrets: &Scrub, said: &str) -> Option<String> {
    let places = places(secrets, said);
    (!places.is_empty()).then(|| without(said, 0..said.len(), &places))
}

/// Where secrets stand, in their order, overlapping ones as one.
fn places(secrets: &Scrub, said: &str) -> Vec<Range<usize>> {
    let mut places = secrets.places(said);
    places.extend(keys(said));
    places.sort_by_key(|it| it.start);
    let mut all: Vec<Range<usize>> = Vec::new();
    for place in places {
        match all.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => all.push(place),
        }
    }
    all
}

/// What stands in the place of a secret.
fn hint(said: &str, place: &Range<usize>) -> String {
    Secret::new(said.get(place.clone()).unwrap_or_default()).hint()
}

/// Where words stand that begin as keys do.
fn keys(said: &str) -> impl Iterator<Item = Range<usize>> {
    let in_key = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    BEGINNINGS.iter().flat_map(move |start| {
        said.match_indices(start).filter_map(move |(at, _)| {
            let before = said.get(..at)?.chars().next_back();
            let rest = said.get(at..)?;
            let length = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
            let is_key = length >= KEY_LENGTH && !before.is_some_and(in_key);
            is_key.then_some(at..at + length)
        })
    })
}

/// Which text a piece is of: its sort, choice and part.
type Place = (u8, u32, u32);

/// Takes secrets out of texts that came in pieces, where a secret may begin in
/// one and end in another.
pub(super) fn pieces(secrets: &Scrub, lines: &mut Vec<Line>) {
    let mut texts: Vec<(Place, String, Vec<usize>)> = Vec::new();
    for (line, piece) in lines.iter().enumerate() {
        let Some((place, said)) = read(piece) else {
            continue;
        };
        match texts.iter_mut().rev().find(|it| it.0 == place) {
            Some((_, whole, pieces)) => {
                whole.push_str(said);
                pieces.push(line);
            }
            None => texts.push((place, said.to_owned(), vec![line])),
        }
    }
    for (_, whole, pieces) in &texts {
        let places = places(secrets, whole);
        let mut from = 0;
        for piece in pieces.iter().filter(|_| !places.is_empty()) {
            let Some(line) = lines.get_mut(*piece) else {
                continue;
            };
            let length = read(line).map_or(0, |(_, said)| said.len());
            let clean = without(whole, from..from + length, &places);
            from += length;
            set(line, clean);
        }
    }
    lines.retain(|line| read(line).is_none_or(|(_, said)| !said.is_empty()));
}

/// A piece of the whole without the secrets; a hint stands where one begins.
fn without(whole: &str, piece: Range<usize>, places: &[Range<usize>]) -> String {
    let mut clean = String::new();
    let mut done = piece.start;
    let within = |it: &&Range<usize>| it.end > piece.start && it.start < piece.end;
    for place in places.iter().filter(within) {
        clean.push_str(whole.get(done..place.start).unwrap_or_default());
        if place.start >= piece.start {
            clean.push_str(&hint(whole, place));
        }
        done = place.end.min(piece.end);
    }
    clean.push_str(whole.get(done..piece.end).unwrap_or_default());
    clean
}

/// The text of an event that is a piece of one.
fn read(line: &Line) -> Option<(Place, &str)> {
    match line {
        Line::Event(Event::TextDelta { choice, part, text }) => Some(((0, *choice, *part), text)),
        Line::Event(Event::ReasoningDelta { choice, part, text }) => {
            Some(((1, *choice, *part), text))
        }
        Line::Event(Event::ArgumentsDelta { choice, part, text }) => {
            Some(((2, *choice, *part), text))
        }
        _ => None,
    }
}

fn set(line: &mut Line, clean: String) {
    if let Line::Event(
        Event::TextDelta { text, .. }
        | Event::ReasoningDelta { text, .. }
        | Event::ArgumentsDelta { text, .. },
    ) = line
    {
        *text = clean.into();
    }
}
