//! What requests came to, through the public interface.

#![allow(clippy::unwrap_used)]

use async_trait::async_trait;
use futures_util::FutureExt;
use parlor_agent::{Conversation, Statistics, Stats, Window};
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Choice, Error, ErrorKind, FinishKind,
    ModelInfo, Part, Price, Result, Usage,
};
use parlor_testkit::{Script, Scripted};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// An answer that consumed a thousand tokens and half as many.
fn answer() -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("fine"));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    let mut usage = Usage::default();
    usage.input_tokens = Some(1000);
    usage.cached_input_tokens = Some(200);
    usage.output_tokens = Some(500);
    usage.reasoning_tokens = Some(100);
    response.usage = Some(usage);
    Script::response(response)
}

fn priced(model: &str) -> ModelInfo {
    let mut info = ModelInfo::new("scripted", model);
    info.price = Some(
        serde_json::from_str::<Price>(
            r#"{"input": 1.0, "output": 2.0, "currency": "EUR", "as_of": "2026-01-01"}"#,
        )
        .unwrap(),
    );
    info
}

fn near(value: f64, wanted: f64) {
    assert!(
        (value - wanted).abs() <= wanted / 32.0,
        "{value} is not near {wanted}"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_cost_and_time_are_counted() {
    let slow = |open: u32| answer().opens_after(MS * open).paced(MS * 10);
    let model = Scripted::new([slow(100), slow(300)]).with_info(priced("a"));
    let mut chat = Conversation::new(model);
    chat.send("1").await.unwrap();
    chat.send("2").await.unwrap();

    let stats = chat.stats();
    let total = &stats.total;
    assert_eq!((total.requests, total.completed), (2, 2));
    assert_eq!(total.usage.input_tokens, Some(2000));
    assert_eq!(total.usage.cached_input_tokens, Some(400));
    assert_eq!(total.usage.output_tokens, Some(1000));
    assert_eq!(total.usage.reasoning_tokens, Some(200));
    assert!((total.cost["EUR"] - 0.004).abs() < 1e-9, "{:?}", total.cost);
    assert_eq!(total.unpriced, 0);
    assert_eq!(total.first_event_ms.count, 2);
    near(total.first_event_ms.p50, 110.0);
    near(total.first_event_ms.p99, 310.0);
    assert!(total.total_ms.min > total.first_event_ms.min);
    assert_eq!(stats.models["scripted/a"], *total);

    let written = serde_json::to_string(&stats).unwrap();
    assert_eq!(serde_json::from_str::<Stats>(&written).unwrap(), stats);
    chat.reset_stats();
    assert_eq!(chat.stats(), Stats::default());
}

#[tokio::test]
async fn failures_and_stops_are_told_apart() {
    let broken = Error::new(ErrorKind::Connection, "reset");
    let model = Scripted::new([
        Script::refuses(Error::new(ErrorKind::RateLimited, "slower")),
        Script::text("One two").cut(3).fails(broken),
        Script::text("One two").cut(3).hangs(),
        answer(),
    ]);
    let mut chat = Conversation::new(model);
    chat.send("1").await.unwrap_err();
    chat.send("2").await.unwrap_err();
    let mut run = chat.stream("3").unwrap();
    while run.next_text().await.unwrap().unwrap() != "One " {}
    drop(run);
    drop(chat.stream("never polled").unwrap());
    chat.send("4").await.unwrap();

    let total = chat.stats().total;
    assert_eq!((total.completed, total.stopped), (1, 1));
    assert_eq!(total.failed, 2);
    assert_eq!(total.errors["rate_limited"], 1);
    assert_eq!(total.errors["connection"], 1);
    assert_eq!(
        total.requests,
        total.completed + total.failed + total.stopped
    );
    assert_eq!(
        total.unpriced, total.completed,
        "the model has no known price"
    );
    assert_eq!(total.usage.input_tokens, Some(1000 * total.completed));
}

#[tokio::test]
async fn several_share_and_each_model_has_its_own() {
    let statistics = Statistics::new();
    let teller = Scripted::with(|_, _| Some(answer())).with_info(priced("teller"));
    for name in ["a", "b"] {
        let model = Scripted::with(|_, _| Some(answer())).with_info(priced(name));
        let window = Window::tokens(40).with_estimate(|it| 10 * it.messages.len() as u64);
        let mut chat = Conversation::new(model)
            .with_statistics(statistics.clone())
            .with_window(window.summarising(teller.clone()));
        for _ in 0..3 {
            chat.send("?").await.unwrap();
        }
    }
    let stats = statistics.stats();
    let counts: Vec<_> = stats
        .models
        .iter()
        .map(|(id, it)| (&**id, it.completed))
        .collect();
    assert_eq!(
        counts,
        [("scripted/a", 3), ("scripted/b", 3), ("scripted/teller", 2)]
    );
    assert_eq!(stats.total.completed, 8);
    assert_eq!(stats.total.usage.output_tokens, Some(4000));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_stopped_while_it_opens_counts() {
    let slow = || answer().opens_after(MS * 50);
    let model = Scripted::new([slow(), slow()]);
    let mut chat = Conversation::new(model.clone());
    let mut run = chat.stream("1").unwrap();
    run.next().await.unwrap().unwrap();
    assert!(run.next().now_or_never().is_none(), "it opens");
    tokio::time::advance(MS * 20).await;
    drop(run);
    let stopper_of = |chat: &mut Conversation| {
        let run = chat.stream("2").unwrap();
        run.stopper().stop();
        run.finish().now_or_never().unwrap().unwrap()
    };
    stopper_of(&mut chat);

    let total = chat.stats().total;
    assert_eq!(
        (total.requests, total.stopped),
        (1, 1),
        "the second was never asked"
    );
    assert_eq!(total.first_event_ms.count, 0);
    assert_eq!(total.total_ms.count, 0, "times are of whole answers");
    assert_eq!((total.unpriced, total.failed), (0, 0));
    assert_eq!(model.exchanges().abandoned, 1);
}

/// A model in whose place another answers, as behind a fallback.
#[derive(Debug)]
struct Behind {
    first: ModelInfo,
    other: Scripted,
}

#[async_trait]
impl ChatModel for Behind {
    fn info(&self) -> &ModelInfo {
        &self.first
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.other.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.other.stream(request).await
    }
}

#[tokio::test]
async fn who_answers_in_anothers_place_is_told_and_paid() {
    let mut other = priced("other");
    other.price = other.price.map(|mut price| {
        price.output = 10.0;
        price
    });
    let model = Behind {
        first: priced("first"),
        other: Scripted::new([answer()]).with_info(other),
    };
    let mut chat = Conversation::new(model);
    let mut run = chat.stream("Hi").unwrap();
    while run
        .next_text()
        .await
        .is_some_and(|it| it.unwrap().is_empty())
    {}
    assert_eq!(run.so_far().model.as_deref(), Some("scripted/other"));
    let reply = run.finish().await.unwrap();
    assert!((reply.cost.unwrap().amount - 0.006).abs() < 1e-9);
    let turn = &chat.history().turns()[0];
    assert_eq!(turn.model.as_deref(), Some("scripted/other"));
    let stats = chat.stats();
    assert_eq!(stats.models.keys().collect::<Vec<_>>(), ["scripted/other"]);
    assert!((stats.total.cost["EUR"] - 0.006).abs() < 1e-9);
}
