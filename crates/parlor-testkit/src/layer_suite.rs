//! What any layer must keep, as one call in its tests.

use crate::{Script, Scripted};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join, join_all};
use parlor_core::{
    ChatModel, ChatModelExt, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event,
    Grammar, ModelInfo, ResponseMetadata, Retry,
};
use std::sync::Arc;
use std::time::Duration;

type Wrap<'a> = &'a dyn Fn(Arc<dyn ChatModel>) -> Arc<dyn ChatModel>;
type Case = for<'a> fn(Wrap<'a>) -> LocalBoxFuture<'a, Result<(), String>>;

const CASES: &[(&str, Case)] = &[
    ("wrapping asks nothing and keeps the info", |it| {
        keeps_info(it).boxed_local()
    }),
    ("the request passes unchanged, once", |it| {
        passes_the_request(it).boxed_local()
    }),
    ("every event passes once and in order", |it| {
        passes_events(it).boxed_local()
    }),
    ("a call equals its collected stream", |it| {
        calls_equal_streams(it).boxed_local()
    }),
    ("facts about the exchange pass", |it| {
        passes_metadata(it).boxed_local()
    }),
    ("a failed opening keeps its error", |it| {
        keeps_errors(it).boxed_local()
    }),
    ("a broken stream keeps its error and partial", |it| {
        keeps_partials(it).boxed_local()
    }),
    ("a broken call keeps its error and partial", |it| {
        keeps_call_partials(it).boxed_local()
    }),
    ("dropping a stream cancels it", |it| {
        cancels_streams(it).boxed_local()
    }),
    ("dropping a call or an opening cancels it", |it| {
        cancels_calls(it).boxed_local()
    }),
    ("exchanges at the same time don't mix", |it| {
        keeps_apart(it).boxed_local()
    }),
];

/// How long a case may take; none waits for more than milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every case that any layer must pass, around scripted models.
///
/// A layer passes on what it doesn't change on purpose: the info, the request,
/// every event once and in order, errors with their kind, advice, source and
/// partial; it calls once where the model's answer leaves no reason to call
/// again (these errors say [`Retry::Never`] or come after content); and it
/// drops the inner call or stream when its own is dropped. Its stream may open
/// as late as with the first event.
///
/// `wrap` is called anew for each case. No request is asked twice, except that
/// a call and a stream of the same request are compared.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// parlor_testkit::layer_suite(|inner| inner).await;
/// # });
/// ```
///
/// Run it in a tokio runtime, with paused time if the layer measures time.
///
/// # Panics
/// With the names of the cases that fail, and why.
pub async fn layer_suite(wrap: impl Fn(Arc<dyn ChatModel>) -> Arc<dyn ChatModel>) {
    let mut failures = String::new();
    for (name, case) in CASES {
        let outcome = tokio::time::timeout(PATIENCE, case(&wrap)).await;
        if let Err(why) = outcome.unwrap_or_else(|_| Err("it hangs".to_owned())) {
            failures.push_str(&format!("\n- {name}: {why}"));
        }
    }
    assert!(failures.is_empty(), "the layer fails:{failures}");
}

/// Two choices at once with a part of every kind that streams.
const ANSWER: &str = include_str!("layer_suite/answer.json");

fn answer() -> Result<Vec<Event>, String> {
    serde_json::from_str(ANSWER).map_err(|error| error.to_string())
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(why()),
    }
}

fn failed(error: Error) -> String {
    format!("failed with {error:?}")
}

/// What is left running, and how often the model was asked.
fn settled(model: &Scripted, begun: usize, abandoned: usize) -> Result<(), String> {
    let it = model.exchanges();
    ensure(
        (it.begun, it.open, it.abandoned) == (begun, 0, abandoned),
        || format!("expected {begun} begun, 0 open and {abandoned} abandoned, found {it:?}"),
    )
}

/// Reads to the end, holding the stream to the grammar.
async fn read(mut stream: ChatStream) -> Result<(Vec<Event>, Option<Error>), String> {
    let (mut events, mut error) = (Vec::new(), None);
    let mut grammar = Grammar::new();
    while let Some(item) = stream.next().await {
        grammar.check(&item).map_err(|fault| fault.to_string())?;
        match item {
            Ok(event) => events.push(event),
            Err(fault) => error = Some(fault),
        }
    }
    grammar.finish().map_err(|fault| fault.to_string())?;
    Ok((events, error))
}

async fn keeps_info(wrap: Wrap<'_>) -> Result<(), String> {
    let mut info = ModelInfo::new("house", "model:1");
    info.context_window = Some(4096);
    let model = Scripted::new([]).with_info(info.clone());
    let layered = wrap(Arc::new(model.clone()));
    ensure(*layered.info() == info, || format!("{:?}", layered.info()))?;
    settled(&model, 0, 0)
}

