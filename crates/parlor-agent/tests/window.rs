//! How much of a conversation is sent, through the public interface.

#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used)]

use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};

/// Ten tokens a message, whatever it says.
fn by_message(request: &ChatRequest) -> u64 {
    10 * request.messages.len() as u64
}

fn by_count(messages: u64) -> Window {
    Window::tokens(10 * messages).with_estimate(by_message)
}

fn texts(request: &ChatRequest) -> Vec<String> {
    request.messages.iter().map(Message::text).collect()
}

/// Every call has one result right after it, and nothing else has one.
fn assert_valid(messages: &[Message]) {
    for (at, message) in messages.iter().enumerate() {
        assert!(!message.parts.is_empty(), "an empty message");
        let asked: Vec<_> = message.tool_calls().map(|call| &*call.id).collect();
        let next = messages.get(at + 1).map(|next| &*next.parts);
        let answered: Vec<_> = next
            .unwrap_or_default()
            .iter()
            .filter_map(|part| match part {
                Part::ToolResult(result) => Some(&*result.call_id),
                _ => None,
            })
            .collect();
        assert_eq!(asked, answered);
    }
}

/// Says it.
#[tool]
async fn say(what: String) -> String {
    what
}

fn calls(id: &str) -> Script {
    let mut choice = Choice::new(0);
    let call = ToolCall::new(id, "say", Arguments::json(r#"{"what": "hi"}"#));
    choice.message.parts.push(Part::ToolCall(call));
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    Script::response(response)
}

#[tokio::test]
async fn the_oldest_turns_are_left_out_whole() {
    let model = Scripted::new([
        calls("a"),
        Script::text("one"),
        Script::text("two"),
        Script::text("three"),
        Script::text("four"),
    ]);
    let mut chat = Conversation::new(model.clone())
        .with_system("Be brief.")
        .with_tool(say)
        .with_window(by_count(7));
    for say in ["1", "2", "3", "4"] {
        chat.send(say).await.unwrap();
    }
    let requests = model.requests();
    for request in &requests {
        assert_valid(&request.messages);
        assert_eq!(request.messages[0].role, Role::System);
        assert!(request.messages.len() <= 7);
    }
    // The first turn has four messages: none of them is there without the others.
    assert_eq!(requests[2].messages.len(), 6);
    assert_eq!(texts(&requests[3]), ["Be brief.", "2", "two", "3"]);
    assert_eq!(
        texts(&requests[4]),
        ["Be brief.", "2", "two", "3", "three", "4"]
    );
    assert_eq!(chat.history().turns().len(), 4);
    assert_valid(&chat.history().messages());
}

#[tokio::test]
async fn a_turn_that_is_too_long_alone_is_never_sent() {
    let model = Scripted::new([Script::text("one")]);
    let mut chat = Conversation::new(model.clone()).with_window(Window::tokens(50));
    chat.send("1").await.unwrap();
    let error = chat.send("word ".repeat(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContextTooLong);
    assert!(
        error.message().contains("about 129 tokens"),
        "{}",
        error.message()
    );
    assert!(error.help().contains("shorter results"));
    assert_eq!(model.requests().len(), 1);
    assert_eq!(chat.history().turns().len(), 1);
}

#[tokio::test]
async fn a_turn_that_grows_too_long_is_kept_as_far_as_it_came() {
    let model = Scripted::new([calls("a"), calls("b"), calls("c")]);
    let mut chat = Conversation::new(model.clone())
        .with_tool(say)
        .with_window(by_count(4));
    let error = chat.send("1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContextTooLong);
    assert_eq!(model.requests().len(), 2);
    assert_eq!(chat.history().turns()[0].state, TurnState::Interrupted);
    assert_valid(&chat.history().messages());
}

#[tokio::test]
async fn by_default_the_models_own_window_counts() {
    let info = |window, output| {
        let mut info = ModelInfo::new("scripted", "small");
        info.context_window = window;
        info.max_output_tokens = output;
        info
    };
    let sent = async |info: ModelInfo, max: Option<u64>| {
        let model = Scripted::answering("ok").with_info(info);
        let mut chat = Conversation::new(model.clone())
            .with_window(Window::default().with_estimate(by_message));
        chat.request_mut().max_output_tokens = max;
        for _ in 0..6 {
            chat.send("?").await.unwrap();
        }
        model.requests().last().unwrap().messages.len()
    };
    assert_eq!(sent(info(None, None), None).await, 11);
    assert_eq!(sent(info(Some(100), None), None).await, 9);
    assert_eq!(sent(info(Some(100), Some(30)), None).await, 7);
    assert_eq!(sent(info(Some(100), Some(30)), Some(50)).await, 5);
    // An answer may take half of it at most, so that something is left to ask.
    assert_eq!(sent(info(Some(100), Some(100)), None).await, 5);
}

#[tokio::test]
async fn what_is_left_out_is_summarised_once() {
    let model = Scripted::answering("fine");
    let teller = Scripted::new([
        Script::text("They counted to two."),
        Script::text("To four."),
    ]);
    let mut chat = Conversation::new(model.clone())
        .with_system("Be brief.")
        .with_window(by_count(8).summarising(teller.clone()));
    for say in ["1", "2", "3", "4"] {
        chat.send(say).await.unwrap();
    }
    assert!(teller.requests().is_empty());
    chat.send("5").await.unwrap();

    let asked = teller.requests();
    assert_eq!(asked.len(), 1);
    let asked = asked[0].messages[1].text();
    assert!(
        asked.contains("user: 1\nassistant: fine\nuser: 2\n"),
        "{asked}"
    );
    assert!(!asked.contains("user: 4"), "{asked}");
    let sent = texts(model.requests().last().unwrap());
    assert_eq!(sent[0], "Be brief.");
    assert!(
        sent[1].contains("They counted to two.") && sent[1].ends_with("\n\n4"),
        "{}",
        sent[1]
    );
    assert_eq!(sent[2..], ["fine", "5"]);
    assert_eq!(chat.history().turns().len(), 5, "all turns stay");

    // It is stored with the history, and goes on in another process.
    let stored = serde_json::to_string(chat.history()).unwrap();
    let history: History = serde_json::from_str(&stored).unwrap();
    assert_eq!(history.summary().unwrap().text, "They counted to two.");
    let mut chat = Conversation::new(model.clone())
        .with_history(history)
        .with_window(by_count(8).summarising(teller.clone()));
    chat.send("6").await.unwrap();
    assert_eq!(teller.requests().len(), 1);
    chat.send("7").await.unwrap();
    let asked = teller.requests()[1].messages[1].text();
    assert!(
        asked.contains("They counted to two.") && asked.contains("user: 4"),
        "{asked}"
    );
    assert!(!asked.contains("user: 1\n"), "{asked}");
    assert_eq!(chat.history().summary().unwrap().text, "To four.");
    for request in model.requests() {
        assert_valid(&request.messages);
        assert!(request.messages.len() <= 8);
    }

    // What it is of is gone.
    let summarised = chat.history().summary().unwrap().turns;
    assert!(chat.history().fork(summarised).summary().is_some());
    assert!(chat.history().fork(summarised - 1).summary().is_none());
    chat.history_mut().clear();
    assert!(chat.history().summary().is_none());
}

#[tokio::test]
async fn a_summary_counts_and_its_failure_is_told() {
    let usage = |input| {
        let mut choice = Choice::new(0);
        choice.message.parts.push(Part::text("Short."));
        choice.finish_reason = Some(FinishKind::Stop.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        let mut usage = Usage::default();
        usage.input_tokens = Some(input);
        response.usage = Some(usage);
        Script::response(response)
    };
    let down = Script::refuses(Error::new(ErrorKind::Overloaded, "busy"));
    let teller = Scripted::new([down, Script::text(" "), usage(1000)]);
    let model = Scripted::with(move |_, _| Some(usage(1)));
    let mut chat = Conversation::new(model.clone()).with_window(by_count(4).summarising(teller));
    chat.send("1").await.unwrap();
    chat.send("2").await.unwrap();
    let error = chat.send("3").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    let error = chat.send("3").await.unwrap_err();
    assert!(error.message().contains("came back empty"));
    assert_eq!(chat.history().turns().len(), 2, "nothing came of it");

    let reply = chat.send("3").await.unwrap();
    assert_eq!(reply.usage.input_tokens, Some(1001));
    assert_eq!(reply.steps, 1);
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test]
async fn stopped_while_it_is_summarised_the_history_stays_valid() {
    let teller = Scripted::new([Script::text("Short.").opens_after(std::time::Duration::MAX)]);
    let mut chat =
        Conversation::new(Scripted::answering("fine")).with_window(by_count(4).summarising(teller));
    chat.send("1").await.unwrap();
    chat.send("2").await.unwrap();
    let mut run = chat.stream("3").unwrap();
    let stopper = run.stopper();
    stopper.stop();
    while run.next().await.transpose().unwrap().is_some() {}
    drop(run);
    assert_valid(&chat.history().messages());
    assert!(chat.history().summary().is_none());
}

#[tokio::test]
async fn compacted_turns_are_sent_as_their_summary_and_stay() {
    let model = Scripted::new([
        Script::text("fine"),
        Script::text("fine"),
        Script::text("fine"),
        Script::text("They counted to two."),
        Script::text("three?"),
        Script::text("To four."),
        Script::text("five"),
        Script::text("six"),
    ]);
    let mut chat = Conversation::new(model.clone()).with_system("Be brief.");
    assert_eq!(chat.compact(1).await.unwrap(), 0);
    for say in ["1", "2", "3"] {
        chat.send(say).await.unwrap();
    }
    assert_eq!(chat.compact(1).await.unwrap(), 2);
    assert_eq!(chat.compact(1).await.unwrap(), 0);
    assert_eq!(chat.history().turns().len(), 3, "all turns stay");
    assert_eq!(chat.stats().total.completed, 4);
    chat.send("4").await.unwrap();
    let sent = texts(model.requests().last().unwrap());
    assert_eq!(sent[0], "Be brief.");
    assert!(sent[1].contains("They counted to two.") && sent[1].ends_with("\n\n3"));
    assert_eq!(sent[2..], ["fine", "4"]);
    assert_eq!(chat.history().compacted()[1].text(), sent[1]);

    // It is stored with the history; a window doesn't bring the turns back.
    let stored = serde_json::to_string(chat.history()).unwrap();
    let history: History = serde_json::from_str(&stored).unwrap();
    let mut chat = Conversation::new(model.clone())
        .with_history(history)
        .with_window(by_count(100));
    assert_eq!(chat.compact(0).await.unwrap(), 2);
    chat.send("5").await.unwrap();
    let sent = texts(model.requests().last().unwrap());
    assert!(
        sent[1].contains("To four.") && sent[1].ends_with("\n\n5"),
        "{sent:?}"
    );
    assert_eq!(sent.len(), 2);
    // Taking back a turn that it is of takes the summary back.
    chat.history_mut().undo();
    chat.history_mut().undo();
    assert!(chat.history().summary().is_none());
    chat.send("6").await.unwrap();
    assert_eq!(texts(model.requests().last().unwrap()).len(), 8);
}
