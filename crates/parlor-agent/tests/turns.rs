//! Turns that wait, break off or are asked again: what is sent then, and what is left of them.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use futures_util::FutureExt;
use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn answer(parts: Vec<Part>) -> Script {
    Script::response(response(parts))
}

/// An answer of these parts.
fn response(parts: Vec<Part>) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response
}

fn call(id: &str, name: &str) -> Part {
    ToolCall::new(id, name, Arguments::json("{}")).into()
}

fn calls(name: &str) -> Script {
    answer(vec![call("a", name)])
}

fn down() -> Script {
    Script::refuses(Error::new(ErrorKind::Server, "down"))
}

/// A tool that counts its calls, and where it takes its time, waits.
fn counts(name: &str, count: &Arc<AtomicUsize>) -> impl Tool + use<> {
    let count = count.clone();
    tool_fn(name, "Counts.", move |(): (), _| {
        let count = count.clone();
        async move {
            tokio::time::sleep(MS * 2).await;
            count.fetch_add(1, Ordering::Relaxed).to_string()
        }
    })
}

/// Every call has one result, in the message after it.
fn assert_valid(messages: &[Message]) {
    for (at, message) in messages.iter().enumerate() {
        let asked: Vec<&str> = message.tool_calls().map(|call| &*call.id).collect();
        let next = messages.get(at + 1).filter(|it| it.role == Role::Tool);
        let parts = next.into_iter().flat_map(|next| &next.parts);
        let answered: Vec<&str> = parts
            .map(|part| match part {
                Part::ToolResult(result) => &*result.call_id,
                other => panic!("{other:?} among results"),
            })
            .collect();
        assert_eq!(asked, answered, "in {messages:#?}");
    }
}

#[tokio::test]
async fn what_waits_is_answered_for_whoever_speaks_of_something_else() {
    let model = Scripted::new([calls("write"), down(), Script::text("Fine.")]);
    let count = Arc::default();
    let mut chat = Conversation::new(model.clone())
        .with_tool(counts("write", &count))
        .without_execution();
    chat.send("Go.").await.unwrap();
    assert_eq!(chat.pending_calls().len(), 1);
    chat.send("Wait.").await.unwrap_err();
    assert_eq!(chat.pending_calls().len(), 1, "nothing came, it waits on");
    chat.send("Wait.").await.unwrap();
    assert!(chat.pending_calls().is_empty());
    let sent = model.requests();
    assert_valid(&sent[1].messages);
    assert_eq!(sent[1].messages, sent[2].messages);
    assert_valid(&chat.history().messages());
}

#[tokio::test(start_paused = true)]
async fn a_question_put_again_keeps_its_answer_until_another_comes() {
    let slow = || Script::text("Second.").opens_after(MS * 10);
    let model = Scripted::new([Script::text("First."), slow(), slow(), slow()]);
    let mut chat = Conversation::new(model);
    chat.send("Go.").await.unwrap();
    let before = chat.history().clone();

    let mut run = chat.regenerate().unwrap();
    assert!(matches!(
        run.next().await,
        Some(Ok(RunEvent::StepStarted(1)))
    ));
    drop(run);
    assert_eq!(chat.history(), &before, "dropped while it opened");
    let reply = chat.regenerate().unwrap().stop();
    assert_eq!(reply.outcome, Outcome::Stopped);
    assert_eq!(chat.history(), &before, "stopped while it opened");

    let reply = chat.regenerate().unwrap().finish().await.unwrap();
    assert_eq!(reply.text(), "Second.");
    assert_eq!(chat.history().turns().len(), 1);
}

