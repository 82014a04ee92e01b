//! The built-in rules, through the public interface.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor_core::{ChatModel, ChatRequest, Message, OutputFormat, Rules};

fn now<F: Future>(future: F) -> F::Output {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

/// Asks one after the other in one conversation, and gives the answers.
#[cfg(test)]
fn talk(questions: &[&str]) -> Vec<String> {
    let mut request = ChatRequest::default();
    let mut answers = Vec::new();
    for question in questions {
        request.messages.push(Message::user(*question));
        let answer = now(Rules::new().chat(&request)).unwrap().text();
        request.messages.push(Message::assistant(answer.as_str()));
        answers.push(answer);
    }
    answers
}

fn last(questions: &[&str]) -> String {
    talk(questions).pop().unwrap()
}

#[test]
fn what_was_said_is_remembered() {
    let told = talk(&["my name is Ann", "what is my name?"]);
    assert!(told[0].starts_with("Nice to meet you, Ann."), "{told:?}");
    assert!(told[0].contains("not a language model"), "{told:?}");
    assert_eq!(told[1], "Ann.");
    let dog = ["My dog is Rex and my favourite colour is blue.", "thanks"];
    assert_eq!(last(&[dog[0], dog[1], "What's my dog?"]), "Rex.");
    assert_eq!(last(&[dog[0], "what is my favourite colour"]), "blue.");
    assert_eq!(last(&["call me Ann", "my name is Bo", "who am I?"]), "Bo.");
    assert_eq!(
        last(&["my name is Ann, what is my name?"]),
        "Nice to meet you, Ann. Ann. I am embedded/rules: a few rules built into parlor, not a language model. I remember what you tell me (\"my name is Ann\"), greet in a few languages and do sums."
    );
    assert_eq!(
        last(&["what is my name?"]),
        "You have not told me your name in this conversation."
    );
}

#[test]
fn it_greets_and_goes_on_in_other_languages() {
    let hi = last(&["say hi"]);
    assert!(hi.starts_with("Hi! I am embedded/rules:"), "{hi}");
    assert_eq!(last(&["say hi", "and in French?"]), "Bonjour !");
    assert_eq!(last(&["my name is Ann", "hello", "Hello!"]), "Hi, Ann!");
    let name = ["my name is Ann", "what is my name?", "and in French?"];
    assert_eq!(last(&name), "Tu t'appelles Ann.");
    assert_eq!(last(&["say hi in German, please"]), "Hallo!");
    assert_eq!(last(&["hi", "in spanish?", "and in Chinese?"]), "你好！");
    let lost = last(&["and in French?"]);
    assert!(lost.contains("not a language model"), "{lost}");
}

#[test]
fn sums_come_out() {
    for (asked, result) in [
        ("12 * 7", "84"),
        ("What is 2 + 3 * 4 - 1?", "13"),
        ("1.5 + 2", "3.5"),
        ("0.1+0.2", "0.3"),
        ("10 / 4 =", "2.5"),
        ("3 - 5", "-2"),
        ("2 * -3", "-6"),
    ] {
        assert_eq!(last(&[asked]), result, "{asked}");
    }
    for none in [
        "1 / 0",
        "1 +",
        "2 ** 3",
        "42",
        "1e999 + 1",
        "9999999999999999 * 9",
    ] {
        assert!(last(&[none]).contains("beyond my rules"), "{none}");
    }
}

#[test]
fn anything_else_is_not_pretended() {
    for asked in [
        "Why is the sky blue?",
        "",
        "\u{1b}[31m",
        &"my ".repeat(9_000),
    ] {
        let told = last(&[asked]);
        assert!(told.starts_with("I am embedded/rules:"), "{told}");
        assert!(told.contains("not a language model"), "{told}");
        assert!(told.contains("parlor keys set"), "{told}");
    }
}

#[test]
fn a_stream_gives_the_same_and_costs_nothing() {
    let model = Rules::new();
    let request = ChatRequest::from("say hi");
    let whole = now(model.chat(&request)).unwrap();
    let streamed = now(now(model.stream(&request)).unwrap().response()).unwrap();
    assert_eq!(streamed.text(), whole.text());
    let usage = whole.usage.unwrap();
    let price = model.info().price.as_ref().unwrap();
    assert_eq!(price.cost(&usage).unwrap().amount, 0.0);
    assert_eq!(model.info().id(), "embedded/rules");
}

#[test]
fn json_is_json() {
    let mut request = ChatRequest::from("say hi");
    request.output = Some(OutputFormat::Json);
    let answer = now(Rules::new().chat(&request)).unwrap().text();
    assert!(serde_json::from_str::<serde_json::Value>(&answer).is_ok());
}
