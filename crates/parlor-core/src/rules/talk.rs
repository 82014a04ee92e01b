//! The rules: what is said to what.

use super::abroad::{self, Phrase};
use super::sums;
use crate::message::{Message, Role};
use crate::part::Part;
use crate::request::ChatRequest;

/// What it is, in its own words.
const WHAT: &str = "I am embedded/rules: a few rules built into parlor, not a language model.";

const ABLE: &str = "I remember what you tell me (\"my name is Ann\"), greet in a few languages \
                    and do sums.";

const NEXT: &str = "For real answers save a provider's key (`parlor keys set PROVIDER`; `parlor \
                    providers` lists them) or start a model server on this machine: it is found \
                    by itself.";

/// Of longer texts only so much is looked at.
const LOOKED_AT: usize = 4_096;

/// The most characters of what is remembered.
const REMEMBERED: usize = 80;

/// The answer to the last message of a request.
pub(super) fn answer(request: &ChatRequest, last: &Message) -> String {
    if last.parts.iter().any(|part| matches!(part, Part::Media(_))) {
        return format!("{WHAT} I cannot look into what you attached. {NEXT}");
    }
    let before: Vec<&Message> = match request.messages.split_last() {
        Some((_, before)) => before.iter().collect(),
        None => Vec::new(),
    };
    let is_first = !before.iter().any(|it| it.role == Role::Assistant);
    let told: Vec<String> = before
        .iter()
        .filter(|message| message.role == Role::User)
        .map(|message| message.text())
        .collect();
    let text = last.text();
    let mut facts: Vec<(String, String)> = told.iter().flat_map(|text| facts(text)).collect();
    let mut said: Vec<String> = Vec::new();
    let mut introduces = false;
    for sentence in sentences(&text) {
        let reply = match rule(&sentence) {
            Rule::Phrase(Phrase::Hello) => {
                introduces = true;
                let name = recall(&facts, "name");
                Some(name.map_or_else(|| "Hi!".to_owned(), |name| format!("Hi, {name}!")))
            }
            Rule::Phrase(Phrase::Welcome) => Some("You're welcome.".to_owned()),
            Rule::Phrase(Phrase::Goodbye) => Some("Goodbye!".to_owned()),
            Rule::Phrase(Phrase::Name) => Some(recalled(&facts, "name")),
            Rule::Recall(key) => Some(recalled(&facts, &key)),
            Rule::Told(key, value) => {
                introduces = true;
                let told = match key.as_str() {
                    "name" => format!("Nice to meet you, {value}."),
                    key => format!("I will remember that your {key} is {value}."),
                };
                facts.push((key, value));
                Some(told)
            }
            Rule::Sum(result) => Some(result),
            Rule::Repeat(word) => Some(word),
            Rule::Abroad(phrase, language) => {
                Some(abroad(phrase, language, &told, recall(&facts, "name")))
            }
            Rule::Who => Some(format!("{WHAT} {ABLE} {NEXT}")),
            Rule::None => None,
        };
        said.extend(reply);
    }
    if said.is_empty() {
        return format!("{WHAT} That is beyond my rules. {NEXT}");
    }
    if introduces && is_first {
        said.push(format!("{WHAT} {ABLE}"));
    }
    said.join(" ")
}

/// What a sentence is.
enum Rule {
    Phrase(Phrase),
    Recall(String),
    Told(String, String),
    Sum(String),
    Repeat(String),
    /// A phrase, or the one before, in a language.
    Abroad(Option<Phrase>, usize),
    Who,
    None,
}

fn rule(sentence: &str) -> Rule {
    let lower = sentence.to_ascii_lowercase();
    let bare = without_fillers(&lower);
    if let Some((before, language)) = abroad::language(bare) {
        return Rule::Abroad(phrase(before), language);
    }
    if let Some(phrase) = phrase(bare) {
        return Rule::Phrase(phrase);
    }
    if let Some(key) = asked(bare) {
        return Rule::Recall(key.to_owned());
    }
    if let Some((key, value)) = fact(sentence) {
        return Rule::Told(key, value);
    }
    let sum = [
        "what is ",
        "what's ",
        "calculate ",
        "compute ",
        "how much is ",
    ];
    let sum = sum.iter().find_map(|start| bare.strip_prefix(start));
    if let Some(result) = sums::sum(sum.unwrap_or(bare)) {
        return Rule::Sum(result);
    }
    let word = bare.strip_prefix("say ").map(str::len);
    let word = word.and_then(|length| sentence.get(sentence.len() - length..));
    match (bare, word) {
        (_, Some(word)) => Rule::Repeat(word.trim_matches('"').to_owned()),
        ("who are you" | "what are you" | "help" | "what can you do", _) => Rule::Who,
        _ => Rule::None,
    }
}

