//! What hooks see, and what they can do.

use super::*;
use async_trait::async_trait;
use futures_util::FutureExt;
use parlor_layers::hooks::*;
use parlor_testkit::layer_suite;
use std::borrow::Cow;
use std::sync::Mutex;

fn hooked(model: &Scripted, hooks: impl Hooks + 'static) -> Arc<dyn ChatModel> {
    model.clone().layer(HooksLayer::new(HooksPolicy::of(hooks)))
}

/// Notes in words what it is told.
#[derive(Debug, Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[derive(Debug, Clone, Default)]
struct Named(&'static str, Notes);

#[async_trait]
impl Hooks for Named {
    async fn before(&self, call: &HookCall<'_>, _: &mut Cow<'_, ChatRequest>) -> Result<()> {
        tokio::time::sleep(MS).await;
        self.1
            .note(format!("{} before {}", self.0, call.info.model));
        Ok(())
    }

    fn event(&self, _: &HookCall<'_>, event: &mut Event) -> Result<()> {
        if let Some(text) = event.text() {
            self.1.note(format!("{} event {text}", self.0));
        }
        Ok(())
    }

    fn response(&self, _: &HookCall<'_>, response: &mut ChatResponse) -> Result<()> {
        self.1
            .note(format!("{} response {}", self.0, response.text()));
        Ok(())
    }

    fn after(&self, call: &HookCall<'_>, end: &HookEnd<'_>) {
        let outcome = match end.outcome {
            HookOutcome::Completed => "completed".to_owned(),
            HookOutcome::Failed(error) => error.kind().to_string(),
            HookOutcome::Dropped => "dropped".to_owned(),
            _ => unreachable!(),
        };
        let text = end.response.map(ChatResponse::text).unwrap_or_default();
        let output = end.tokens.output.unwrap_or_default();
        let (streamed, first, total) = (call.streamed, end.first_event, end.total);
        self.1.note(format!(
            "{} after {outcome} {streamed} {first:?} {total:?} {output} {text}",
            self.0
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    let mut policy = HooksPolicy::of(HookFns::new()).and(HookFns::new());
    for collect in [false, true] {
        policy.collect = collect;
        layer_suite(|inner| HooksLayer::new(policy.clone()).layer(inner)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_stand_around_each_other() {
    let notes = Notes::default();
    let outer = Named("outer", notes.clone());
    let inner = Named("inner", notes.clone());
    let mut policy = HooksPolicy::of(outer).and(inner);
    policy.collect = true;
    let script = || Script::response(answer("Hello", usage(1, 2))).opens_after(MS * 5);
    let model = Scripted::new([script(), script()]).layer(HooksLayer::new(policy));

    model.ask("Hi").await.unwrap();
    let expected = [
        "outer before script",
        "inner before script",
        "inner response Hello",
        "outer response Hello",
        "inner after completed false None 7ms 2 Hello",
        "outer after completed false None 7ms 2 Hello",
    ];
    assert_eq!(notes.take(), expected);

    model
        .ask_stream("Hi")
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    let expected = [
        "outer before script",
        "inner before script",
        "inner event Hello",
        "outer event Hello",
        "inner after completed true Some(7ms) 7ms 2 Hello",
        "outer after completed true Some(7ms) 7ms 2 Hello",
    ];
    assert_eq!(notes.take(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_changed_or_refused() {
    let model = Scripted::answering("Hello");
    let hooks = HookFns::new().before(|_, request| {
        if request.messages.len() > 1 {
            return Err(Error::new(ErrorKind::Permission, "one at a time"));
        }
        request.to_mut().temperature = Some(0.0);
        Ok(())
    });
    let layered = hooked(&model, hooks);
    layered.ask("Hi").await.unwrap();
    assert_eq!(
        model.requests(),
        [ChatRequest::from("Hi").with_temperature(0.0)]
    );
    let request = ChatRequest::from("Hi").with_system("x");
    let refused = layered.chat(&request).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Permission);
    let refused = layered.stream(&request).await.unwrap_err();
    assert_eq!(refused.message(), "one at a time");
    assert_eq!(model.exchanges().begun, 1);
}

#[tokio::test(start_paused = true)]
async fn events_and_answers_can_be_changed() {
    let hooks = HookFns::new()
        .event(|_, event| {
            if let Event::TextDelta { text, .. } = event {
                *text = text.to_uppercase();
            }
            Ok(())
        })
        .response(|_, response| {
            response.choices[0].message.parts = vec![Part::text(response.text().to_uppercase())];
            Ok(())
        });
    let layered = hooked(&Scripted::answering("Hello there"), hooks);
    let called = layered.ask("Hi").await.unwrap();
    let streamed = layered
        .ask_stream("Hi")
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    assert_eq!(
        (called.text(), called),
        ("HELLO THERE".to_owned(), streamed)
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_can_end_the_stream() {
    let model = Scripted::answering("one two three");
    let hooks = HookFns::new().event(|_, event| match event.text() {
        Some("three") => Err(Error::new(ErrorKind::ContentFiltered, "not three")),
        _ => Ok(()),
    });
    let mut stream = hooked(&model, hooks).ask_stream("Hi").await.unwrap();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ContentFiltered);
    assert_eq!(error.partial().unwrap().text(), "one two ");
    // The reader still holds the stream, and the model's is gone.
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 1)
    );
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_or_nothing() {
    type Case = (&'static str, fn() -> HookFns);
    let panics: [Case; 4] = [
        ("before", || HookFns::new().before(|_, _| panic!("before"))),
        ("event", || HookFns::new().event(|_, _| panic!("event"))),
        ("response", || {
            HookFns::new().response(|_, _| panic!("response"))
        }),
        ("after", || HookFns::new().after(|_, _| panic!("after"))),
    ];
    for (name, panics) in panics {
        let notes = Notes::default();
        let model = Scripted::answering("Hello there");
        let policy = HooksPolicy::of(Named("told", notes.clone())).and(panics());
        let layered = model.clone().layer(HooksLayer::new(policy));
        let called = layered.ask("Hi").await.map(|it| it.text());
        let streamed = match layered.ask_stream("Hi").await {
            Ok(stream) => stream.response().await.map(|it| it.text()),
            Err(error) => Err(error),
        };
        for (method, outcome) in [("response", called), ("event", streamed)] {
            if name == method || name == "before" {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unexpected);
                assert_eq!(error.message(), format!("the hook `{name}` panicked"));
            } else {
                assert_eq!(outcome.unwrap(), "Hello there", "{name}, {method}");
            }
        }
        let after = notes.take().into_iter().filter(|it| it.contains("after"));
        assert_eq!(after.count(), 2, "{name}");
        assert_eq!(model.exchanges().open, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_after_is_told_once() {
    for seed in 0..200 {
        let rng = &mut Rng::with_seed(seed);
        let notes = Notes::default();
        let mut policy = HooksPolicy::of(Named("it", notes.clone()));
        policy.collect = rng.bool();
        let model = anything(seed).layer(HooksLayer::new(policy));
        for _ in 0..10 {
            let expected = match exchange(&*model, rng).await {
                Seen::Whole => "it after completed".to_owned(),
                Seen::Failed(kind) => format!("it after {kind}"),
                Seen::Dropped => "it after dropped".to_owned(),
            };
            let mut after = notes.take();
            after.retain(|it| it.contains("after"));
            assert!(
                after.len() == 1 && after[0].starts_with(&expected),
                "{seed}: {after:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drop_within_before_is_told_too() {
    let notes = Notes::default();
    let model = Scripted::answering("Hello");
    let layered = hooked(&model, Named("it", notes.clone()));
    assert!(layered.ask("Hi").now_or_never().is_none());
    assert_eq!(notes.take(), ["it after dropped false None 0ns 0 "]);
    assert_eq!(model.exchanges().begun, 0);
}

#[test]
fn an_event_costs_no_allocation() {
    let layer = HooksLayer::new(HooksPolicy::of(HookFns::new().event(|_, _| Ok(()))));
    assert_eq!(added(&layer, 10), added(&layer, 2000));
}
