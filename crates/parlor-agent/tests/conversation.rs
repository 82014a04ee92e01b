//! Conversations through the public interface: memory, tools, limits, and what is left after each failure.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A tool that does what its arguments say.
struct Does(&'static str, Effect, Arc<AtomicUsize>);

fn does(name: &'static str) -> Does {
    Does(name, Effect::None, Arc::default())
}

#[async_trait]
impl Tool for Does {
    fn definition(&self) -> ToolDefinition {
        let schema = json!({"type": "object", "properties": {"say": {"type": "string"}}});
        ToolDefinition::function(self.0, "Does it.", schema)
    }

    fn effect(&self) -> Effect {
        self.1
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        self.2.fetch_add(1, Ordering::Relaxed);
        match arguments["say"].as_str() {
            Some("panic") => panic!("as told"),
            Some("hang") => std::future::pending().await,
            Some("long") => Ok("x".repeat(10 << 20).into()),
            Some("wrong") => Err(Error::new(ErrorKind::Validation, "`say` says nothing")),
            Some("value") => Ok(context.require::<String>()?.clone().into()),
            Some(wait) if wait.starts_with("wait ") => {
                let millis = wait[5..].parse().unwrap();
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok(wait.to_owned().into())
            }
            Some(say) => Ok(say.to_owned().into()),
            None => Ok("nothing".into()),
        }
    }
}

/// An answer that calls tools.
fn calls(calls: &[(&str, &str, &str)]) -> Script {
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    for (id, name, arguments) in calls {
        let call = ToolCall::new(*id, *name, Arguments::json(*arguments));
        choice.message.parts.push(Part::ToolCall(call));
    }
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    response.choices.push(choice);
    Script::response(response)
}

fn says(say: &str) -> String {
    json!({"say": say}).to_string()
}

/// Every call has one result right after it, and nothing else has one.
fn assert_valid(history: &History) {
    let messages = history.messages();
    for (at, message) in messages.iter().enumerate() {
        assert!(!message.parts.is_empty(), "an empty message");
        let asked: Vec<_> = message.tool_calls().map(|call| call.id.clone()).collect();
        let results = |message: &Message| -> Vec<String> {
            let results = message.parts.iter().map(|part| match part {
                Part::ToolResult(result) => result.call_id.clone(),
                other => panic!("{other:?} among results"),
            });
            results.collect()
        };
        match messages.get(at + 1) {
            Some(next) if next.role == Role::Tool => assert_eq!(results(next), asked),
            _ => assert_eq!(asked, Vec::<String>::new(), "unanswered"),
        }
        assert!(message.role != Role::Tool || messages[at - 1].role == Role::Assistant);
    }
}

fn results(reply: &Reply) -> Vec<String> {
    let parts = reply.messages.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::ToolResult(result) => Some(result.joined_text()),
        _ => None,
    });
    texts.collect()
}

#[tokio::test]
async fn a_conversation_remembers() {
    let model = Scripted::new([Script::text("Hello Ann."), Script::text("Ann.")]);
    let mut chat = Conversation::new(model.clone()).with_system("Be brief.");
    chat.send("I am Ann.").await.unwrap();
    let reply = chat.send("Who am I?").await.unwrap();
    assert_eq!(reply.text(), "Ann.");
    assert_eq!(reply.outcome, Outcome::Finished);
    let sent = &model.requests()[1].messages;
    let roles: Vec<_> = sent.iter().map(|message| message.role).collect();
    use Role::*;
    assert_eq!(roles, [System, User, Assistant, User]);
    assert_eq!(chat.history().turns().len(), 2);

    let json = serde_json::to_string(chat.history()).unwrap();
    let read: History = serde_json::from_str(&json).unwrap();
    assert_eq!(&read, chat.history());

    chat.history_mut().clear();
    assert_eq!(chat.history().messages(), [Message::system("Be brief.")]);
    chat.history_mut().clear_all();
    assert!(chat.history().messages().is_empty());
}

