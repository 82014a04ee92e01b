//! Answers that break at every place, and what readers see of them.

#[path = "../common/mod.rs"]
mod common;

use super::prefilling;
use common::{Ended, RUNS, all_came_up, consume, millis, runs};
use fastrand::Rng;
use parlor_core::*;
use parlor_layers::resume::{ResumeLayer, ResumeMode, ResumePolicy};
use parlor_testkit::{Script, Scripted};
use std::sync::{Arc, Mutex};

/// An answer in which no eight characters stand twice in a row, of words of one
/// to four bytes a character.
fn answer(rng: &mut Rng) -> String {
    let words = rng.usize(1..60);
    let word = |number: usize| match number % 4 {
        0 => format!("größe{number} "),
        1 => format!("天{number}空\n"),
        2 => format!("w{number}, "),
        _ => format!("🙂{number}  \n\n"),
    };
    (0..words).map(word).collect()
}

/// What the model tells of one attempt.
#[derive(Default)]
struct Told {
    usage: Usage,
    attempts: u32,
    /// Whether no attempt breaks right after its text's end. A partial answer
    /// doesn't say whether its last part had ended, a stream does.
    open_to_the_end: bool,
}

/// The rest of the answer as a script that may break anywhere, by any error.
fn attempt(rng: &mut Rng, whole: &str, said: &str, told: &mut Told) -> Script {
    told.attempts += 1;
    let rest = whole
        .strip_prefix(said)
        .expect("what was said is the answer's");
    let mut from = whole.len() - rest.len();
    if !said.is_empty() && rng.bool() {
        // What was said last is said again, or all of it.
        let back = rng.usize(8..80);
        from = said.char_indices().rev().nth(back).map_or(0, |it| it.0);
        if said[from..].chars().count() < 8 {
            from = said.len();
        }
    }
    let mut events = vec![Event::started(None, None, None)];
    let mut usage = Usage::default();
    usage.input_tokens = Some(rng.u64(1..100));
    if rng.bool() {
        told.usage.add(&usage);
        let usage = Box::new(usage.clone());
        events.push(Event::Usage { usage });
    } else {
        usage = Usage::default();
    }
    events.push(Event::part_started(0, 0, PartKind::Text));
    let mut characters = whole[from..].chars().peekable();
    while characters.peek().is_some() {
        let text: String = characters.by_ref().take(rng.usize(1..12)).collect();
        let (choice, part, text) = (0, 0, text.into());
        events.push(Event::TextDelta { choice, part, text });
    }
    events.push(Event::part_finished(0, 0));
    events.push(Event::finished(0, FinishKind::Stop.into()));
    let total = (usage != Usage::default()).then(|| Box::new(usage.clone()));
    events.push(Event::completed(total));
    let length = events.len();
    // A break before the usage tells none.
    let cut = match rng.u8(0..4) {
        0 => length,
        _ => match rng.usize(2..length) {
            closed if closed == length - 2 && told.open_to_the_end => closed - 1,
            cut => cut,
        },
    };
    let script = Script::new().events(events).cut(cut);
    let script = match rng.bool() {
        true => script.paced(millis(rng, 100)),
        false => script,
    };
    let script = script.opens_after(millis(rng, 1000));
    match (cut == length, rng.u8(0..8)) {
        (true, _) => script,
        (false, 0) => script,
        (false, 1) => script.fails(Error::new(ErrorKind::ContentFiltered, "no")),
        (false, 2) => {
            let wait = Some(millis(rng, 5000));
            let busy = Error::new(ErrorKind::Overloaded, "busy");
            script.fails(busy.with_retry(Retry::Later(wait)))
        }
        (false, 3) => script.fails(Error::new(ErrorKind::Server, "broken")),
        (false, _) => script.fails(Error::new(ErrorKind::Connection, "reset")),
    }
}

/// A model that says one answer, from wherever it is asked to.
fn teller(seed: u64, whole: String, told: Arc<Mutex<Told>>) -> Scripted {
    let mut rng = Rng::with_seed(seed);
    Scripted::with(move |_, request| {
        let said = request
            .messages
            .iter()
            .find(|it| it.role == Role::Assistant);
        let said = said.map(Message::text).unwrap_or_default();
        let mut told = told.lock().unwrap();
        Some(attempt(&mut rng, &whole, &said, &mut told))
    })
}