async fn passes_the_request(wrap: Wrap<'_>) -> Result<(), String> {
    let request = |text: &str| {
        ChatRequest::from(text)
            .with_system("Be brief.")
            .with_temperature(0.5)
            .with_extra("house", "key", 1)
    };
    let model = Scripted::answering("Hello");
    let layered = wrap(Arc::new(model.clone()));
    layered.chat(&request("call")).await.map_err(failed)?;
    let stream = layered.stream(&request("stream")).await.map_err(failed)?;
    read(stream).await?;
    let requests = model.requests();
    ensure(requests == [request("call"), request("stream")], || {
        format!("the model was asked {requests:?}")
    })
}

async fn passes_events(wrap: Wrap<'_>) -> Result<(), String> {
    for wait in [Duration::ZERO, Duration::from_millis(1)] {
        let script = Script::new().events(answer()?).paced(wait);
        let model = Scripted::new([script]);
        let layered = wrap(Arc::new(model.clone()));
        let stream = layered.ask_stream(format!("paced {wait:?}")).await;
        let (events, error) = read(stream.map_err(failed)?).await?;
        error.map_or(Ok(()), |error| Err(failed(error)))?;
        ensure(events == answer()?, || format!("got {events:?}"))?;
        settled(&model, 1, 0)?;
    }
    Ok(())
}

async fn calls_equal_streams(wrap: Wrap<'_>) -> Result<(), String> {
    let events = answer()?;
    let model = Scripted::with(move |_, _| Some(Script::new().events(events.clone())));
    let layered = wrap(Arc::new(model));
    let mut called = layered.ask("both").await.map_err(failed)?;
    let stream = layered.ask_stream("both").await.map_err(failed)?;
    let mut collected = stream.response().await.map_err(failed)?;
    for response in [&mut called, &mut collected] {
        response.metadata = ResponseMetadata::default();
    }
    ensure(called == collected && !called.interrupted, || {
        format!("called {called:?}, collected {collected:?}")
    })
}

async fn passes_metadata(wrap: Wrap<'_>) -> Result<(), String> {
    let mut metadata = ResponseMetadata::default();
    metadata.request_id = Some("req-1".to_owned());
    let script = || Script::text("Hello").metadata(metadata.clone());
    let model = Scripted::new([script(), script()]);
    let layered = wrap(Arc::new(model));
    let called = layered.ask("call").await.map_err(failed)?;
    let stream = layered.ask_stream("stream").await.map_err(failed)?;
    let at_first = stream.metadata().request_id.clone();
    let collected = stream.response().await.map_err(failed)?;
    for id in [
        called.metadata.request_id,
        at_first,
        collected.metadata.request_id,
    ] {
        ensure(id == metadata.request_id, || {
            format!("the request id is {id:?}")
        })?;
    }
    Ok(())
}

fn denied() -> Error {
    Error::new(ErrorKind::Permission, "not for you")
        .with_provider("scripted")
        .with_status(403)
        .with_code("denied")
        .with_request_id("req-1")
        .with_help("Ask the owner.")
        .with_source("the cause")
}

fn compare(error: &Error, expected: &Error) -> Result<(), String> {
    let facts = |error: &Error| {
        let texts = [error.provider(), error.code(), error.request_id()];
        let texts = texts.map(|text| text.map(str::to_owned));
        let said = [error.message(), error.help()].map(str::to_owned);
        let source = std::error::Error::source(error).map(ToString::to_string);
        (
            error.kind(),
            error.retry(),
            error.status(),
            texts,
            said,
            source,
        )
    };
    ensure(facts(error) == facts(expected), || {
        format!("got {error:?}, expected {expected:?}")
    })
}

async fn keeps_errors(wrap: Wrap<'_>) -> Result<(), String> {
    let model = Scripted::with(|_, _| Some(Script::refuses(denied())));
    let layered = wrap(Arc::new(model.clone()));
    match layered.ask("call").await {
        Ok(response) => return Err(format!("the call gave {response:?}")),
        Err(error) => compare(&error, &denied())?,
    }
    match layered.ask_stream("stream").await {
        Ok(_) => return Err("the stream opened".to_owned()),
        Err(error) => compare(&error, &denied())?,
    }
    settled(&model, 2, 0)
}

fn check_partial(error: &Error, text: &str) -> Result<(), String> {
    let partial: Option<&ChatResponse> = error.partial();
    let kept = partial.is_some_and(|it| it.interrupted && it.text() == text);
    ensure(kept, || {
        format!("expected the partial {text:?}, got {error:?}")
    })
}