#[tokio::test(start_paused = true)]
async fn calls_run_side_by_side_and_are_answered_in_order() {
    let (slow, quick) = (says("wait 90"), says("wait 10"));
    let model = Scripted::new([
        calls(&[("a", "t", &slow), ("b", "t", &quick), ("c", "t", "")]),
        Script::text("Done."),
    ]);
    let mut chat = Conversation::new(model.clone()).with_tool(does("t"));
    let began = tokio::time::Instant::now();
    let mut told = Vec::new();
    let reply = chat
        .stream_with("Go.", |event| match event {
            RunEvent::StepStarted(step) => told.push(format!("step {step}")),
            RunEvent::ToolStarted(call) => told.push(format!("start {}", call.id)),
            RunEvent::ToolFinished(result) => told.push(format!("finish {}", result.call_id)),
            RunEvent::Finished(_) => told.push("end".to_owned()),
            _ => {}
        })
        .await
        .unwrap();
    assert_eq!(results(&reply), ["wait 90", "wait 10", "nothing"]);
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "one after the other"
    );
    assert_eq!(reply.steps, 2);
    let order = "step 1, start a, start b, start c, finish c, finish b, finish a, step 2, end";
    assert_eq!(told.join(", "), order);
    assert_valid(chat.history());
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_in_a_call_is_told_to_the_model() {
    let model = Scripted::new([
        calls(&[
            ("a", "t", &says("panic")),
            ("b", "t", &says("hang")),
            ("c", "t", &says("long")),
            ("d", "t", &says("wrong")),
            ("e", "t", "{\"say\":"),
            ("f", "gone", "{}"),
            ("g", "t", &says("value")),
        ]),
        Script::text("Well."),
    ]);
    let mut chat = Conversation::new(model).with_tool(does("t"));
    let reply = chat.send("Go.").await.unwrap();
    let results = results(&reply);
    assert!(results[0].contains("failed unexpectedly"), "{}", results[0]);
    assert!(results[1].contains("longer than 60s"), "{}", results[1]);
    assert!(results[2].len() < 140 << 10, "{}", results[2].len());
    assert!(results[2].contains("were left out"));
    assert!(results[3].contains("says nothing") && results[3].contains("\"properties\""));
    assert!(results[4].contains("invalid tool arguments") && results[4].contains("properties"));
    assert!(results[5].contains("no tool `gone`") && results[5].contains("There are: t."));
    assert!(
        results[6].contains("needs a value of type"),
        "{}",
        results[6]
    );
    assert_valid(chat.history());
}

#[tokio::test]
async fn the_same_id_twice_is_told_apart() {
    let model = Scripted::new([
        calls(&[("a", "t", "{}"), ("a", "t", "{}"), ("", "t", "{}")]),
        calls(&[("a", "t", "{}")]),
        Script::text("Done."),
    ]);
    let mut chat = Conversation::new(model).with_tool(does("t"));
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(results(&reply).len(), 4);
    assert_valid(chat.history());
}

#[tokio::test]
async fn a_model_that_calls_for_ever_ends_at_the_limit() {
    let model = Scripted::with(|_, _| Some(calls(&[("", "t", "{}")])));
    let mut chat = Conversation::new(model)
        .with_tool(does("t"))
        .with_limits(Limits::steps(3));
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::StepLimit);
    assert_eq!(reply.steps, 3);
    assert_eq!(chat.pending_calls().len(), 1);
    let reply = chat.resume().unwrap().finish().await.unwrap();
    assert_eq!(reply.outcome, Outcome::StepLimit);
    chat.history_mut().add(Message::user("Enough."));
    assert_valid(chat.history());
}

#[tokio::test]
async fn two_hundred_calls_in_one_answer_are_bounded() {
    let many: Vec<String> = (0..200).map(|at| format!("id{at}")).collect();
    let many: Vec<_> = many.iter().map(|id| (&**id, "t", "{}")).collect();
    let model = Scripted::new([calls(&many), Script::text("Done.")]);
    let tool = does("t");
    let count = tool.2.clone();
    let mut chat = Conversation::new(model).with_tool(tool);
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 64);
    assert_eq!(results(&reply).len(), 200);
    assert_valid(chat.history());
}

#[tokio::test]
async fn nothing_that_changes_anything_runs_unasked() {
    let run = |approver: Option<Approval>| async move {
        let twice = || calls(&[("", "write", "{}"), ("", "write", "{}")]);
        let model = Scripted::new([twice(), twice(), Script::text("Done.")]);
        let tool = Does("write", Effect::Changes, Arc::default());
        let count = tool.2.clone();
        let asked = Arc::new(AtomicUsize::new(0));
        let mut chat = Conversation::new(model).with_tool(tool);
        if let Some(approval) = approver {
            let asked = asked.clone();
            chat = chat.with_approver(approve_with(move |request| {
                assert_eq!(request.call.name, "write");
                asked.fetch_add(1, Ordering::Relaxed);
                approval.clone()
            }));
        }
        let reply = chat.send("Go.").await.unwrap();
        assert_valid(&chat.history().fork(usize::MAX));
        let counts = (asked.load(Ordering::Relaxed), count.load(Ordering::Relaxed));
        (reply.outcome, counts.0, counts.1)
    };
    use Outcome::Finished;
    assert_eq!(run(None).await, (Finished, 0, 0));
    assert_eq!(run(Some(Approval::Allow)).await, (Finished, 4, 4));
    assert_eq!(run(Some(Approval::AllowAlways)).await, (Finished, 1, 4));
    assert_eq!(run(Some(Approval::Deny(None))).await, (Finished, 4, 0));
    assert_eq!(run(Some(Approval::DenyAlways)).await, (Finished, 1, 0));
}

