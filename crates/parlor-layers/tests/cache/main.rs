//! The cache layer: what it gives again, what it never keeps, and what it costs.

#![cfg(feature = "cache")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod key;
mod policy;
mod store;

use futures_util::FutureExt;
use parlor_core::*;
use parlor_layers::cache::{CacheLayer, CacheNotice, CachePolicy};
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy(set: impl FnOnce(&mut CachePolicy)) -> CachePolicy {
    let mut policy = CachePolicy::default();
    set(&mut policy);
    policy
}

fn cached(model: &Scripted, set: impl FnOnce(&mut CachePolicy)) -> Arc<dyn ChatModel> {
    model.clone().layer(CacheLayer::new(policy(set)))
}

/// A part of every kind, with everything that may hang on it.
fn rich() -> ChatResponse {
    let native = |item| json!({"origin": {"provider": "p", "dialect": "d"}, "item": item});
    let answer = json!({
        "id": "r1", "provider": "scripted", "model": "m", "created": 5,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "parts": [
                {"type": "reasoning", "text": "hm", "native": native(json!({"signature": "s"}))},
                {"type": "text", "text": "Hi", "citations": [{"url": "https://example.org", "start": 0}]},
                {"type": "text", "text": "", "native": native(json!({"signature": "t"}))},
                {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "tool_call", "id": "c2", "name": "g", "executor": "provider"},
                {"type": "tool_result", "call_id": "c2", "parts": [{"type": "text", "text": "so"}]},
                {"type": "media", "kind": "image", "source": {"bytes": "iVA="}, "media_type": "image/png"},
                {"type": "source", "url": "https://example.org"},
                {"type": "native", "origin": {"provider": "p", "dialect": "d"}, "item": [1, null]},
                {"type": "refusal", "text": "no"}
            ]}, "finish_reason": {"kind": "tool_calls", "raw": "stop"},
             "logprobs": {"content": [{"token": "Hi", "logprob": -0.25}]}},
            {"index": 1, "message": {"role": "assistant", "parts": [{"type": "text", "text": "Ho"}]},
             "finish_reason": {"kind": "stop"}}
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2, "raw": {"total": 3}},
        "warnings": [{"kind": "coerced", "setting": "seed", "message": "rounded"}],
        "native": [native(json!({"x": 1}))]
    });
    let answer: ChatResponse = serde_json::from_value(answer).unwrap();
    // Played once, so that native items carry their seals.
    let info = Arc::new(ModelInfo::new("scripted", "script"));
    let played = ChatStream::of_response(info, answer).response();
    played.now_or_never().unwrap().unwrap()
}

fn said(text: &str, kind: FinishKind) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text(text));
    choice.finish_reason = Some(kind.into());
    let mut answer = ChatResponse::default();
    answer.choices.push(choice);
    answer
}

/// Asks by `chat` or by a stream that is held to the grammar.
async fn ask(model: &dyn ChatModel, streamed: bool, request: &ChatRequest) -> Result<ChatResponse> {
    if !streamed {
        return model.chat(request).await;
    }
    let mut stream = model.stream(request).await?;
    let at_first = stream.metadata().reused;
    let mut grammar = Grammar::new();
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        item?;
    }
    grammar.finish().unwrap();
    let answer = stream.stop();
    assert_eq!(answer.metadata.reused.is_some(), at_first.is_some());
    Ok(answer)
}

