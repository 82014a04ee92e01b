//! The phrases that the stand-in knows.

use parlor_core::{Media, MediaSource};

use crate::conformance::media::RED_SQUARE;

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
/// How far it counts.
const MOST: usize = 100;

/// How many words a story has.
const STORY: usize = 4_000;

/// What a prompt asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question<'a> {
    Count(usize),
    Sum(i64),
    Story,
    Repeat(&'a str),
    /// The thing about which something was said before.
    Fact(&'a str),
    Other,
}

impl<'a> Question<'a> {
    pub(super) fn of(prompt: &'a str) -> Self {
        if prompt.contains("take your time") {
            return Self::Story;
        }
        if let Some((_, rest)) = prompt.split_once("ount from one to ") {
            // The longer words first: "sixteen" begins with "six".
            let to = (1..=MOST).rev().find(|it| rest.starts_with(&in_words(*it)));
            if let Some(to) = to {
                return Self::Count(to);
            }
        }
        if let Some(sum) = sum(prompt) {
            return Self::Sum(sum);
        }
        if let Some((before, text)) = prompt.split_once(": ")
            && ["Repeat", "Reply", "Say"]
                .iter()
                .any(|it| before.starts_with(it))
        {
            return Self::Repeat(text);
        }
        for start in ["What is the ", "What is my "] {
            if let Some((_, rest)) = prompt.split_once(start)
                && let Some((what, _)) = rest.split_once('?')
            {
                return Self::Fact(what);
            }
        }
        Self::Other
    }
}

fn in_words(number: usize) -> String {
    match (number, ONES.get(number), TENS.get(number / 10)) {
        (_, Some(word), _) => (*word).to_owned(),
        (_, _, Some(tens)) if number.is_multiple_of(10) => (*tens).to_owned(),
        (_, _, Some(tens)) => format!("{tens}-{}", ONES[number % 10]),
        _ => "one hundred".to_owned(),
    }
}

pub(super) fn counted(to: usize) -> String {
    let numbers: Vec<String> = (1..=to).map(in_words).collect();
    numbers.join(", ")
}

pub(super) fn story() -> String {
    let words = ["once", "there", "was", "a", "parlor,", "and"];
    let words: Vec<&str> = words.iter().copied().cycle().take(STORY).collect();
    words.join(" ")
}

/// The sum of the two numbers around a plus sign.
fn sum(prompt: &str) -> Option<i64> {
    let (left, right) = prompt.split_once(" + ")?;
    let left: i64 = left.rsplit(' ').next()?.parse().ok()?;
    let right = right.split(|it: char| !it.is_ascii_digit()).next()?;
    left.checked_add(right.parse().ok()?)
}

/// What a text says that a thing is, up to the end of the clause.
pub(super) fn fact(text: &str, what: &str) -> Option<String> {
    let at = text.to_lowercase().rfind(&format!("{what} is "))?;
    let told = text.get(at + what.len() + " is ".len()..)?;
    let end = told.find(['.', ',', '?', ')', '\n']).unwrap_or(told.len());
    let told = told[..end].trim_matches(['`', '"', '\'', ' ']);
    (!told.is_empty()).then(|| told.to_owned())
}

/// Whether a prompt speaks of what a tool is named for.
pub(super) fn speaks_of(prompt: &str, tool: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let mut words = tool.split(['_', '-']).filter(|word| word.len() > 3);
    prompt.contains(tool) || words.any(|word| prompt.contains(&word.to_lowercase()))
}

/// The capitalised words that don't begin a sentence.
pub(super) fn names(prompt: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut begins = true;
    for word in prompt.split_whitespace() {
        let name = word.trim_matches(|it: char| !it.is_alphanumeric());
        let capital = name.chars().next().is_some_and(char::is_uppercase);
        let acronym = name.chars().count() > 1 && name.chars().all(char::is_uppercase);
        if capital && !acronym && !begins && name != "I" && !names.contains(&name) {
            names.push(name);
        }
        begins = word.ends_with(['.', '?', '!', ':']);
    }
    match names.is_empty() {
        // A prompt that is a statement on something begins with it.
        true => (prompt.split_whitespace().next().into_iter())
            .filter(|word| word.chars().next().is_some_and(char::is_uppercase))
            .filter(|word| !QUESTION_WORDS.contains(word))
            .collect(),
        false => names,
    }
}

const QUESTION_WORDS: &[&str] = &[
    "A", "Answer", "Call", "Give", "How", "Is", "Please", "Reply", "Say", "The", "Use", "What",
    "When", "Where", "Who", "Why",
];

/// The first number in a prompt.
pub(super) fn number(prompt: &str) -> Option<i64> {
    let mut numbers = prompt.split(|it: char| !it.is_ascii_digit());
    numbers.find_map(|digits| digits.parse().ok())
}

/// What is to be seen or heard.
pub(super) fn seen(media: &Media) -> String {
    let kind = media.media_type.as_deref().unwrap_or("media");
    match &media.source {
        MediaSource::Bytes(bytes) if bytes[..] == *RED_SQUARE => "red".to_owned(),
        MediaSource::Bytes(bytes) => format!("{kind} of {} bytes", bytes.len()),
        MediaSource::Url(url) => format!("{kind} at {url}"),
        MediaSource::File(id) => format!("{kind} in the file {id}"),
        _ => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_known() {
        let of = Question::of;
        assert_eq!(
            of("Count from one to twenty in words."),
            Question::Count(20)
        );
        assert_eq!(of("Count from one to one hundred."), Question::Count(100));
        assert_eq!(of("What is 17 + 25?"), Question::Sum(42));
        assert_eq!(of("Repeat exactly: a: b"), Question::Repeat("a: b"));
        assert_eq!(
            of("What is the secret word? One word."),
            Question::Fact("secret word")
        );
        assert_eq!(of("Hello"), Question::Other);
        assert_eq!(counted(22).rsplit(' ').next(), Some("twenty-two"));
        assert!(counted(MOST).ends_with("ninety-nine, one hundred"));
    }

    #[test]
    fn facts_names_and_numbers_are_found() {
        let told = "Hi. My name is Ferdinand, and my cat's name is Tom.";
        assert_eq!(fact(told, "name").as_deref(), Some("Tom"));
        assert_eq!(
            fact("The secret word is `jam`.", "secret word").as_deref(),
            Some("jam")
        );
        let prompt = "What is the weather in Oslo and in Rome? Call the tool.";
        assert_eq!(names(prompt), ["Oslo", "Rome"]);
        assert_eq!(names("Oslo has 7 degrees."), ["Oslo"]);
        assert!(names("What now?").is_empty());
        assert_eq!(number("Oslo has 7 degrees."), Some(7));
        assert!(speaks_of("How is the weather?", "get_weather"));
    }
}
