//! What a request weighs before it is sent, and whether a server read all of it.

use parlor::{ChatRequest, Message, Part, Role, Usage, estimate};

use crate::converse::grouped;
use crate::terminal::printable;

/// Below so many tokens an estimate says too little to warn by.
const SURE: u64 = 1_000;

/// The most parts that are named.
const NAMED: usize = 5;

/// What a request is made of, largest first: `notes.md ~9 800 · history ~1 900 · prompt ~334`.
pub(crate) fn largest(request: &ChatRequest) -> String {
    let is_system = |message: &&Message| message.role == Role::System;
    let last = request
        .messages
        .iter()
        .rposition(|it| it.role == Role::User);
    let (before, turn) = request.messages.split_at(last.unwrap_or(0));
    let (mut prompt, mut parts) = (turn.to_vec(), Vec::new());
    for message in &mut prompt {
        message.parts.retain(|part| {
            let name = attached(part).map(printable);
            if let Some(name) = &name {
                let message = Message::new(Role::User, vec![part.clone()]);
                parts.push((name.clone(), size([message])));
            }
            name.is_none()
        });
    }
    let instructions = size(before.iter().filter(is_system).cloned());
    let history = size(before.iter().filter(|it| !is_system(it)).cloned());
    parts.push(("instructions".to_owned(), instructions));
    parts.push(("history".to_owned(), history));
    parts.push(("prompt".to_owned(), size(prompt)));
    parts.sort_by_key(|(_, tokens)| std::cmp::Reverse(*tokens));
    let parts = parts.iter().filter(|(_, tokens)| *tokens > 0).take(NAMED);
    let parts = parts.map(|(name, tokens)| format!("{name} ~{}", grouped(*tokens)));
    parts.collect::<Vec<_>>().join(" · ")
}

/// What an attachment is called; `None` for a person's words.
fn attached(part: &Part) -> Option<&str> {
    match part {
        // As `Attachment` writes a text that has a name.
        Part::Text(text) => {
            let rest = text.text.strip_prefix("<file name=\"")?;
            rest.split_once('"').map(|(name, _)| name)
        }
        Part::Media(media) => Some(media.name.as_deref().unwrap_or("attachment")),
        _ => None,
    }
}

fn size(messages: impl IntoIterator<Item = Message>) -> u64 {
    let mut request = ChatRequest::default();
    request.messages = messages.into_iter().collect();
    match request
        .messages
        .iter()
        .all(|message| message.parts.is_empty())
    {
        true => 0,
        false => estimate::input_tokens(&request),
    }
}

/// What a request and an answer of so many tokens came to, where nobody said all of it.
pub(crate) fn guess(request: &ChatRequest, came: u64, told: &Usage) -> Usage {
    let mut usage = told.clone();
    let sent = || estimate::input_tokens(request);
    usage.input_tokens.get_or_insert_with(sent);
    usage.output_tokens.get_or_insert(came);
    usage
}

/// A warning where a server says that it read far less than was sent.
pub(crate) fn cut(request: &ChatRequest, usage: &Usage) -> Option<String> {
    let read = usage.input_tokens?;
    let is_words = |part: &Part| matches!(part, Part::Text(_) | Part::Reasoning(_));
    // What media take is each server's own affair.
    let mut parts = request.messages.iter().flat_map(|message| &message.parts);
    let sent = size(request.messages.iter().cloned());
    (parts.all(is_words) && sent >= SURE && read.saturating_mul(2) < sent).then(|| {
        let (read, sent) = (grouped(read), grouped(sent));
        format!(
            "warning: the server read {read} of ~{sent} tokens, so that the beginning may be cut; \
             a server of your own may have a larger context window set (num_ctx)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ChatRequest {
        let mut request = ChatRequest::from("short");
        request.messages.insert(0, Message::assistant("fine"));
        request
            .messages
            .insert(0, Message::user("word ".repeat(4_000)));
        request.messages.insert(0, Message::system("Be brief."));
        request
    }

    #[test]
    fn the_largest_part_comes_first() {
        let told = largest(&request());
        let names: Vec<&str> = told
            .split(" · ")
            .filter_map(|it| it.split(' ').next())
            .collect();
        assert_eq!(names, ["history", "instructions", "prompt"], "{told}");
        let mut request = ChatRequest::from("short");
        let file = format!(
            "<file name=\"notes.md\">\n{}</file>\n\n",
            "word ".repeat(900)
        );
        if let Some(message) = request.messages.first_mut() {
            message.parts.insert(0, Part::text(file));
        }
        let told = largest(&request);
        assert!(
            told.starts_with("notes.md ~") && told.contains(" · prompt ~"),
            "{told}"
        );
    }

    #[test]
    fn a_server_that_read_far_less_is_told_of() {
        let usage = |tokens| {
            let mut usage = Usage::default();
            usage.input_tokens = Some(tokens);
            usage
        };
        let told = cut(&request(), &usage(1_000)).unwrap();
        assert!(told.contains("the server read 1\u{202f}000 of ~"), "{told}");
        assert_eq!(cut(&request(), &usage(4_000)), None);
        assert_eq!(cut(&ChatRequest::from("short"), &usage(1)), None);
        assert_eq!(cut(&request(), &Usage::default()), None);
    }
}
