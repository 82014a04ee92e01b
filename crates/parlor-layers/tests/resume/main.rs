//! The resume layer: answers that break off in their text, and how they go on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod breaks;
mod random;
mod seam;

use parlor_core::*;
use parlor_layers::resume::{ResumeLayer, ResumeMode, ResumePolicy};
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted, layer_suite};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The facts of a model that is known to continue its own words.
fn prefilling() -> ModelInfo {
    let mut info = ModelInfo::new("house", "model");
    info.capabilities = Capabilities::UNKNOWN.having(&[Capability::Prefill]);
    info
}

fn scripts(scripts: impl IntoIterator<Item = Script>) -> Scripted {
    Scripted::new(scripts).with_info(prefilling())
}

fn resuming(model: &Scripted, set: impl FnOnce(&mut ResumePolicy)) -> Arc<dyn ChatModel> {
    let mut policy = ResumePolicy::default();
    set(&mut policy);
    model.clone().layer(ResumeLayer::new(policy))
}

fn asking(policy: &mut ResumePolicy) {
    policy.mode = ResumeMode::Ask;
}

fn reset() -> Error {
    Error::new(ErrorKind::Connection, "reset by peer")
}

fn text(part: u32, text: &str) -> Event {
    let (choice, text) = (0, text.into());
    Event::TextDelta { choice, part, text }
}

/// A text that has begun: two events and one for each piece.
fn begun(pieces: &[&str]) -> Script {
    let start = [
        Event::started(Some("a".to_owned()), Some("model-1".to_owned()), Some(7)),
        Event::part_started(0, 0, PartKind::Text),
    ];
    Script::new()
        .events(start)
        .events(pieces.iter().map(|it| text(0, it)))
}

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = Some(input);
    usage.output_tokens = Some(output);
    usage
}

fn snapshot(input: u64, output: u64) -> Event {
    Event::Usage {
        usage: Box::new(usage(input, output)),
    }
}

fn ended(usage: Option<Usage>) -> [Event; 3] {
    [
        Event::part_finished(0, 0),
        Event::finished(0, FinishKind::Stop.into()),
        Event::completed(usage.map(Box::new)),
    ]
}

async fn read(mut stream: ChatStream) -> (Vec<Event>, Result<ChatResponse>) {
    let (mut events, mut grammar) = (Vec::new(), Grammar::new());
    let mut failed = None;
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        match item {
            Ok(event) => events.push(event),
            Err(error) => failed = Some(error),
        }
    }
    grammar.finish().unwrap();
    (events, failed.map_or(Ok(stream.stop()), Err))
}

async fn streamed(
    model: &Arc<dyn ChatModel>,
    request: impl Into<ChatRequest>,
) -> Result<ChatResponse> {
    read(model.stream(&request.into()).await?).await.1
}

/// What the model is asked after the first question.
fn continuation(model: &Scripted, number: usize) -> Vec<(Role, String)> {
    let messages = model.requests()[number].messages.clone();
    let said = messages.iter().map(|it| (it.role, it.text()));
    said.collect()
}