fn layer(seed: u64) -> ResumeLayer {
    let mut policy = ResumePolicy::attempts((seed % 5) as u32);
    if seed.is_multiple_of(2) {
        policy.mode = ResumeMode::Ask;
    }
    ResumeLayer::new(policy)
}

fn model(seed: u64, rng: &mut Rng) -> (Scripted, String, Arc<Mutex<Told>>) {
    let whole = answer(rng);
    let told = Arc::<Mutex<Told>>::default();
    let model = teller(seed, whole.clone(), told.clone());
    let info = match seed % 2 {
        0 => ModelInfo::new("house", "model"),
        _ => prefilling(),
    };
    (model.with_info(info), whole, told)
}

#[tokio::test(start_paused = true)]
async fn every_character_once_wherever_it_breaks() {
    let (mut dropped, mut went_on, mut gave_up, mut alone) = (0, 0, 0, 0);
    runs(RUNS, async |rng| {
        let seed = rng.u64(..);
        let (model, whole, told) = model(seed, rng);
        let layered = layer(seed).layer(Arc::new(model.clone()));
        let seen = consume(&*layered, "tell", rng, || {}).await;
        let text: String = seen.events.iter().filter_map(Event::text).collect();
        assert!(whole.starts_with(&text), "{whole:?} is not {text:?}");
        let notices = seen.events.iter().filter(|it| match it {
            Event::Warning { warning } => warning.setting == "resume",
            _ => false,
        });
        let notices = notices.count();
        let told = told.lock().unwrap();
        assert!(told.attempts <= 1 + (seed % 5) as u32);
        assert!(notices < told.attempts.max(1) as usize);
        assert_eq!(model.exchanges().open, 0);
        let usage = (told.usage != Usage::default()).then(|| told.usage.clone());
        match seen.ended {
            Ended::Dropped => dropped += 1,
            Ended::Whole => {
                assert_eq!(text, whole);
                let Some(Event::Completed { usage: summed, .. }) = seen.events.last() else {
                    panic!("{:?}", seen.events);
                };
                assert_eq!(summed.as_deref().cloned(), usage);
                match told.attempts {
                    1 => alone += 1,
                    _ => went_on += 1,
                }
            }
            Ended::Failed(error) => {
                let partial = error.partial().unwrap();
                assert_eq!(partial.text(), text);
                assert!(partial.interrupted);
                gave_up += 1;
            }
        }
    })
    .await;
    all_came_up(&[
        ("dropped", dropped),
        ("went on", went_on),
        ("gave up", gave_up),
        ("alone", alone),
    ]);
}

#[tokio::test(start_paused = true)]
async fn calls_give_what_streams_give() {
    let (mut whole_ones, mut failed) = (0, 0);
    runs(RUNS, async |rng| {
        let seed = rng.u64(..);
        let at = rng.clone();
        let (called, whole, told) = model(seed, &mut at.clone());
        let (streamed, _, told_too) = model(seed, &mut at.clone());
        for told in [told, told_too] {
            told.lock().unwrap().open_to_the_end = true;
        }
        let layer = layer(seed);
        let call = layer.layer(Arc::new(called.clone())).ask("tell").await;
        let stream = layer.layer(Arc::new(streamed)).ask_stream("tell").await;
        let collected = match stream {
            Ok(stream) => stream.response().await,
            Err(error) => Err(error),
        };
        assert_eq!(called.exchanges().open, 0);
        match (call, collected) {
            (Ok(call), Ok(collected)) => {
                assert_eq!(call.text(), whole);
                assert_eq!(call.text(), collected.text());
                assert_eq!(call.usage, collected.usage);
                whole_ones += 1;
            }
            (Err(call), Err(collected)) => {
                assert_eq!(call.kind(), collected.kind());
                assert_eq!(call.retry(), collected.retry());
                let text = |it: &Error| it.partial().map(ChatResponse::text);
                assert_eq!(text(&call), text(&collected));
                failed += 1;
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    all_came_up(&[("whole", whole_ones), ("failed", failed)]);
}