#[tokio::test]
async fn only_what_was_asked_is_asked_again() {
    let model = Scripted::answering("Fine.");
    let mut chat = Conversation::new(model.clone());
    assert_eq!(chat.regenerate().unwrap_err().kind(), ErrorKind::Validation);
    chat.history_mut().add(Message::assistant("Welcome."));
    let before = chat.history().clone();
    chat.regenerate().unwrap_err();
    assert_eq!(chat.history(), &before);

    let example = [Message::user("1 + 1"), Message::assistant("2")];
    let mut messages = example.to_vec();
    messages.push(Message::user("2 + 2"));
    chat.send(messages).await.unwrap();
    chat.regenerate().unwrap().finish().await.unwrap();
    let sent = model.requests();
    assert_eq!(sent[0].messages, sent[1].messages, "the examples with it");
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_not_given_yet_is_not_lost() {
    struct Slow;
    #[async_trait]
    impl Approver for Slow {
        async fn approve(&self, _: ApprovalRequest<'_>) -> Approval {
            tokio::time::sleep(MS * 5).await;
            Approval::Allow
        }
    }
    let model = Scripted::new([calls("write"), Script::text("Done.")]);
    let write = tool_fn("write", "Writes.", |(): (), _| async {}).with_effect(Effect::Changes);
    let mut chat = Conversation::new(model)
        .with_tool(write)
        .with_approver(Slow)
        .with_limits(Limits::steps(1));
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::StepLimit);

    let mut run = chat.resume().unwrap();
    assert!(run.next().now_or_never().is_none(), "it asks");
    drop(run);
    assert_eq!(chat.pending_calls().len(), 1);
    let reply = chat.resume().unwrap().finish().await.unwrap();
    assert_eq!(reply.outcome, Outcome::Finished);
    assert_valid(&chat.history().messages());
}

#[tokio::test]
async fn a_turn_that_broke_off_goes_on_without_doing_its_work_twice() {
    let count = Arc::default();
    let cut = Script::text("One two").cut(3);
    let cut = cut.fails(Error::new(ErrorKind::Connection, "reset"));
    let model = Scripted::new([calls("work"), down(), down(), cut]);
    let mut chat = Conversation::new(model.clone()).with_tool(counts("work", &count));
    chat.send("Go.").await.unwrap_err();
    let turn = &chat.history().turns()[0];
    assert_eq!(turn.state, TurnState::Interrupted);
    let before = chat.history().clone();
    chat.resume().unwrap().finish().await.unwrap_err();
    assert_eq!(chat.history(), &before);
    chat.resume().unwrap().finish().await.unwrap_err();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(chat.history().turns().len(), 1);
    assert_eq!(chat.history().turns()[0].text(), "One ");
    let error = chat.resume().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "it has an answer");
    for request in model.requests() {
        assert_valid(&request.messages);
    }
}

#[tokio::test]
async fn results_from_elsewhere_are_given_again_where_the_model_failed() {
    let model = Scripted::new([
        answer(vec![call("a", "t"), call("b", "t")]),
        down(),
        Script::text("Done."),
    ]);
    let mut chat = Conversation::new(model.clone()).without_execution();
    chat.send("Go.").await.unwrap();
    let results = || ["b", "a"].map(|id| ToolResult::text(id, id)).to_vec();
    chat.answer(results()).unwrap().finish().await.unwrap_err();
    assert_eq!(chat.pending_calls().len(), 2);
    let reply = chat.answer(results()).unwrap().finish().await.unwrap();
    assert_eq!(reply.messages, [Message::assistant("Done.")]);
    for request in &model.requests()[1..] {
        assert_valid(&request.messages);
    }
}