fn notices(response: &ChatResponse) -> Vec<&str> {
    let all = response.warnings.iter();
    let ours = all.filter(|it| it.setting == "resume" && it.kind == WarningKind::Notice);
    ours.map(|it| it.message.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn it_passes_the_suite() {
    let resume = |inner: Arc<dyn ChatModel>| ResumeLayer::default().layer(inner);
    layer_suite(resume).await;
    layer_suite(|inner| {
        let mut policy = ResumePolicy::default();
        asking(&mut policy);
        let stack = Stack::new()
            .with(RetryLayer::default())
            .with(ResumeLayer::new(policy));
        stack.build().unwrap().layer(inner)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_text_goes_on_in_its_part() {
    let first = begun(&["The sky ", "is "])
        .event(snapshot(10, 3))
        .fails(reset());
    let rest = begun(&["blue", "."])
        .event(snapshot(14, 1))
        .events(ended(Some(usage(14, 2))));
    let model = scripts([first, rest]);
    let layered = resuming(&model, |_| {});
    let (events, response) = read(layered.ask_stream("Why?").await.unwrap()).await;
    let response = response.unwrap();
    assert_eq!(response.text(), "The sky is blue.");
    assert_eq!(response.message().unwrap().parts.len(), 1);
    assert_eq!(response.id.as_deref(), Some("a"));
    assert!(!response.interrupted);
    assert_eq!(
        notices(&response),
        [
            "the answer broke off after 11 characters (connection: reset by peer) and went on from there"
        ]
    );
    // Snapshots are of all attempts too.
    assert_eq!(response.usage, Some(usage(24, 5)));
    assert!(events.contains(&snapshot(24, 4)));
    let notice = events
        .iter()
        .position(|it| matches!(it, Event::Warning { .. }));
    let blue = events.iter().position(|it| it.text() == Some("blue"));
    assert_eq!(notice.unwrap() + 1, blue.unwrap());
    let said = "The sky is".to_owned();
    let why = "Why?".to_owned();
    assert_eq!(
        continuation(&model, 1),
        [(Role::User, why), (Role::Assistant, said)]
    );
    assert_eq!(model.exchanges().open, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_as_a_stream_does() {
    let both = || {
        let first = begun(&["The sky is "])
            .event(snapshot(10, 3))
            .fails(reset());
        let second = begun(&["blue and "]).event(snapshot(14, 2)).cut(3);
        let third = begun(&["wide."]).events(ended(Some(usage(16, 2))));
        scripts([first, second, third])
    };
    let called = resuming(&both(), |_| {}).ask("Why?").await.unwrap();
    let streamed = streamed(&resuming(&both(), |_| {}), "Why?").await.unwrap();
    assert_eq!(called.text(), "The sky is blue and wide.");
    assert_eq!(called, streamed);
    assert_eq!(notices(&called).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_model_not_known_to_prefill_is_asked_only_if_allowed() {
    let both = || Scripted::new([begun(&["One, two, "]).fails(reset()), Script::text("three")]);
    let model = both();
    let error = streamed(&resuming(&model, |_| {}), "Count")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.retry(), Retry::Later(None));
    assert_eq!(error.partial().unwrap().text(), "One, two, ");
    assert_eq!(model.exchanges().begun, 1);

    let model = both();
    let layered = resuming(&model, |policy| {
        asking(policy);
        policy.ask = "Go on".to_owned();
    });
    let response = streamed(&layered, "Count").await.unwrap();
    assert_eq!(response.text(), "One, two, three");
    assert!(notices(&response)[0].ends_with("when the model was asked for the rest"));
    let asked = continuation(&model, 1);
    let said = |role, text: &str| (role, text.to_owned());
    assert_eq!(asked[1], said(Role::Assistant, "One, two,"));
    assert_eq!(asked[2], said(Role::User, "Go on"));
}

#[tokio::test(start_paused = true)]
async fn parts_of_their_own_where_the_text_was_closed_or_something_else_comes() {
    let native = || Native::new(Origin::new("house", "words"), json!({"signature": "s"}));
    // The text was closed: the rest is another part, with its native item.
    let first = begun(&["One."])
        .event(Event::part_finished(0, 0))
        .fails(reset());
    let [_, finished, completed] = ended(None);
    let signed = || Event::part_finished_as(0, 0, Some(Box::new(native())));
    let rest = begun(&["Two."]).events([signed(), finished.clone(), completed.clone()]);
    let response = streamed(&resuming(&scripts([first, rest]), |_| {}), "x")
        .await
        .unwrap();
    let parts = &response.message().unwrap().parts;
    assert_eq!(parts[0], Part::text("One."));
    assert_eq!(parts[1], Part::text("Two.").with_native(native()));

    // The text was open: what the provider says of its half is not of the whole.
    let rest = begun(&["Two."]).events([signed(), finished.clone(), completed.clone()]);
    let model = scripts([begun(&["One."]).fails(reset()), rest]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.message().unwrap().parts, [Part::text("One.Two.")]);

    // Something else comes first.
    let rest = Script::new().events([
        Event::started(None, None, None),
        Event::part_started(0, 0, PartKind::Reasoning),
        Event::ReasoningDelta {
            choice: 0,
            part: 0,
            text: "Hm".into(),
        },
        Event::part_finished(0, 0),
        Event::part_started(0, 1, PartKind::Text),
        text(1, "Two."),
        Event::call_started(0, 2, CallHead::new("c", "look")),
        Event::part_finished(0, 1),
        Event::part_finished_with(
            0,
            2,
            Part::ToolCall(ToolCall::new("c", "look", Arguments::from(json!({})))),
        ),
        Event::finished(0, FinishKind::ToolCalls.into()),
        completed,
    ]);
    let model = scripts([begun(&["One."]).fails(reset()), rest]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), "One.Two.");
    assert_eq!(response.message().unwrap().parts.len(), 4);
    assert_eq!(response.tool_calls().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_the_server_asks_for_is_kept() {
    let later =
        Error::new(ErrorKind::Overloaded, "soon").with_retry(Retry::Later(Some(5 * SECOND)));
    let model = scripts([begun(&["Well, "]).fails(later), Script::text("yes")]);
    let began = Instant::now();
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), "Well, yes");
    assert_eq!(began.elapsed(), 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_users_own_prefill_stays_and_limits_shrink() {
    let model = scripts([
        begun(&["\"a\": 1, "]).fails(reset()),
        Script::text("\"b\": 2}"),
    ]);
    let mut request = ChatRequest::from("An object");
    request.messages.push(Message::assistant("{"));
    request.max_output_tokens = Some(100);
    let response = streamed(&resuming(&model, |_| {}), request).await.unwrap();
    assert_eq!(response.text(), "\"a\": 1, \"b\": 2}");
    assert_eq!(
        continuation(&model, 1)[1],
        (Role::Assistant, "{\"a\": 1,".to_owned())
    );
    // Where the host gives the user's words in the answer, they stand there once.
    let model_too = scripts([
        begun(&["{\"a\": 1, "]).fails(reset()),
        Script::text("{\"a\": 1, 2}"),
    ]);
    let mut too = ChatRequest::from("An object");
    too.messages.push(Message::assistant("{"));
    let whole = streamed(&resuming(&model_too, |_| {}), too).await.unwrap();
    assert_eq!(whole.text(), "{\"a\": 1, 2}");
    assert_eq!(continuation(&model_too, 1)[1].1, "{\"a\": 1,");
    let left = model.requests()[1].max_output_tokens.unwrap();
    assert!((90..100).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_given_once() {
    let warned = || Event::Warning {
        warning: Box::new(Warning::new(WarningKind::Unsupported, "seed", "no seed")),
    };
    let first = begun(&["Well, "]).event(warned()).fails(reset());
    let rest = begun(&["yes"]).event(warned()).events(ended(None));
    let response = streamed(&resuming(&scripts([first, rest]), |_| {}), "x")
        .await
        .unwrap();
    assert_eq!(response.warnings.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_inside_opens_the_continuation_again() {
    let model = scripts([
        begun(&["Well, "]).fails(reset()),
        Script::refuses(Error::new(ErrorKind::RateLimited, "slow down")),
        Script::text("yes"),
    ]);
    let stack = Stack::new()
        .with(RetryLayer::new(RetryPolicy::retries(1)))
        .with(ResumeLayer::new(ResumePolicy::attempts(1)));
    assert_eq!(stack.names(), ["resume", "retry"]);
    let layered = model.clone().layer(stack.build().unwrap());
    assert_eq!(streamed(&layered, "x").await.unwrap().text(), "Well, yes");
}

#[test]
fn it_is_configured() {
    let layer = |settings| configured("resume", &settings);
    assert!(layer(json!({"attempts": 3, "mode": "ask", "max_wait": "5s"})).is_ok());
    assert!(layer(json!(true)).is_ok());
    for (wrong, why) in [
        (json!({"attempts": 0}), "set `layers.resume` to false"),
        (json!({"mode": "always"}), "always"),
        (json!({"ask": " "}), "`ask` is blank"),
        (json!({"tries": 1}), "tries"),
    ] {
        let error = layer(wrong).unwrap_err();
        assert!(error.message().contains(why), "{error}");
    }
}