/// The phrase that words ask for.
fn phrase(words: &str) -> Option<Phrase> {
    let words = ["how do you say ", "how about ", "say ", "tell me "]
        .iter()
        .find_map(|start| words.strip_prefix(start))
        .unwrap_or(words);
    match words.trim_matches('"') {
        "hi" | "hello" | "hey" | "hi there" | "hello there" | "good morning" | "good evening"
        | "good afternoon" => Some(Phrase::Hello),
        "thanks" | "thank you" | "thank you very much" => Some(Phrase::Welcome),
        "bye" | "goodbye" | "good bye" | "good night" => Some(Phrase::Goodbye),
        "my name" | "who am i" | "who i am" => Some(Phrase::Name),
        words => (asked(words) == Some("name")).then_some(Phrase::Name),
    }
}

/// What a question asks to be reminded of.
fn asked(words: &str) -> Option<&str> {
    let questions = [
        "what is my ",
        "what's my ",
        "whats my ",
        "tell me my ",
        "do you know my ",
        "do you remember my ",
        "do you remember what my ",
    ];
    let mut questions = questions.iter();
    let key = questions.find_map(|start| words.strip_prefix(start))?;
    Some(key.strip_suffix(" is").unwrap_or(key))
}

/// A phrase in a language; where none is named, the one that was asked for last.
fn abroad(phrase: Option<Phrase>, language: usize, told: &[String], name: Option<&str>) -> String {
    let sentences = told.iter().rev().flat_map(|text| sentences(text));
    let earlier = || {
        sentences
            .filter_map(|sentence| match rule(&sentence) {
                Rule::Phrase(phrase) | Rule::Abroad(Some(phrase), _) => Some(phrase),
                Rule::Told(key, _) if key == "name" => Some(Phrase::Name),
                _ => None,
            })
            .next()
    };
    let phrase = phrase.or_else(earlier);
    let said = phrase.and_then(|phrase| abroad::say(phrase, language, name));
    said.unwrap_or_else(|| {
        let language = abroad::name(language);
        format!(
            "In {language} I can say hello, goodbye, you're welcome and your name once you have \
             told me; I am not a language model."
        )
    })
}

fn recalled(facts: &[(String, String)], key: &str) -> String {
    match recall(facts, key) {
        Some(value) if value.ends_with(['.', '!', '?']) => value.to_owned(),
        Some(value) => format!("{value}."),
        None => format!("You have not told me your {key} in this conversation."),
    }
}

/// What was told last.
fn recall<'a>(facts: &'a [(String, String)], key: &str) -> Option<&'a str> {
    let mut facts = facts.iter().rev();
    let found = facts.find(|(known, _)| known == key);
    found.map(|(_, value)| value.as_str())
}

/// What a text tells of its writer.
fn facts(text: &str) -> Vec<(String, String)> {
    let sentences = sentences(text);
    let told = sentences
        .iter()
        .filter(|sentence| asked(without_fillers(&sentence.to_ascii_lowercase())).is_none());
    told.filter_map(|sentence| fact(sentence)).collect()
}

/// `my dog is Rex`: what it is, and which.
fn fact(sentence: &str) -> Option<(String, String)> {
    // ASCII alone changes its case, so that places stay the same.
    let lower = sentence.to_ascii_lowercase();
    let bare = without_fillers(&lower);
    let offset = lower.rfind(bare)?;
    let called = ["i am called ", "i'm called ", "call me "];
    let called = called.iter().find(|start| bare.starts_with(*start));
    let (key, value) = match called {
        Some(start) => ("name", offset + start.len()),
        None => {
            let rest = bare.strip_prefix("my ")?;
            let (key, _) = rest.split_once(" is ")?;
            (key, offset + "my ".len() + key.len() + " is ".len())
        }
    };
    let value = sentence.get(value..)?.trim();
    let fits = !value.is_empty()
        && value.chars().count() <= REMEMBERED
        && key.split_whitespace().count() <= 4;
    fits.then(|| (key.to_owned(), value.to_owned()))
}

/// The sentences of a text's beginning, without their ends.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut characters = text.chars().take(LOOKED_AT).peekable();
    while let Some(c) = characters.next() {
        let is_last = characters.peek().is_none_or(|next| next.is_whitespace());
        let ends = c == '\n' || (is_last && matches!(c, '.' | '!' | '?' | ',' | ';' | ':'));
        match (ends, sentences.last_mut()) {
            (false, Some(sentence)) => sentence.push(c),
            _ => sentences.push(String::new()),
        }
        if let Some(sentence) = sentences.last_mut()
            && let Some(whole) = sentence.strip_suffix(" and my ")
        {
            *sentence = whole.to_owned();
            sentences.push("my ".to_owned());
        }
    }
    let told = sentences.iter().map(|sentence| sentence.trim().to_owned());
    told.filter(|sentence| !sentence.is_empty()).collect()
}

/// Without words that change nothing.
fn without_fillers(words: &str) -> &str {
    let mut words = words.trim();
    loop {
        let starts = [
            "and ", "so ", "now ", "then ", "ok ", "okay ", "please ", "well ",
        ];
        let ends = [" please", " again", " then", " now"];
        let start = starts.iter().find_map(|it| words.strip_prefix(it));
        let end = || ends.iter().find_map(|it| words.strip_suffix(it));
        match start.or_else(end) {
            Some(shorter) => words = shorter.trim(),
            None => return words,
        }
    }
}
