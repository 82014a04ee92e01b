//! Sessions that end by time and by word, and what is left of them.

#![allow(clippy::unwrap_used)]

use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A model that says a word a second.
fn slow() -> Scripted {
    Scripted::with(|_, _| Some(Script::text("One two three four").paced(SECOND)))
}

fn over(error: &Error) -> bool {
    error.kind() == ErrorKind::Timeout(TimeoutKind::Total)
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_with_the_session_and_what_had_come_is_kept() {
    let model = slow();
    let mut session = Session::new(Conversation::new(model.clone())).with_time(SECOND * 4);
    let reply = session.send("Count.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::TimeLimit);
    assert!(reply.text().starts_with("One "), "{}", reply.text());
    assert!(!reply.text().contains("four"), "{}", reply.text());
    let exchanges = model.exchanges();
    assert_eq!((exchanges.begun, exchanges.abandoned), (1, 1), "closed");

    assert!(session.is_over());
    assert_eq!(session.time_left(), Some(Duration::ZERO));
    assert!(over(&session.send("More.").await.unwrap_err()));
    assert!(over(&session.conversation_mut().regenerate().unwrap_err()));
    assert_eq!(model.exchanges().begun, 1);

    let mut chat = session.end();
    assert_eq!(chat.history().turns().len(), 1);
    assert_eq!(chat.history().turns()[0].state, TurnState::Interrupted);
    let reply = chat.send("Go on.").await.unwrap();
    assert_eq!(reply.text(), "One two three four");
    let sent = model.requests().remove(1).messages;
    let roles: Vec<_> = sent.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
}

#[tokio::test(start_paused = true)]
async fn only_the_work_counts_where_it_is_so_wished() {
    let quick = Scripted::with(|_, _| Some(Script::text("Yes.").opens_after(SECOND * 4)));
    let mut session = Session::new(Conversation::new(quick)).with_busy_time(SECOND * 10);
    for left in [6, 2] {
        let reply = session.send("Well?").await.unwrap();
        assert_eq!(reply.outcome, Outcome::Finished);
        tokio::time::advance(SECOND * 3600).await;
        assert_eq!(session.time_left().unwrap().as_secs(), left);
    }
    let reply = session.send("Well?").await.unwrap();
    assert_eq!(reply.outcome, Outcome::TimeLimit);
    assert!(over(&session.send("Well?").await.unwrap_err()));
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_both_limits_holds() {
    let mut limits = Limits::default();
    limits.time = Some(SECOND * 2);
    let chat = Conversation::new(slow()).with_limits(limits);
    let mut session = Session::new(chat).with_time(SECOND * 3600);
    let reply = session.send("Count.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::TimeLimit);
    assert!(!session.is_over());
}

#[tokio::test(start_paused = true)]
async fn a_guard_s_drop_stops_what_runs_tools_too() {
    struct Held(Arc<Mutex<bool>>);
    impl Drop for Held {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let dropped = Arc::new(Mutex::new(false));
    let guard = Arc::new(Mutex::new(None));
    let (held, taken) = (dropped.clone(), guard.clone());
    let hangs = tool_fn("hangs", "Never ends.", move |_: Value, _| {
        let held = Held(held.clone());
        let guard: Option<SessionGuard> = taken.lock().unwrap().take();
        async move {
            drop(guard);
            std::future::pending::<()>().await;
            drop(held);
            "done"
        }
    });
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    let call = ToolCall::new("call00001", "hangs", Arguments::from(json!({})));
    choice.message.parts.push(Part::ToolCall(call));
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    response.choices.push(choice);
    let model = Scripted::new([Script::response(response)]);
    let mut session = Session::new(Conversation::new(model).with_tool(hangs));
    *guard.lock().unwrap() = Some(session.guard());
    let reply = session.send("Call it.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::Stopped);
    assert!(*dropped.lock().unwrap());
    let error = session.send("Again.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let messages = session.end().history().messages();
    let answered = messages.iter().flat_map(|message| &message.parts);
    let results = answered.filter(|part| matches!(part, Part::ToolResult(_)));
    assert_eq!(results.count(), 1, "the call has its result");
}

#[tokio::test]
async fn who_listens_is_told_everything_once() {
    let heard = Arc::new(Mutex::new((String::new(), Vec::new())));
    let (text, events) = (heard.clone(), heard.clone());
    let mut chat = Conversation::new(Scripted::answering("One two three"))
        .on_text(move |piece| text.lock().unwrap().0.push_str(piece))
        .on_event(move |event| {
            let word = match event {
                RunEvent::StepStarted(_) => "step",
                RunEvent::Finished(_) => "end",
                _ => return,
            };
            events.lock().unwrap().1.push(word);
        });
    chat.send("Count.").await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.0, "One two three");
    assert_eq!(heard.1, ["step", "end"]);
}

#[tokio::test]
async fn an_error_is_shown_as_long_as_it_was_said() {
    let long = Error::new(ErrorKind::InvalidRequest, "no ".repeat(1000));
    let model = Scripted::new([Script::refuses(long)]);
    let mut chat = Conversation::new(model).with_error_limit(5);
    let error = chat.send("Well?").await.unwrap_err();
    assert!(
        error.to_string().ends_with("no no… (2995 more characters)"),
        "{error}"
    );
    assert_eq!(error.message().len(), 3000);
}

#[tokio::test]
async fn failures_of_tools_name_the_tool_and_the_cause() {
    let fails = tool_fn("weather", "The weather.", |_: Value, _| async {
        Err::<String, _>("no station answers")
    });
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    for (id, name) in [("call00001", "weather"), ("call00002", "nothing")] {
        let call = ToolCall::new(id, name, Arguments::from(json!({})));
        choice.message.parts.push(Part::ToolCall(call));
    }
    response.choices.push(choice);
    let model = Scripted::new([Script::response(response), Script::text("Sorry.")]);
    let mut chat = Conversation::new(model).with_tool(fails);
    let reply = chat.send("Do I need a coat?").await.unwrap();
    let failures: Vec<_> = reply.tool_failures().collect();
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0].kind(), ErrorKind::Tool);
    assert_eq!(failures[0].tool_name(), Some("weather"));
    assert_eq!(
        failures[0].to_string(),
        "the tool `weather` failed: no station answers"
    );
    assert_eq!(failures[1].tool_name(), Some("nothing"));
}

#[tokio::test]
async fn figures_that_nobody_wants_are_not_kept() {
    for (usage, latency) in [(true, false), (false, true), (false, false)] {
        let statistics = Statistics::capturing(usage, latency);
        let mut chat = Conversation::new(Echo::new()).with_statistics(statistics.clone());
        chat.send("One two").await.unwrap();
        let total = statistics.stats().total;
        assert_eq!(total.completed, 1);
        assert_eq!(total.usage.output_tokens.is_some(), usage);
        assert_eq!(total.total_ms.count, u64::from(latency));
        assert_eq!(total.first_event_ms.count, u64::from(latency));
        statistics.reset();
        chat.send("One two").await.unwrap();
        assert_eq!(
            statistics.stats().total.usage.output_tokens.is_some(),
            usage
        );
    }
}