#[tokio::test]
async fn a_message_may_bring_settings_and_instructions_of_its_own() {
    let model = Scripted::new([down(), Script::text("1"), Script::text("2")]);
    let mut general = ChatRequest::default();
    general.seed = Some(7);
    general.temperature = Some(0.0);
    let mut chat = Conversation::new(model.clone())
        .with_system("Be brief.")
        .with_request(general);
    let own = ChatRequest::from("Go.")
        .with_system("Be kind.")
        .with_temperature(1.0);
    chat.send(own.clone()).await.unwrap_err();
    assert_eq!(chat.history().system(), Some("Be brief."));
    chat.send(own).await.unwrap();
    assert_eq!(chat.history().system(), Some("Be kind."));
    chat.send("And?").await.unwrap();
    let sent = model.requests();
    assert_eq!((sent[1].seed, sent[1].temperature), (Some(7), Some(1.0)));
    assert_eq!((sent[2].seed, sent[2].temperature), (Some(7), Some(0.0)));
    let roles: Vec<_> = sent[1].messages.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::System, Role::User]);

    let tool = ToolDefinition::function("t", "It does.", json!({"type": "object"}));
    let error = chat.send(ChatRequest::from("Go.").with_tool(tool)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn a_tool_that_must_be_called_must_be_so_once() {
    for forced in [
        ToolChoice::Required,
        ToolChoice::Tool("work".into()),
        ToolChoice::Allowed {
            tools: vec!["work".into()],
            required: true,
        },
    ] {
        let model = Scripted::with(|at, request| {
            let free = !matches!(
                request.tool_choice,
                Some(
                    ToolChoice::Required
                        | ToolChoice::Tool(_)
                        | ToolChoice::Allowed { required: true, .. }
                )
            );
            Some(match free && at > 0 {
                true => Script::text("Done."),
                false => calls("work"),
            })
        });
        let mut settings = ChatRequest::default();
        settings.tool_choice = Some(forced);
        let mut chat = Conversation::new(model)
            .with_tool(counts("work", &Arc::default()))
            .with_request(settings);
        let reply = chat.send("Go.").await.unwrap();
        assert_eq!((reply.outcome, reply.steps), (Outcome::Finished, 2));
    }
}

#[tokio::test]
async fn what_no_host_would_take_back_is_called_otherwise() {
    let long = "x".repeat(99);
    let mut native = call("a", "work");
    let origin = Origin::new("scripted", "some-dialect");
    native.set_native(Native::new(origin, json!({"call_id": "a"})));
    let model = Scripted::new([
        answer(vec![
            call("", ""),
            call("b", "functions.work"),
            call("c", &long),
        ]),
        answer(vec![call("a", "work"), native]),
        Script::text("Done."),
    ]);
    let mut chat = Conversation::new(model).with_tool(counts("work", &Arc::default()));
    chat.send("Go.").await.unwrap();
    let messages = chat.history().messages();
    assert_valid(&messages);
    let all: Vec<_> = messages.iter().flat_map(Message::tool_calls).collect();
    let names: Vec<&str> = all.iter().map(|call| &*call.name).collect();
    assert_eq!(names[..2], ["unnamed", "functions_work"]);
    assert_eq!(names[2].len(), 64);
    assert_eq!(names[3..], ["work", "work"]);
    assert_ne!(all[3].id, all[4].id);
    assert_eq!(all[4].native, None, "it would bring the old id back");
}

/// A tool that panics before it is waited for, or as it looks at its arguments.
struct Rash(&'static str);

impl Tool for Rash {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition::function(self.0, "Panics.", json!({"type": "object"}))
    }

    fn check(&self, _: &Value) -> Result<()> {
        assert_ne!(self.0, "picky");
        Ok(())
    }

    fn call<'a: 'f, 'b: 'f, 'f>(
        &'a self,
        _: Value,
        _: &'b ToolContext,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<ToolOutput>> + Send + 'f>> {
        panic!("as told")
    }
}

#[tokio::test]
async fn panics_leave_the_history_whole() {
    for name in ["rash", "picky"] {
        let model = Scripted::new([calls(name), Script::text("Well.")]);
        let mut chat = Conversation::new(model.clone()).with_tool(Rash(name));
        let reply = chat.send("Go.").await.unwrap();
        assert_eq!(reply.text(), "Well.");
        let Some(Part::ToolResult(result)) = model.requests()[1].messages[2].parts.first().cloned()
        else {
            panic!("a result");
        };
        assert!(result.is_error);
        assert_eq!(result.joined_text(), "The tool failed unexpectedly.");
    }

    let model = Scripted::new([calls("write"), Script::text("Well.")]);
    let write = tool_fn("write", "Writes.", |(): (), _| async {}).with_effect(Effect::Changes);
    let mut chat = Conversation::new(model)
        .with_tool(write)
        .with_approver(approve_with(|_| panic!("as told")));
    let sent = AssertUnwindSafe(chat.send("Go.")).catch_unwind().await;
    assert!(sent.is_err());
    assert_eq!(chat.history().turns().len(), 1);
    assert_valid(&chat.history().messages());
    assert_eq!(chat.send("And now?").await.unwrap().text(), "Well.");
}

#[tokio::test]
async fn what_the_provider_runs_passes_through() {
    let search = Native::new(Origin::new("scripted", "d"), json!({"type": "search"}));
    let mut run = ToolCall::new("s1", "search", Arguments::json("{}"));
    run.executor = Executor::Provider;
    let mut found = ToolResult::text("s1", "three hits");
    found.executor = Executor::Provider;
    let parts: Vec<Part> = vec![run.into(), found.into(), Part::text("Three.")];
    let model = Scripted::new([answer(parts.clone()), Script::text("Yes.")]);
    let mut chat = Conversation::new(model.clone());
    let definition = ToolDefinition::Native(search);
    chat.tools_mut().register_native(definition.clone());
    let reply = chat.send("How many?").await.unwrap();
    assert_eq!((reply.outcome, reply.steps), (Outcome::Finished, 1));
    chat.send("Sure?").await.unwrap();
    let sent = &model.requests()[1];
    assert_eq!(sent.tools, [definition]);
    assert_eq!(sent.messages[1].parts, parts);
}

#[tokio::test]
async fn a_tool_may_answer_with_a_picture() {
    let picture = Part::from(Media::bytes("image/png", vec![1, 2, 3]));
    let shown = picture.clone();
    let show = tool_fn("show", "Shows.", move |(): (), _| {
        let shown = shown.clone();
        async move { vec![Part::text("here"), shown] }
    });
    let model = Scripted::new([calls("show"), Script::text("A cat.")]);
    let mut chat = Conversation::new(model.clone()).with_tool(show);
    chat.send("What is there?").await.unwrap();
    let Some(Part::ToolResult(result)) = model.requests()[1].messages[2].parts.first().cloned()
    else {
        panic!("a result");
    };
    assert_eq!(result.parts, [Part::text("here"), picture]);
}

#[tokio::test]
async fn a_fork_goes_its_own_way() {
    let model = Scripted::answering("Fine.");
    let mut chat = Conversation::new(model)
        .with_system("Be brief.")
        .with_tool(counts("work", &Arc::default()));
    chat.remember("work", Some(true));
    for word in ["1", "2", "3"] {
        chat.send(word).await.unwrap();
    }
    let mut fork = chat.fork(1);
    fork.remember("work", None);
    fork.send("other").await.unwrap();
    assert_eq!(fork.history().turns().len(), 2);
    assert_eq!(chat.history().turns().len(), 3);
    assert_eq!(fork.history().system(), Some("Be brief."));
    assert_eq!(fork.tools().names().collect::<Vec<_>>(), ["work"]);
    assert!(chat.remembered()["work"]);
    assert!(fork.remembered().is_empty());
    assert_eq!(chat.stats().total.completed, 4);
}

#[tokio::test(start_paused = true)]
async fn limits_end_a_turn_with_all_that_was_done() {
    let mut limits = Limits::default();
    limits.time = Some(MS);
    let model = Scripted::new([calls("work")]);
    let mut chat = Conversation::new(model)
        .with_tool(counts("work", &Arc::default()))
        .with_limits(limits);
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::TimeLimit, "while the tool worked");
    assert_valid(&chat.history().messages());

    let price = r#"{"input": 1.0, "output": 2.0, "currency": "EUR", "as_of": "2026-01-01"}"#;
    let mut info = ModelInfo::new("scripted", "dear");
    info.price = serde_json::from_str(price).unwrap();
    let model = Scripted::with(|_, _| {
        let mut usage = Usage::default();
        usage.input_tokens = Some(1_000_000);
        usage.output_tokens = Some(0);
        let mut asked = response(vec![call("", "work")]);
        asked.usage = Some(usage);
        Some(Script::response(asked))
    });
    let mut limits = Limits::default();
    limits.cost = Some(2.5);
    let mut chat = Conversation::new(model.with_info(info))
        .with_tool(counts("work", &Arc::default()))
        .with_limits(limits);
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!((reply.outcome, reply.steps), (Outcome::CostLimit, 3));
    assert_eq!(chat.pending_calls().len(), 1);
    assert!((reply.cost.unwrap().amount - 3.0).abs() < 1e-9);
}

