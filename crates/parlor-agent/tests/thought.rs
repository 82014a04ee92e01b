//! Tasks thought through by models that reason and by those that write it down.

#![allow(clippy::unwrap_used)]

use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};

fn reasoner(scripts: impl IntoIterator<Item = Script>) -> Scripted {
    let mut info = ModelInfo::new("scripted", "script");
    info.capabilities = Capabilities::UNKNOWN.having(&[Capability::Reasoning]);
    Scripted::new(scripts).with_info(info)
}

fn answers(parts: Vec<Part>, finish: FinishKind) -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(finish.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    Script::response(response)
}

fn task() -> Think {
    Think::new("Is 7 prime?").with_steps(["Divide.", "Conclude."])
}

#[tokio::test]
async fn a_model_that_reasons_is_asked_to() {
    let parts = vec![
        Part::Reasoning(Reasoning::new("7 has no divisors.")),
        Part::text("Yes."),
    ];
    let model = reasoner([answers(parts, FinishKind::Stop)]);
    let thought = task().ask(&model).await.unwrap();
    assert_eq!(thought.reasoning, "7 has no divisors.");
    assert_eq!(thought.solution, "Yes.");
    let sent = &model.requests()[0];
    let reasoning = sent.reasoning.as_ref().unwrap();
    assert_eq!(reasoning.effort, Some(Effort::Medium));
    assert_eq!(
        sent.messages[0].text(),
        "Is 7 prime?\n\nGo through these steps:\n1. Divide.\n2. Conclude."
    );
}

#[tokio::test]
async fn another_one_writes_it_down() {
    let model = Scripted::answering("<reasoning>No divisors.</reasoning><solution>Yes.</solution>");
    let thought = task().ask(&model).await.unwrap();
    assert_eq!(
        (&*thought.reasoning, &*thought.solution),
        ("No divisors.", "Yes.")
    );
    let sent = &model.requests()[0];
    assert_eq!(sent.reasoning, None);
    assert!(sent.messages[0].text().contains("</solution>"));
    // What is set holds.
    task().natively(true).ask(&model).await.unwrap();
    assert!(model.requests()[1].reasoning.is_some());
    assert!(!model.requests()[1].messages[0].text().contains("solution"));
}

#[tokio::test]
async fn sections_are_read_as_models_write_them() {
    let cases = [
        (
            "<Reasoning>\na\n</Reasoning>\n\n<Solution>b</Solution> Bye!",
            "a",
            "b",
        ),
        ("<reasoning>a <solution>b", "a", "b"),
        (
            "<reasoning>a, then <solution> comes</reasoning><solution>b</solution>",
            "a, then <solution> comes",
            "b",
        ),
        ("<thinking>a</thinking>\nb", "a", "b"),
        ("<think>a</think>\n**Answer:** b", "a", "b"),
        ("a\n<answer>b</answer>", "a", "b"),
        ("## Reasoning\na\n\n## Solution\nb\nc", "a", "b\nc"),
        ("**Reasoning:** a\n**Solution:** b", "a", "b"),
        (
            "Reasoning: a\nAnswer: no\nmore\nFinal answer: b",
            "a\nAnswer: no\nmore",
            "b",
        ),
        ("<reasoning>a\n### Solution\nb", "a", "b"),
        ("The answer is b.", "", "The answer is b."),
        ("Solution b is best.", "", "Solution b is best."),
        ("<solution></solution>b", "", "<solution></solution>b"),
        ("İ ＜ß <SOLUTION>é</SOLUTION>", "İ ＜ß", "é"),
    ];
    for (text, reasoning, solution) in cases {
        let model = Scripted::answering(text);
        let thought = task().ask(&model).await.unwrap();
        assert_eq!(
            (&*thought.reasoning, &*thought.solution),
            (reasoning, solution),
            "{text}"
        );
    }
}

#[tokio::test]
async fn without_a_solution_it_is_an_error_with_what_had_come() {
    let text = |it: &str| vec![Part::text(it)];
    for (parts, finish, kind) in [
        (
            text("<reasoning>a, b,"),
            FinishKind::Length,
            ErrorKind::Truncated,
        ),
        (
            text("<reasoning>a</reasoning>"),
            FinishKind::Stop,
            ErrorKind::Validation,
        ),
        (text("I won't."), FinishKind::Refusal, ErrorKind::Validation),
        (
            text("a"),
            FinishKind::ContentFilter,
            ErrorKind::ContentFiltered,
        ),
    ] {
        let model = Scripted::new([answers(parts.clone(), finish)]);
        let error = task().ask(&model).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, Retry::Never));
        assert_eq!(error.partial().unwrap().text(), parts[0].as_text().unwrap());
    }
}

#[tokio::test]
async fn in_a_conversation_it_is_a_turn() {
    let parts = vec![
        Part::Reasoning(Reasoning::new("7 has no divisors.")),
        Part::text("Yes."),
    ];
    let model = reasoner([answers(parts, FinishKind::Stop), Script::text("Sure.")]);
    let mut chat = Conversation::new(model.clone());
    let thought = task().ask_in(&mut chat).await.unwrap();
    assert_eq!(
        (&*thought.reasoning, &*thought.solution),
        ("7 has no divisors.", "Yes.")
    );
    assert_eq!(chat.history().turns().len(), 1);
    chat.send("Sure?").await.unwrap();
    assert!(model.requests()[0].reasoning.is_some());
    assert_eq!(model.requests()[1].reasoning, None);

    let mut chat = Conversation::new(Scripted::answering("a\n## Solution\nb"));
    chat.request_mut().reasoning = Some(Effort::Low.into());
    let thought = chat.think("Which?", ["Look."]).await.unwrap();
    assert_eq!(thought.solution, "b");
    assert_eq!(chat.request_mut().reasoning, Some(Effort::Low.into()));
}