async fn keeps_partials(wrap: Wrap<'_>) -> Result<(), String> {
    let whole = answer()?;
    for count in 1..whole.len() {
        let (shown, _) = whole.split_at(count);
        let text: String = shown
            .iter()
            .filter(|it| matches!(it, Event::TextDelta { choice: 0, .. }))
            .filter_map(Event::text)
            .collect();
        let cut = || Script::new().events(shown.to_vec());
        let broken = || Error::new(ErrorKind::Server, "broke off").with_code("x");
        let model = Scripted::new([cut().fails(broken()), cut()]);
        let layered = wrap(Arc::new(model.clone()));
        for kind in [ErrorKind::Server, ErrorKind::Truncated] {
            let stream = layered.ask_stream(format!("{count} then {kind}")).await;
            let (events, error) = read(stream.map_err(failed)?).await?;
            ensure(events == shown, || {
                format!("after {count} events: {events:?}")
            })?;
            let error = error.ok_or("no error")?;
            match kind {
                ErrorKind::Server => compare(&error, &broken())?,
                _ => ensure(error.kind() == kind, || format!("failed with {error:?}"))?,
            }
            check_partial(&error, &text)?;
        }
        settled(&model, 2, 0)?;
    }
    Ok(())
}

async fn keeps_call_partials(wrap: Wrap<'_>) -> Result<(), String> {
    let broken = || Error::new(ErrorKind::Server, "broke off").with_retry(Retry::Never);
    let model = Scripted::new([Script::text("Hello there").cut(4).fails(broken())]);
    let layered = wrap(Arc::new(model.clone()));
    match layered.ask("call").await {
        Ok(response) => return Err(format!("the call gave {response:?}")),
        Err(error) => {
            compare(&error, &broken())?;
            check_partial(&error, "Hello there")?;
        }
    }
    settled(&model, 1, 0)
}

async fn cancels_streams(wrap: Wrap<'_>) -> Result<(), String> {
    let whole = answer()?;
    for count in 0..whole.len() {
        for waiting in [false, true] {
            let script = Script::new()
                .events(whole.iter().take(count).cloned())
                .hangs();
            let model = Scripted::new([script]);
            let layered = wrap(Arc::new(model.clone()));
            let opening = layered.ask_stream(format!("{count}, waiting: {waiting}"));
            // A layer may open its stream with the first event.
            let stream = match count {
                0 => opening.now_or_never(),
                _ => Some(opening.await),
            };
            let Some(stream) = stream else {
                settled(&model, 1, 1).map_err(|why| format!("before the first event {why}"))?;
                continue;
            };
            let mut stream = stream.map_err(failed)?;
            for _ in 0..count {
                stream
                    .next()
                    .await
                    .ok_or("the stream ended")?
                    .map_err(failed)?;
            }
            if waiting && stream.next().now_or_never().is_some() {
                return Err(format!("item {count} from a stream that hangs"));
            }
            drop(stream);
            settled(&model, 1, 1).map_err(|why| format!("after {count} events {why}"))?;
        }
    }
    Ok(())
}

async fn cancels_calls(wrap: Wrap<'_>) -> Result<(), String> {
    let never = || Script::text("never").opens_after(Duration::MAX);
    let model = Scripted::new([never(), never(), Script::text("Hello").cut(2).hangs()]);
    let layered = wrap(Arc::new(model.clone()));
    let ended = [
        layered.ask("call").now_or_never().is_some(),
        layered.ask_stream("opening").now_or_never().is_some(),
        layered.ask("half a call").now_or_never().is_some(),
    ];
    ensure(ended == [false; 3], || {
        "a call to a model that hangs ended".to_owned()
    })?;
    settled(&model, 3, 3)
}

async fn keeps_apart(wrap: Wrap<'_>) -> Result<(), String> {
    let model = Scripted::with(|_, request| {
        let text = request.messages.first()?.text();
        Some(Script::text(&text).paced(Duration::from_millis(1)))
    });
    let layered = wrap(Arc::new(model.clone()));
    for round in ["first", "second"] {
        let texts = ["one", "two", "three"].map(|text| format!("{text} in the {round} round"));
        let streamed = texts.each_ref().map(|text| {
            let opening = layered.ask_stream(text.as_str());
            async { opening.await?.response().await }
        });
        let called = texts
            .each_ref()
            .map(|text| layered.ask(format!("{text}, called")));
        let streamed = join_all(streamed);
        let called = join_all(called);
        let (streamed, called) = join(streamed, called).await;
        for (text, (streamed, called)) in texts.iter().zip(streamed.into_iter().zip(called)) {
            let texts = [streamed, called].map(|it| it.map(|it| it.text()).map_err(failed));
            let expected = [Ok(text.clone()), Ok(format!("{text}, called"))];
            ensure(texts == expected, || {
                format!("{texts:?}, expected {expected:?}")
            })?;
        }
    }
    settled(&model, 12, 0)
}