/// Polls a turn so many times, then ends it; `None` once it is over before.
async fn ended_at(poll: usize, by_drop: bool) -> Option<Conversation> {
    let model = Scripted::new([
        answer(vec![
            Part::text("Let me see."),
            call("a", "work"),
            call("b", "write"),
        ])
        .paced(MS),
        Script::text("One two three.").opens_after(MS).paced(MS),
    ]);
    let write = tool_fn("write", "Writes.", |(): (), _| async {}).with_effect(Effect::Changes);
    let mut chat = Conversation::new(model)
        .with_tool(counts("work", &Arc::default()))
        .with_tool(write)
        .with_approver(approve_all());
    let mut run = chat.stream("Go.").unwrap();
    for _ in 0..poll {
        match run.next().now_or_never() {
            Some(Some(event)) => drop(event.unwrap()),
            Some(None) => return None,
            None => tokio::time::advance(MS).await,
        }
    }
    match by_drop {
        true => drop(run),
        false => drop(run.stop()),
    }
    Some(chat)
}

#[tokio::test(start_paused = true)]
async fn ended_at_any_poll_what_had_come_is_kept_and_can_be_sent() {
    let mut longest = 0;
    for by_drop in [true, false] {
        let mut poll = 0;
        let mut kept = 0;
        while let Some(mut chat) = ended_at(poll, by_drop).await {
            let messages = chat.history().messages();
            assert_valid(&messages);
            let size = serde_json::to_string(&messages).unwrap().len();
            assert!(size >= kept || poll < 40, "{poll}: something was lost");
            kept = size;
            let again = Scripted::answering("Go on.");
            chat.set_model(Arc::new(again.clone()));
            chat.send("And then?").await.unwrap();
            assert_valid(&again.requests()[0].messages);
            poll += 1;
        }
        longest = poll.max(longest);
    }
    assert!(longest > 40, "only {longest} polls");
}

#[tokio::test]
async fn what_a_tool_has_done_is_there_while_another_call_waits() {
    let waits = tool_fn("waits", "Waits.", |(): (), _| async move {
        std::future::pending::<()>().await;
        "never"
    });
    let count = Arc::default();
    let model = Scripted::new([answer(vec![call("a", "counts"), call("b", "waits")])]);
    let mut chat = Conversation::new(model)
        .with_tool(counts("counts", &count))
        .with_tool(waits)
        .with_approver(approve_all());
    let mut run = chat.stream("Go.").unwrap();
    loop {
        match run.next().await.unwrap().unwrap() {
            RunEvent::ToolFinished(_) => break,
            RunEvent::Finished(_) => panic!("it ended"),
            _ => {}
        }
    }
    let so_far = run.so_far();
    assert_valid(&so_far.messages);
    run.stop();
    assert_eq!(so_far.messages, chat.history().turns()[0].messages);
    let Part::ToolResult(done) = &so_far.messages[2].parts[0] else {
        panic!("{so_far:?}");
    };
    assert_eq!((done.joined_text().as_str(), done.is_error), ("0", false));
}
