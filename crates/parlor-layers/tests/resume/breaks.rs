//! What is passed on as the error that it is.

use super::{
    SECOND, begun, continuation, notices, reset, resuming, scripts, snapshot, streamed, text, usage,
};
use parlor_core::*;
use parlor_testkit::Script;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn what_is_no_plain_text_breaks_as_it_is() {
    let native = Native::new(Origin::new("house", "words"), json!({}));
    let reasoning = |end| {
        Script::new().events([
            Event::started(None, None, None),
            Event::part_started(0, 0, PartKind::Reasoning),
            Event::ReasoningDelta {
                choice: 0,
                part: 0,
                text: "Hm".into(),
            },
            end,
            Event::part_started(0, 1, PartKind::Text),
            text(1, "Well, "),
        ])
    };
    let head = || CallHead::new("c", "look");
    let other_choice = [Event::part_started(1, 0, PartKind::Text)];
    let whole = [
        Event::part_finished(0, 0),
        Event::finished(0, FinishKind::Length.into()),
    ];
    let passed = [
        ("nothing yet", begun(&[])),
        ("blank", begun(&[" \n"])),
        (
            "in a call",
            begun(&["I look."]).event(Event::call_started(0, 1, head())),
        ),
        ("in reasoning", reasoning(snapshot(1, 1)).cut(3)),
        (
            "in reasoning after text",
            begun(&["Hm. "]).event(Event::part_started(0, 1, PartKind::Reasoning)),
        ),
        (
            "after signed reasoning",
            reasoning(Event::part_finished_as(0, 0, Some(Box::new(native)))),
        ),
        (
            "in a refusal",
            begun(&["No. "]).event(Event::part_started(0, 1, PartKind::Refusal)),
        ),
        ("of two choices", begun(&["A"]).events(other_choice)),
        ("finished", begun(&["All said."]).events(whole)),
    ];
    for (name, script) in passed {
        let model = scripts([script.fails(reset()), Script::text("more")]);
        let error = streamed(&resuming(&model, |_| {}), "x")
            .await
            .expect_err(name);
        assert_eq!(model.exchanges().begun, 1, "{name}");
        assert_eq!(error.message(), "reset by peer", "{name}");
        assert_eq!(error.retry(), Retry::Later(None), "{name}");
        assert!(error.partial().is_some(), "{name}");
    }
    // Reasoning that bears nothing of the provider's is let go.
    let model = scripts([
        reasoning(Event::part_finished(0, 0)).fails(reset()),
        Script::text("yes"),
    ]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(
        (response.reasoning(), response.text()),
        ("Hm".to_owned(), "Well, yes".to_owned())
    );
    assert_eq!(continuation(&model, 1)[1].1, "Well,");
}

#[tokio::test(start_paused = true)]
async fn other_requests_and_other_errors_pass() {
    let asks = |set: fn(&mut ChatRequest)| {
        let mut request = ChatRequest::from("x");
        set(&mut request);
        request
    };
    let errors = [
        Error::new(ErrorKind::ContentFiltered, "no"),
        Error::new(ErrorKind::Cancelled, "stopped"),
        Error::new(ErrorKind::Timeout(TimeoutKind::Total), "too long"),
        Error::new(ErrorKind::Decode, "what?"),
        reset().with_retry(Retry::Never),
        reset().with_retry(Retry::Exhausted),
        reset().with_retry(Retry::Later(Some(31 * SECOND))),
    ];
    let mut cases: Vec<_> = errors.map(|it| (asks(|_| {}), it)).into();
    let requests: [fn(&mut ChatRequest); 3] = [
        |it| it.n = Some(2),
        |it| it.output = Some(OutputFormat::Json),
        |it| it.max_output_tokens = Some(1),
    ];
    cases.extend(requests.map(|set| (asks(set), reset())));
    for (request, error) in cases {
        let said = begun(&["Well, well "]).fails(error.clone());
        let again = begun(&["Well, well "]).fails(error.clone());
        let model = scripts([said, again]);
        let layered = resuming(&model, |_| {});
        for failed in [
            streamed(&layered, request.clone()).await,
            layered.chat(&request).await,
        ] {
            let failed = failed.unwrap_err();
            assert_eq!(
                (failed.kind(), failed.retry()),
                (error.kind(), error.retry())
            );
            assert_eq!(failed.partial().unwrap().text(), "Well, well ");
        }
        assert_eq!(model.exchanges().begun, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_their_error_says_so() {
    let idle = || Error::new(ErrorKind::Timeout(TimeoutKind::Idle), "nothing came");
    let breaks = || {
        let words = ["zero ", "one ", "two ", "three "];
        scripts(words.map(|it| begun(&[it]).event(snapshot(5, 1)).fails(idle())))
    };
    for call in [false, true] {
        let model = breaks();
        let layered = resuming(&model, |_| {});
        let failed = match call {
            true => layered.ask("x").await,
            false => streamed(&layered, "x").await,
        };
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutKind::Idle));
        assert_eq!(error.retry(), Retry::Exhausted);
        assert!(
            error.help().ends_with("It had been gone on with 2 times."),
            "{}",
            error.help()
        );
        let partial = error.partial().unwrap();
        assert_eq!(partial.text(), "zero one two ");
        assert!(partial.interrupted);
        assert_eq!(partial.usage, Some(usage(15, 3)));
        assert_eq!((model.exchanges().begun, model.exchanges().open), (3, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_continuation_that_comes_to_nothing_leaves_the_first_break() {
    let refusal = Error::new(ErrorKind::InvalidRequest, "no prefill, please.");
    for call in [false, true] {
        let model = scripts([
            begun(&["Well, "]).fails(reset()),
            Script::refuses(refusal.clone()),
        ]);
        let layered = resuming(&model, |_| {});
        let failed = match call {
            true => layered.ask("x").await,
            false => streamed(&layered, "x").await,
        };
        let error = failed.unwrap_err();
        assert_eq!(error.message(), "reset by peer");
        assert_eq!(error.partial().unwrap().text(), "Well, ");
        assert!(
            error.help().ends_with(
                "To go on was tried once, and failed: invalid_request: no prefill, please."
            ),
            "{}",
            error.help()
        );
        assert!(notices(error.partial().unwrap()).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_without_an_answer_is_no_end() {
    let empty = || Script::new().events([Event::started(None, None, None), Event::completed(None)]);
    let model = scripts([begun(&["Well, "]).fails(reset()), empty(), empty()]);
    let error = streamed(&resuming(&model, |_| {}), "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.partial().unwrap().text(), "Well, ");
    assert_eq!(model.exchanges().begun, 3);
    // A choice that ends without more text had been whole.
    let done = Script::new().events([
        Event::started(None, None, None),
        Event::finished(0, FinishKind::Stop.into()),
        Event::completed(None),
    ]);
    let model = scripts([begun(&["Well."]).fails(reset()), done]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), "Well.");
}

#[tokio::test(start_paused = true)]
async fn a_text_too_long_to_keep_is_not_gone_on_with() {
    let model = scripts([
        begun(&["0123456789", "x"]).fails(reset()),
        Script::text("yes"),
    ]);
    let layered = resuming(&model, |policy| policy.max_text_bytes = 10);
    assert!(streamed(&layered, "x").await.is_err());
    assert_eq!(model.exchanges().begun, 1);
}
