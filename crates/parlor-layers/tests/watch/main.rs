//! Hooks, trace and metrics: what they tell of exchanges, and that each is told of once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hooks;
mod metrics;
mod spans;
mod trace;

use fastrand::Rng;
use parlor_core::*;
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn broken() -> Error {
    Error::new(ErrorKind::Server, "broken").with_retry(Retry::Never)
}

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = Some(input);
    usage.output_tokens = Some(output);
    usage
}

/// A whole answer of these words that consumed this.
fn answer(text: &str, usage: Usage) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text(text));
    choice.finish_reason = Some(FinishReason::new(FinishKind::Stop, "end"));
    let mut response = ChatResponse::default();
    response.id = Some("r1".to_owned());
    response.model = Some("script-1".to_owned());
    response.choices.push(choice);
    response.usage = Some(usage);
    response
}

/// A model within the layer that a configuration asks for.
fn by_configuration(name: &str, settings: Value, model: &Scripted) -> Arc<dyn ChatModel> {
    let layer = configured(name, &settings).unwrap();
    let stack = Stack::new().with_configured(layer).build().unwrap();
    model.clone().layer(stack)
}

/// How an exchange went, as its caller saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Whole,
    Failed(ErrorKind),
    Dropped,
}

/// A model that does anything at all at each call.
fn anything(seed: u64) -> Scripted {
    let mut rng = Rng::with_seed(seed);
    Scripted::with(move |_, _| {
        let opening = match rng.u8(0..6) {
            0 => Duration::MAX,
            1 | 2 => MS * rng.u32(1..50),
            _ => Duration::ZERO,
        };
        let error = match rng.bool() {
            true => broken(),
            false => Error::new(ErrorKind::RateLimited, "slow down"),
        };
        let script = match rng.u8(0..5) {
            0 => Script::refuses(error),
            1 => Script::text("one two three")
                .cut(rng.usize(0..6))
                .fails(error),
            2 => Script::text("one two three").cut(rng.usize(0..6)),
            3 => Script::text("one two three").cut(rng.usize(0..6)).hangs(),
            _ => Script::response(answer("one two three", usage(2, 3))),
        };
        let script = match rng.bool() {
            true => script.paced(MS * rng.u32(1..20)),
            false => script,
        };
        Some(script.opens_after(opening))
    })
}

/// One exchange of any kind, dropped at any time or read to its end.
async fn exchange(model: &dyn ChatModel, rng: &mut Rng) -> Seen {
    let patience = MS * rng.u32(0..150);
    let streamed = rng.bool();
    let most = match rng.bool() {
        true => usize::MAX,
        false => rng.usize(0..6),
    };
    let request = ChatRequest::from("Hi");
    let work = async {
        if !streamed {
            return match model.chat(&request).await {
                Ok(_) => Seen::Whole,
                Err(error) => Seen::Failed(error.kind()),
            };
        }
        let mut stream = match model.stream(&request).await {
            Ok(stream) => stream,
            Err(error) => return Seen::Failed(error.kind()),
        };
        for _ in 0..most {
            match stream.next().await {
                Some(Ok(event)) if event.is_terminal() => return Seen::Whole,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Seen::Failed(error.kind()),
                None => unreachable!("a stream ends by an event or an error"),
            }
        }
        Seen::Dropped
    };
    match tokio::time::timeout(patience, work).await {
        Ok(seen) => seen,
        Err(_) => Seen::Dropped,
    }
}

/// The heap allocations of reading an answer of so many words through a layer.
fn allocations(model: &dyn ChatModel) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let measured = allocation_counter::measure(|| {
        runtime.block_on(async {
            let mut stream = model.ask_stream("Hi").await.unwrap();
            while let Some(item) = stream.next().await {
                item.unwrap();
            }
        });
    });
    measured.count_total
}

/// How many allocations a layer adds to an answer of so many words.
fn added(layer: &dyn Layer, words: usize) -> i64 {
    let text = "word ".repeat(words);
    let count = |model: &dyn ChatModel| {
        allocations(model);
        i64::try_from(allocations(model)).unwrap()
    };
    let model = Arc::new(Scripted::answering(text));
    count(&*layer.layer(model.clone())) - count(&*model)
}