#[tokio::test]
async fn a_call_may_wait_and_go_on_in_another_process() {
    let model = Scripted::new([
        calls(&[("a", "read", &says("hi")), ("b", "write", "{}")]),
        Script::text("Done."),
    ]);
    let tools = |chat: Conversation| {
        chat.with_tool(does("read"))
            .with_tool(Does("write", Effect::Changes, Arc::default()))
    };
    let mut chat =
        tools(Conversation::new(model.clone())).with_approver(approve_with(|_| Approval::Later));
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::Pending);
    assert_eq!(results(&reply), ["hi"]);
    let stored = serde_json::to_string(chat.history()).unwrap();
    drop(chat);

    let history: History = serde_json::from_str(&stored).unwrap();
    let mut chat = tools(Conversation::new(model))
        .with_history(history)
        .with_approver(approve_all());
    assert_eq!(chat.pending_calls()[0].id, "b");
    let reply = chat.resume().unwrap().finish().await.unwrap();
    assert_eq!(reply.outcome, Outcome::Finished);
    assert_eq!(reply.text(), "Done.");
    assert_eq!(chat.history().turns().len(), 1);
    assert_valid(chat.history());
}

#[tokio::test]
async fn the_program_may_answer_calls_itself() {
    let model = Scripted::new([calls(&[("a", "t", "{}")]), Script::text("Done.")]);
    let mut chat = Conversation::new(model)
        .with_tool(does("t"))
        .without_execution();
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::Pending);
    let stray = chat.answer(vec![ToolResult::text("z", "?")]).unwrap_err();
    assert_eq!(stray.kind(), ErrorKind::Validation);
    let run = chat.answer(vec![ToolResult::text("a", "mine")]).unwrap();
    assert_eq!(run.finish().await.unwrap().text(), "Done.");
    assert_valid(chat.history());
}

/// Stops at every event of a turn, by dropping and by the stopper.
#[tokio::test]
async fn stopped_anywhere_the_history_stays_valid() {
    for by_drop in [true, false] {
        for stop_at in 0..40 {
            let model = Scripted::new([
                calls(&[("a", "t", &says("x")), ("b", "t", &says("y"))]),
                Script::text("One two three."),
            ]);
            let mut chat = Conversation::new(model).with_tool(does("t"));
            let mut run = chat.stream("Go.").unwrap();
            let stopper = run.stopper();
            let mut over = false;
            for _ in 0..stop_at {
                over |= run.next().await.transpose().unwrap().is_none();
            }
            if by_drop {
                drop(run);
            } else {
                stopper.stop();
                let reply = run.finish().await.unwrap();
                assert!(over || matches!(reply.outcome, Outcome::Stopped | Outcome::Finished));
            }
            assert_valid(chat.history());
            if stop_at > 0 || !by_drop {
                assert_eq!(chat.history().turns().len(), 1, "{stop_at}");
            }
        }
    }
}

#[tokio::test]
async fn a_partial_answer_stays() {
    let broken = || Error::new(ErrorKind::Connection, "reset");
    let model = Scripted::new([
        Script::text("One two three").cut(3).fails(broken()),
        Script::refuses(broken()),
        Script::text("Better."),
    ]);
    let mut chat = Conversation::new(model);
    let error = chat.send("Count.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let turn = &chat.history().turns()[0];
    assert_eq!(turn.state, TurnState::Interrupted);
    let partial = turn.text();
    assert!(partial.starts_with("One"), "{partial}");

    chat.send("Lost.").await.unwrap_err();
    assert_eq!(
        chat.history().turns().len(),
        1,
        "nothing came, nothing stays"
    );

    let reply = chat.regenerate().unwrap().finish().await.unwrap();
    assert_eq!(reply.text(), "Better.");
    assert_eq!(chat.history().turns().len(), 1);
    assert_eq!(chat.history().turns()[0].text(), "Better.");
}

#[tokio::test]
async fn a_failed_regeneration_keeps_what_was_there() {
    let refused = Script::refuses(Error::new(ErrorKind::Server, "down"));
    let model = Scripted::new([Script::text("First."), refused]);
    let mut chat = Conversation::new(model);
    chat.send("Go.").await.unwrap();
    let before = chat.history().clone();
    chat.regenerate().unwrap().finish().await.unwrap_err();
    assert_eq!(chat.history(), &before);
    drop(chat.regenerate().unwrap());
    assert_eq!(chat.history(), &before);
}

#[tokio::test(start_paused = true)]
async fn time_ends_a_run_as_an_outcome() {
    let model = Scripted::new([Script::text("One two").cut(3).hangs()]);
    let mut limits = Limits::default();
    limits.time = Some(Duration::from_secs(5));
    let mut chat = Conversation::new(model).with_limits(limits);
    let reply = chat.send("Go.").await.unwrap();
    assert_eq!(reply.outcome, Outcome::TimeLimit);
    assert!(reply.text().starts_with("One"));
    assert_eq!(chat.history().turns()[0].state, TurnState::Interrupted);
}

#[tokio::test]
async fn an_empty_message_is_refused_before_it_is_sent() {
    let model = Scripted::answering("Hi");
    let mut chat = Conversation::new(model.clone());
    for empty in ["", " \n"] {
        let error = chat.send(empty).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
    assert!(model.requests().is_empty());
}