#[tokio::test(start_paused = true)]
async fn a_hit_is_the_answer_as_it_was_however_it_was_and_is_asked_for() {
    for (first, again) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut metadata = ResponseMetadata::default();
        metadata.request_id = Some("req-1".to_owned());
        metadata.latency.total_ms = Some(7);
        let model = Scripted::new([Script::response(rich()).metadata(metadata)]);
        let cached = cached(&model, |_| {});
        let request = ChatRequest::from("Hi");
        let mut original = ask(&*cached, first, &request).await.unwrap();
        let mut hit = ask(&*cached, again, &request).await.unwrap();
        assert!(matches!(hit.metadata.reused, Some(Reused::Cache { .. })));
        assert_eq!(original.metadata.reused, None);
        assert_eq!(hit.metadata.request_id.as_deref(), Some("req-1"));
        assert_eq!(hit.metadata.latency, Latency::default());
        original.metadata = ResponseMetadata::default();
        hit.metadata = ResponseMetadata::default();
        assert_eq!(hit, original);
        assert_eq!(hit, rich());
        assert_eq!(model.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_whole_is_never_kept() {
    use FinishKind::*;
    let whole = || said("Hello", Stop);
    let mut unknown = whole();
    unknown.choices[0].finish_reason = None;
    let mut second_cut = whole();
    second_cut.choices.push(Choice::new(1));
    second_cut.choices[1].message.parts.push(Part::text("Ho"));
    let mut silent = whole();
    silent.choices[0].message.parts.clear();
    let mut cut_call = whole();
    let call = ToolCall::new("c1", "f", Arguments::cut("{}"));
    cut_call.choices[0].message.parts.push(call.into());
    let mut bad_call = said("", ToolCalls);
    let call = ToolCall::new("c1", "f", Arguments::json("{\"a\":"));
    bad_call.choices[0].message.parts.push(call.into());

    let mut answers = vec![unknown, second_cut, silent, cut_call, bad_call];
    answers.push(ChatResponse::default());
    for kind in [
        Length,
        ContentFilter,
        Refusal,
        Pause,
        FinishKind::Error,
        Other,
    ] {
        answers.push(said("Hello", kind));
    }
    for answer in answers {
        // A stream that is complete has finished all its choices.
        let finished = |it: &Choice| it.finish_reason.is_some();
        let streams = answer.choices.iter().all(finished);
        for streamed in [false, true].into_iter().take(1 + usize::from(streams)) {
            let script = || Script::response(answer.clone());
            let model = Scripted::new([script(), script()]);
            let cached = cached(&model, |_| {});
            for _ in 0..2 {
                let again = ask(&*cached, streamed, &"Hi".into()).await.unwrap();
                assert_eq!(again.metadata.reused, None, "{answer:?}");
            }
            assert_eq!(model.requests().len(), 2, "{answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn neither_errors_nor_broken_answers_are_kept() {
    let broken = || parlor_core::Error::new(ErrorKind::Server, "broke off");
    for streamed in [false, true] {
        let model = Scripted::new([
            Script::refuses(broken()),
            Script::text("Hello there").cut(3).fails(broken()),
            Script::text("Hello there").cut(3),
            Script::text("Hello there"),
        ]);
        let cached = cached(&model, |_| {});
        for _ in 0..3 {
            ask(&*cached, streamed, &"Hi".into()).await.unwrap_err();
        }
        for _ in 0..2 {
            let answer = ask(&*cached, streamed, &"Hi".into()).await.unwrap();
            assert_eq!(answer.text(), "Hello there");
        }
        assert_eq!(model.requests().len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_left_keeps_nothing() {
    let model = Scripted::answering("Hello there");
    let cached = cached(&model, |_| {});
    // Started, PartStarted, two deltas, PartFinished, Finished, and not Completed.
    for read in 0..=6 {
        let mut stream = cached.ask_stream("Hi").await.unwrap();
        assert_eq!(stream.metadata().reused, None);
        for _ in 0..read {
            stream.next().await.unwrap().unwrap();
        }
        drop(stream);
    }
    assert_eq!(model.exchanges().abandoned, 7);
    cached
        .ask_stream("Hi")
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    let hit = cached.ask("Hi").await.unwrap();
    assert!(hit.metadata.reused.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_answer_lives_for_its_time() {
    let model = Scripted::answering("Hello");
    let cached = cached(&model, |it| it.ttl = Some(SECOND * 60));
    for (wait, asked) in [(0, 1), (59, 1), (1, 2), (59, 2), (3600, 3)] {
        tokio::time::sleep(SECOND * wait).await;
        cached.ask("Hi").await.unwrap();
        assert_eq!(model.requests().len(), asked, "after {wait} more seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn long_answers_are_passed_by() {
    for streamed in [false, true] {
        let model = Scripted::with(|_, request| Some(Script::text(&request.messages[0].text())));
        let cached = cached(&model, |it| it.max_answer_bytes = 2000);
        for (words, asked) in [(100, 1), (1000, 3)] {
            let request = ChatRequest::from("word ".repeat(words));
            for _ in 0..2 {
                let answer = ask(&*cached, streamed, &request).await.unwrap();
                assert_eq!(answer.text().len(), words * 5);
            }
            assert_eq!(model.requests().len(), asked);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_raw_body_comes_from_the_model_only() {
    let mut answer = said("Hello", FinishKind::Stop);
    answer.raw = Some(json!({"body": 1}));
    let model = Whole(answer).layer(CacheLayer::default());
    let mut raw = ChatRequest::from("Hi");
    raw.include_raw = true;
    for _ in 0..2 {
        let answer = model.chat(&raw).await.unwrap();
        assert_eq!(answer.raw, Some(json!({"body": 1})));
    }
    let hit = model.ask("Hi").await.unwrap();
    assert!(hit.raw.is_none() && hit.metadata.reused.is_some());
}

/// Answers whole, as it is told.
#[derive(Debug)]
struct Whole(ChatResponse);

#[async_trait::async_trait]
impl ChatModel for Whole {
    fn info(&self) -> &ModelInfo {
        static INFO: std::sync::OnceLock<ModelInfo> = std::sync::OnceLock::new();
        INFO.get_or_init(|| ModelInfo::new("house", "whole"))
    }
    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse> {
        Ok(self.0.clone())
    }
    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        Ok(ChatStream::of_response(
            Arc::new(self.info().clone()),
            self.0.clone(),
        ))
    }
}

#[tokio::test(start_paused = true)]
async fn the_provider_that_answered_is_kept_too() {
    let mut answer = said("Hello", FinishKind::Stop);
    answer.provider = "the other one".to_owned();
    for streamed in [false, true] {
        let model = Whole(answer.clone()).layer(CacheLayer::default());
        ask(&*model, streamed, &"Hi".into()).await.unwrap();
        for streamed in [false, true] {
            let hit = ask(&*model, streamed, &"Hi".into()).await.unwrap();
            assert!(hit.metadata.reused.is_some());
            assert_eq!(hit.provider, "the other one");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_told_and_a_cache_keeps_no_answer_of_another() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = |name: &'static str| {
        let told = told.clone();
        CacheLayer::default().on_notice(move |notice| {
            let what = match notice {
                CacheNotice::Hit { .. } => "hit",
                CacheNotice::Missed { .. } => "missed",
                CacheNotice::Kept { .. } => "kept",
                _ => "failed",
            };
            told.lock().unwrap().push(format!("{name} {what}"));
        })
    };
    let inner = Scripted::answering("Hello").layer(telling("inner"));
    inner.ask("Hi").await.unwrap();
    let outer = inner.layer(telling("outer"));
    for streamed in [false, true] {
        ask(&*outer, streamed, &"Hi".into()).await.unwrap();
    }
    assert_eq!(
        *told.lock().unwrap(),
        [
            "inner missed",
            "inner kept",
            "outer missed",
            "inner hit",
            "outer missed",
            "inner hit"
        ]
    );
}
