//! What a span tells of an exchange.

use super::spans::{Spans, Told};
use super::*;
use async_trait::async_trait;
use futures_util::FutureExt;
use parlor_layers::trace::{TraceLayer, TracePolicy};
use parlor_testkit::layer_suite;
use std::sync::Mutex;

/// Names of the conventions and of the bridge, besides those of parlor itself.
const NAMES: &[&str] = &["gen_ai.", "otel.", "error.type", "parlor."];

fn traced(model: &Scripted, policy: TracePolicy) -> Arc<dyn ChatModel> {
    model.clone().layer(TraceLayer::new(policy))
}

fn plain(model: &Scripted) -> Arc<dyn ChatModel> {
    traced(model, TracePolicy::default())
}

fn fields<const N: usize>(told: &Told, names: [&str; N]) -> [Option<String>; N] {
    names.map(|name| told.field(name).map(str::to_owned))
}

fn closed(spans: &Spans) -> Told {
    let all = spans.all();
    assert_eq!((all.len(), spans.depth()), (1, 0));
    assert!(all[0].closed, "{:?}", all[0]);
    let strange = |name: &&String| !NAMES.iter().any(|known| name.starts_with(known));
    assert_eq!(all[0].fields.keys().find(strange), None);
    all[0].clone()
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite_heard_or_not() {
    let trace = |inner| TraceLayer::new(TracePolicy::content(true)).layer(inner);
    layer_suite(trace).await;
    let (spans, _guard) = Spans::listen();
    layer_suite(trace).await;
    assert!(spans.all().iter().all(|told| told.closed));
    assert!(spans.all().len() > 50);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_told_by_the_names_of_the_conventions() {
    let (spans, _guard) = Spans::listen();
    let mut used = usage(7, 9);
    used.cached_input_tokens = Some(4);
    used.reasoning_tokens = Some(2);
    let model = Scripted::new([Script::response(answer("Hello", used))]);
    let mut request = ChatRequest::from("Hi")
        .with_temperature(0.5)
        .with_max_output_tokens(64)
        .with_reasoning(Effort::Low)
        .with_output(OutputFormat::Json);
    request.stop = vec!["END".to_owned()];
    request.n = Some(2);
    request.seed = Some(-3);
    plain(&model).chat(&request).await.unwrap();

    let told = closed(&spans);
    let expected = [
        ("otel.name", "chat script"),
        ("otel.kind", "client"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "scripted"),
        ("gen_ai.request.model", "script"),
        ("gen_ai.request.temperature", "0.5"),
        ("gen_ai.request.max_tokens", "64"),
        ("gen_ai.request.stop_sequences", r#"["END"]"#),
        ("gen_ai.request.choice.count", "2"),
        ("gen_ai.request.seed", "-3"),
        ("gen_ai.request.reasoning.level", "low"),
        ("gen_ai.output.type", "json"),
        ("gen_ai.response.id", "r1"),
        ("gen_ai.response.model", "script-1"),
        ("gen_ai.response.finish_reasons", r#"["stop"]"#),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "9"),
        ("gen_ai.usage.cache_read.input_tokens", "4"),
        ("gen_ai.usage.reasoning.output_tokens", "2"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(told.fields, expected.into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_told_until_its_end() {
    let (spans, _guard) = Spans::listen();
    let script = Script::response(answer("Hello", usage(7, 9)));
    let script = script.paced(MS * 250).opens_after(MS * 250);
    let mut stream = plain(&Scripted::new([script]))
        .ask_stream("Hi")
        .await
        .unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(spans.depth(), 0);
    while let Some(item) = stream.next().await {
        let ended = item.unwrap().is_terminal();
        assert_eq!(spans.all()[0].closed, ended);
        if ended {
            break;
        }
    }
    // The reader still holds the stream.
    let told = closed(&spans);
    let names = [
        "gen_ai.request.stream",
        "gen_ai.response.id",
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.usage.output_tokens",
        "gen_ai.response.finish_reasons",
        "parlor.cancelled",
    ];
    let expected = ["true", "r1", "0.5", "9", r#"["stop"]"#].map(|it| Some(it.to_owned()));
    let [a, b, c, d, e] = expected;
    assert_eq!(fields(&told, names), [a, b, c, d, e, None]);
    assert_eq!(told.events, ["first event"]);
    drop(stream);
    closed(&spans);
}

#[tokio::test(start_paused = true)]
async fn failures_and_drops_are_marked() {
    let refused = || broken().with_status(500).with_request_id("req-9");
    let names = ["error.type", "otel.status_code", "parlor.cancelled"];
    let failed = [Some("server".to_owned()), Some("ERROR".to_owned()), None];
    let dropped = [None, None, Some("true".to_owned())];

    let (spans, guard) = Spans::listen();
    let model = plain(&Scripted::new([Script::refuses(refused())]));
    model.ask_stream("Hi").await.unwrap_err();
    let told = closed(&spans);
    assert_eq!(fields(&told, names), failed);
    let names_of_exchange = ["parlor.response.status", "parlor.request.id"];
    let exchange = [Some("500".to_owned()), Some("req-9".to_owned())];
    assert_eq!(fields(&told, names_of_exchange), exchange);
    assert_eq!(told.field("otel.status_description"), None);
    drop(guard);

    let (spans, guard) = Spans::listen();
    let script = Script::text("Hello there").cut(3).fails(broken());
    let stream = plain(&Scripted::new([script])).ask_stream("Hi").await;
    stream.unwrap().response().await.unwrap_err();
    let told = closed(&spans);
    assert_eq!(fields(&told, names), failed);
    let reasons = told.field("gen_ai.response.finish_reasons");
    assert_eq!(reasons, Some(r#"["error"]"#));
    drop(guard);

    for count in 0..4 {
        let (spans, guard) = Spans::listen();
        let script = Script::text("Hello there").cut(count).hangs();
        let mut stream = plain(&Scripted::new([script]))
            .ask_stream("Hi")
            .await
            .unwrap();
        for _ in 0..count {
            stream.next().await.unwrap().unwrap();
        }
        assert!(stream.next().now_or_never().is_none());
        drop(stream);
        assert_eq!(fields(&closed(&spans), names), dropped);
        drop(guard);
    }

    let (spans, _guard) = Spans::listen();
    let never = Script::text("never").opens_after(Duration::MAX);
    let model = plain(&Scripted::new([never]));
    assert!(model.ask_stream("Hi").now_or_never().is_none());
    assert_eq!(fields(&closed(&spans), names), dropped);
}

/// Notes how deep within spans each of its doings is.
#[derive(Debug, Clone)]
struct Depths {
    spans: Spans,
    seen: Arc<Mutex<Vec<(&'static str, usize)>>>,
    info: Arc<ModelInfo>,
}

impl Depths {
    fn note(&self, doing: &'static str) {
        self.seen.lock().unwrap().push((doing, self.spans.depth()));
    }
}

struct Noted(Depths, u8);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note("drop");
    }
}

#[async_trait]
impl ChatModel for Depths {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        self.note("open");
        let events = futures_util::stream::unfold(Noted(self.clone(), 0), |mut it| async {
            it.0.note("poll");
            it.1 += 1;
            Some((Ok(Event::started(None, None, None)), it))
        });
        Ok(ChatStream::new(self.info.clone(), events))
    }
}

#[tokio::test(start_paused = true)]
async fn the_inner_model_works_within_the_span() {
    let (spans, _guard) = Spans::listen();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = Depths {
        spans: spans.clone(),
        seen: seen.clone(),
        info: Arc::new(ModelInfo::new("house", "depths")),
    };
    let model = inner.layer(TraceLayer::default());
    let mut stream = model.ask_stream("Hi").await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    assert_eq!(
        *seen.lock().unwrap(),
        [("open", 1), ("poll", 1), ("drop", 1)]
    );
    closed(&spans);
}

fn messages(told: &Told, name: &str) -> Value {
    serde_json::from_str(told.field(name).expect("content")).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn content_is_told_only_when_asked_for() {
    let call = ToolCall::new("c1", "look", json!({"at": 1}));
    let request = ChatRequest::new([
        Message::system("Be brief."),
        Message::new(Role::Assistant, vec![call.into()]),
        Message::tool_results([ToolResult::text("c1", "a wall")]),
        Message::user("And now?").with(Media::bytes("image/png", vec![1, 2, 3])),
    ]);
    let expected = json!([
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "assistant", "parts":
            [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": 1}}]},
        {"role": "tool", "parts":
            [{"type": "tool_call_response", "id": "c1", "response": "a wall"}]},
        {"role": "user", "parts": [
            {"type": "text", "content": "And now?"},
            {"type": "parlor.bytes", "modality": "image", "mime_type": "image/png", "length": 3},
        ]},
    ]);
    let said = json!([
        {"role": "assistant", "parts": [{"type": "text", "content": "A secret"}],
            "finish_reason": "stop"},
    ]);
    let model = Scripted::with(|_, _| Some(Script::response(answer("A secret", usage(1, 1)))));
    for streamed in [false, true] {
        for content in [false, true] {
            let (spans, _guard) = Spans::listen();
            let model = traced(&model, TracePolicy::content(content));
            match streamed {
                true => {
                    let stream = model.stream(&request).await.unwrap();
                    stream.response().await.unwrap();
                }
                false => drop(model.chat(&request).await.unwrap()),
            }
            let told = closed(&spans);
            if content {
                assert_eq!(messages(&told, "gen_ai.input.messages"), expected);
                assert_eq!(messages(&told, "gen_ai.output.messages"), said);
            } else {
                let all = format!("{told:?}");
                assert!(!all.contains("brief") && !all.contains("secret"), "{all}");
            }
        }
    }
}

#[tokio::test]
async fn a_configuration_can_ask_for_it() {
    let (spans, _guard) = Spans::listen();
    let names = json!({"scripted": "house.ai"});
    let settings = json!({"content": true, "provider_names": names});
    let model = by_configuration("trace", settings, &Scripted::answering("Hello"));
    model.ask("Hi").await.unwrap();
    let told = closed(&spans);
    assert_eq!(told.field("gen_ai.provider.name"), Some("house.ai"));
    assert_eq!(messages(&told, "gen_ai.input.messages")[0]["role"], "user");
}

#[tokio::test(start_paused = true)]
async fn content_is_bounded_and_stays_json() {
    let long = "ä".repeat(100_000);
    let mut policy = TracePolicy::content(true);
    policy.content_limit = 501;
    let history: Vec<Message> = (0..500).map(|_| Message::user("earlier")).collect();
    let request = ChatRequest::new(history).with_message(Message::user(long.as_str()));
    let (spans, _guard) = Spans::listen();
    let model = traced(&Scripted::answering(long), policy);
    model.chat(&request).await.unwrap();
    let told = closed(&spans);
    for name in ["gen_ai.input.messages", "gen_ai.output.messages"] {
        assert!(told.field(name).unwrap().len() < 700);
        let told = messages(&told, name);
        let text = told[0]["parts"][0]["content"].as_str().unwrap();
        assert!(text.starts_with("ää") && text.ends_with("ä…"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_each_span_closes_once_with_its_outcome() {
    for seed in 0..200 {
        let rng = &mut Rng::with_seed(seed);
        let (spans, _guard) = Spans::listen();
        let policy = TracePolicy::content(rng.bool());
        let model = traced(&anything(seed), policy);
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(exchange(&*model, rng).await);
        }
        assert_eq!(spans.depth(), 0);
        // An exchange that was dropped before its first poll never began.
        let told = spans.all();
        assert_eq!(told.len(), seen.len(), "seed {seed}");
        for (told, seen) in told.iter().zip(seen) {
            assert!(told.closed, "seed {seed}: {told:?}");
            let (failed, cancelled) = match seen {
                Seen::Whole => (None, None),
                Seen::Failed(kind) => (Some(kind.as_str()), None),
                Seen::Dropped => (None, Some("true")),
            };
            assert_eq!(told.field("error.type"), failed, "seed {seed}: {told:?}");
            assert_eq!(told.field("parlor.cancelled"), cancelled, "seed {seed}");
        }
    }
}

#[test]
fn without_a_listener_nothing_is_added() {
    let layer = TraceLayer::new(TracePolicy::content(true));
    // The future of the layer; the pointer to its inner model adds none.
    assert_eq!((added(&layer, 10), added(&layer, 2000)), (1, 1));
}

#[test]
fn an_event_costs_no_allocation() {
    let (_spans, _guard) = Spans::listen();
    let layer = TraceLayer::default();
    let (short, long) = (added(&layer, 10), added(&layer, 2000));
    // What the listener keeps grows now and then, whatever the answer's length.
    assert!((long - short).abs() < 10, "{short} and {long}");
}
