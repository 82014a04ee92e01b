//! Whatever happens in a conversation, what is sent is valid by every dialect's rules.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../parlor-dialect/tests/pairs/rules.rs"]
mod rules;
#[path = "../../../parlor-dialect/tests/pairs/sides.rs"]
#[allow(dead_code, reason = "half of it reads what is written")]
mod sides;
mod story;

use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use proptest::prelude::*;
use serde_json::Value;
use sides::sides;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use story::{Act, How, Step, Story, acts};

/// What is wrong with these messages, by the rules of each dialect.
fn faults(request: &ChatRequest) -> Vec<String> {
    let mut faults = Vec::new();
    for side in sides() {
        match side.write(request) {
            Ok((_, body, _)) => {
                let found = side.faults(&body);
                let name = side.name();
                faults.extend(found.iter().map(|it| format!("{name}: {it}")));
            }
            Err(error) => faults.push(format!("{}: {error}", side.name())),
        }
    }
    faults
}

/// Calls that can't be told apart, in the whole history, or that no host takes back.
fn misnamed(history: &History) -> Vec<String> {
    let messages = history.messages();
    let mut seen = HashSet::new();
    let is_name = |name: &str| {
        let fits = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
        (1..=64).contains(&name.len()) && name.chars().all(fits)
    };
    let wrong = messages
        .iter()
        .flat_map(Message::tool_calls)
        .filter(|call| call.id.is_empty() || !seen.insert(call.id.clone()) || !is_name(&call.name));
    wrong
        .map(|call| format!("{:?} of {:?}", call.id, call.name))
        .collect()
}

/// Tools that do all that tools do.
fn tools(chat: Conversation) -> Conversation {
    let look = tool_fn("look", "Looks.", |say: Option<Value>, _| async move {
        Json(say)
    });
    let write = tool_fn("write", "Writes.", |(): (), _| async move { "written" });
    let image = tool_fn("image", "Shows.", |(): (), _| async move {
        let picture = Media::bytes("image/png", vec![1, 2, 3]);
        vec![Part::text("here"), picture.into()]
    });
    let nothing = tool_fn("nothing", "Gives nothing.", |(): (), _| async move {
        Vec::<Part>::new()
    });
    let panic = tool_fn("panic", "Panics.", |(): (), _| async move {
        if true {
            panic!("as told");
        }
    });
    let hang = tool_fn("hang", "Hangs.", |(): (), _| std::future::pending::<()>());
    chat.with_tool(look)
        .with_tool(write.with_effect(Effect::Changes))
        .with_tool(image)
        .with_tool(nothing)
        .with_tool(panic)
        .with_tool(hang)
}

/// Goes on with a run as long as the story says.
async fn go(run: Result<Run<'_>>, how: How) {
    let Ok(mut run) = run else { return };
    let stopper = run.stopper();
    match how {
        How::ToTheEnd => drop(run.finish().await),
        How::Drops(after) | How::Stops(after) => {
            for _ in 0..after {
                if !matches!(run.next().await, Some(Ok(_))) {
                    break;
                }
            }
            match how {
                How::Stops(_) => {
                    stopper.stop();
                    drop(run.finish().await);
                }
                _ => drop(run),
            }
        }
    }
}

/// Plays a story, and gives the faults of all that was sent and would be sent.
async fn play(story: Story) -> Vec<String> {
    let mut steps: VecDeque<Step> = story.steps.into();
    let model = Scripted::with(move |_, _| {
        let step = steps.pop_front();
        Some(step.map_or_else(|| Script::text("Done."), Step::script))
    });
    let approvals = Arc::new(Mutex::new(VecDeque::from(story.approvals)));
    let approver = approve_with(move |_| {
        let next = approvals.lock().unwrap().pop_front();
        next.unwrap_or(Approval::Allow)
    });
    let mut limits = Limits::steps(4);
    limits.time = Some(Duration::from_secs(600));
    let mut chat = tools(Conversation::new(model.clone()))
        .with_approver(approver)
        .with_limits(limits);
    if story.window {
        let window = Window::tokens(12).with_estimate(|it| 2 * it.messages.len() as u64);
        chat = chat.with_window(window);
    }
    if !story.executes {
        chat = chat.without_execution();
    }
    let mut faults_of_all = Vec::new();
    for act in story.acts {
        match act {
            Act::Say(text, how) => go(chat.stream(&*text), how).await,
            Act::Regenerate(how) => go(chat.regenerate(), how).await,
            Act::Resume(how) => go(chat.resume(), how).await,
            Act::Answer(how) => {
                let waiting = chat.pending_calls();
                let first = waiting.first();
                let results = first.map(|call| ToolResult::text(&*call.id, "mine"));
                let results = results.into_iter().collect();
                go(chat.answer(results), how).await;
            }
            Act::Undo => drop(chat.history_mut().undo()),
            Act::Fork(turns) => *chat.history_mut() = chat.history().fork(turns),
            Act::Store => {
                let stored = serde_json::to_string(chat.history()).unwrap();
                let read: History = serde_json::from_str(&stored).unwrap();
                assert_eq!(&read, chat.history());
            }
            Act::Add(message) => chat.history_mut().add(message),
            Act::System(text) => chat.history_mut().set_system(text),
        }
        faults_of_all.extend(misnamed(chat.history()));
        let mut next = ChatRequest::new(chat.history().messages());
        next.messages.push(Message::user("And then?"));
        next.tools = chat.tools().definitions();
        faults_of_all.extend(faults(&next).into_iter().map(|it| format!("next: {it}")));
    }
    for (at, request) in model.requests().iter().enumerate() {
        let found = faults(request).into_iter();
        faults_of_all.extend(found.map(|it| format!("request {at}: {it}")));
    }
    faults_of_all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn whatever_happens_can_be_sent_to_anyone(story in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let faults = runtime.block_on(play(story));
        prop_assert_eq!(faults, Vec::<String>::new());
    }
}
