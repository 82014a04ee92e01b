//! Models that fail at random, and what a consumer sees of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests"
)]

use fastrand::Rng;
use futures_util::FutureExt;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How many random runs a test makes.
pub const RUNS: u64 = 4000;

pub fn millis(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.u64(0..=most))
}

pub fn error(rng: &mut Rng) -> Error {
    let delay = millis(rng, 2000);
    let later = Retry::Later(Some(delay));
    match rng.u8(0..10) {
        0 => Error::new(ErrorKind::Authentication, "no key"),
        1 => Error::new(ErrorKind::RateLimited, "slow down")
            .with_retry(Retry::Later(Some(delay * 100))),
        2 => Error::new(ErrorKind::Overloaded, "busy").with_retry(Retry::Exhausted),
        3 => Error::new(ErrorKind::Overloaded, "busy").with_retry(later),
        4 => Error::new(ErrorKind::Connection, "reset"),
        5 => Error::new(ErrorKind::InvalidRequest, "what?"),
        _ => Error::new(ErrorKind::Server, "broken"),
    }
}

/// The words of an answer, which no other answer says.
pub fn words(label: impl Display) -> String {
    (0..6).map(|word| format!("{label}:{word} ")).collect()
}

/// The events of that answer.
pub fn whole(label: impl Display) -> Vec<Event> {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text(words(label)));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response.into_events()
}

/// An answer that fails more often than not, in every way and at every place.
pub fn script(rng: &mut Rng, label: impl Display) -> Script {
    saying(rng, &words(label))
}

/// The same with a text of its own.
pub fn saying(rng: &mut Rng, text: &str) -> Script {
    let opening = match rng.u8(0..10) {
        0 => Duration::MAX,
        1..4 => millis(rng, 8000),
        _ => Duration::ZERO,
    };
    if rng.u8(0..3) == 0 {
        return Script::refuses(error(rng)).opens_after(opening);
    }
    let whole = Script::text(text);
    let cut = match rng.u8(0..3) {
        0 => whole,
        1 => whole.cut(0),
        _ => whole.cut(rng.usize(0..=9)),
    };
    let script = match rng.u8(0..3) {
        0 => cut,
        1 => cut.paced(millis(rng, 6000)),
        _ => cut.paced(millis(rng, 500)),
    };
    let script = script.opens_after(opening);
    match rng.u8(0..4) {
        0 => script.fails(error(rng)),
        1 => script.wait(millis(rng, 8000)).fails(error(rng)),
        2 => script.hangs(),
        _ => script,
    }
}

/// The events with the text of neighbouring deltas joined.
pub fn joined(events: &[Event]) -> (Vec<Event>, String) {
    let rest = events.iter().filter(|it| it.text().is_none()).cloned();
    let text = events.iter().filter_map(Event::text).collect();
    (rest.collect(), text)
}

/// How many exchanges the models have going.
pub fn open(models: &[Scripted]) -> usize {
    models.iter().map(|it| it.exchanges().open).sum()
}

/// How an exchange ended for its consumer.
#[derive(Debug)]
pub enum Ended {
    /// The consumer lost its patience.
    Dropped,
    /// The answer came whole.
    Whole,
    /// It broke off, or nothing came of it.
    Failed(Error),
}

/// What a consumer saw.
#[derive(Debug)]
pub struct Seen {
    pub events: Vec<Event>,
    /// Who answered, once the stream was open.
    pub info: Option<ModelInfo>,
    pub ended: Ended,
}

impl Seen {
    /// Holds what was seen to an answer: nothing twice, nothing lost.
    #[track_caller]
    pub fn is_of(&self, label: impl Display) {
        let (rest, text) = joined(&self.events);
        let (whole_rest, whole_text) = joined(&whole(label));
        assert!(whole_text.starts_with(&text), "{text}");
        assert!(whole_rest.starts_with(&rest), "{rest:?}");
        match &self.ended {
            Ended::Dropped => {}
            Ended::Whole => assert_eq!((rest, text), (whole_rest, whole_text)),
            Ended::Failed(error) => {
                let partial = error.partial().map(ChatResponse::text).unwrap_or_default();
                assert_eq!(partial, text, "{error:?}");
            }
        }
    }
}

/// How somebody reads a stream.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How long after the call they leave.
    pub patience: Duration,
    /// How long they take for each event.
    pub pause: Duration,
}

impl Manner {
    /// Patient and quick.
    pub const PROMPT: Self = Self {
        patience: Duration::MAX,
        pause: Duration::ZERO,
    };

    /// Patient or not, at some pace.
    pub fn random(rng: &mut Rng) -> Self {
        let patience = match rng.bool() {
            true => Duration::MAX,
            false => millis(rng, 20_000),
        };
        let pause = match rng.u8(0..4) {
            0 => millis(rng, 3000),
            _ => Duration::ZERO,
        };
        Self { patience, pause }
    }
}

/// Reads a stream as some consumer does. `each` is called after each event.
pub async fn consume(
    model: &dyn ChatModel,
    request: &str,
    rng: &mut Rng,
    each: impl FnMut(),
) -> Seen {
    consume_like(model, &request.into(), Manner::random(rng), each).await
}

/// Reads a stream in this manner.
pub async fn consume_like(
    model: &dyn ChatModel,
    request: &ChatRequest,
    manner: Manner,
    mut each: impl FnMut(),
) -> Seen {
    let Manner { patience, pause } = manner;
    let mut seen = Seen {
        events: Vec::new(),
        info: None,
        ended: Ended::Dropped,
    };
    let consumer = async {
        let mut grammar = Grammar::new();
        let mut stream = match model.stream(request).await {
            Ok(stream) => stream,
            Err(error) => {
                seen.ended = Ended::Failed(error);
                return;
            }
        };
        seen.info = Some(stream.info().clone());
        let mut failed = None;
        while let Some(item) = stream.next().await {
            grammar.check(&item).unwrap();
            match item {
                Ok(event) => {
                    seen.events.push(event);
                    each();
                }
                Err(error) => failed = Some(error),
            }
            tokio::time::sleep(pause).await;
        }
        grammar.finish().unwrap();
        seen.ended = failed.map_or(Ended::Whole, Ended::Failed);
    };
    let _ = timeout(patience, consumer).await;
    seen
}

/// Makes the random runs and says which one failed.
pub async fn runs(count: u64, mut each: impl AsyncFnMut(&mut Rng)) {
    for seed in 0..count {
        let rng = &mut Rng::with_seed(seed);
        let outcome = AssertUnwindSafe(each(rng)).catch_unwind().await;
        assert!(outcome.is_ok(), "seed {seed} failed, see above");
    }
}

/// Holds a tally to this: every way to end came up, or the runs show nothing.
#[track_caller]
pub fn all_came_up(tally: &[(&str, u64)]) {
    for (name, times) in tally {
        assert!(*times > 50, "{name}: {times}");
    }
}

/// Scripted models named `m0`, `m1` and so on.
pub fn named(model: Scripted, number: usize) -> Scripted {
    model.with_info(ModelInfo::new("house", format!("m{number}")))
}

/// Those models as layers take them.
pub fn shared(models: &[Scripted]) -> Vec<Arc<dyn ChatModel>> {
    let shared = |it: &Scripted| Arc::new(it.clone()) as Arc<dyn ChatModel>;
    models.iter().map(shared).collect()
}
