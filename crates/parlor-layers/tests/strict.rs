//! What the strict layer refuses, whole and streamed, and what it lets pass.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_core::*;
use parlor_layers::configured;
use parlor_layers::strict::{StrictLayer, StrictPolicy};
use parlor_testkit::{Script, Scripted, layer_suite};
use serde_json::json;
use std::sync::Arc;

fn answer(parts: Vec<Part>, reason: FinishReason) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(reason);
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response
}

fn text(text: &str) -> ChatResponse {
    answer(vec![Part::text(text)], FinishKind::Stop.into())
}

fn call(arguments: Arguments) -> ChatResponse {
    let call = ToolCall::new("call00001", "weather", arguments);
    answer(vec![Part::ToolCall(call)], FinishKind::ToolCalls.into())
}

fn native() -> Native {
    let origin = Origin::new("house", "chat");
    Native::new(origin, json!({"type": "hologram", "size": 3}))
}

fn for_json() -> ChatRequest {
    ChatRequest::from("Hi").with_output(OutputFormat::Json)
}

/// What a strict reader makes of an answer, called and streamed.
async fn read(
    policy: StrictPolicy,
    request: &ChatRequest,
    response: ChatResponse,
) -> Result<ChatResponse> {
    let script = response.clone();
    let model = Scripted::with(move |_, _| Some(Script::response(script.clone())));
    let model = model.layer(StrictLayer::new(policy));
    let called = model.chat(request).await;
    let streamed = model.stream(request).await.unwrap().response().await;
    match (&called, &streamed) {
        (Ok(called), Ok(streamed)) => assert_eq!(called.choices, streamed.choices),
        (Err(called), Err(streamed)) => {
            assert_eq!(called.message(), streamed.message());
            assert_eq!(streamed.kind(), ErrorKind::Decode);
            assert_eq!(streamed.retry(), Retry::Never);
            assert!(streamed.provider().is_some() && streamed.model().is_some());
            assert!(called.partial().is_some() && streamed.partial().is_some());
        }
        (called, streamed) => panic!("{called:?} and {streamed:?}"),
    }
    called
}

async fn refused(request: &ChatRequest, response: ChatResponse) -> String {
    let read = read(StrictPolicy::default(), request, response).await;
    read.unwrap_err().message().to_owned()
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    layer_suite(|inner: Arc<dyn ChatModel>| StrictLayer::default().layer(inner)).await;
}

#[tokio::test]
async fn what_can_t_be_read_is_refused_by_name() {
    let hi = ChatRequest::from("Hi");
    let cut = refused(&hi, call(Arguments::json("{\"city\":"))).await;
    assert!(
        cut.starts_with("the call of `weather` can't be read: "),
        "{cut}"
    );
    let item = answer(vec![Part::Native(native())], FinishKind::Stop.into());
    assert_eq!(
        refused(&hi, item).await,
        "an unknown `hologram` in the answer"
    );
    let bored = FinishReason::new(FinishKind::Other, "bored");
    let bored = answer(vec![Part::text("So")], bored);
    assert_eq!(
        refused(&hi, bored).await,
        "the answer ended by the unknown word `bored`"
    );
    let mut late = text("Hello");
    late.warnings
        .push(Warning::new(WarningKind::Notice, "error", "quota is gone"));
    assert_eq!(
        refused(&hi, late).await,
        "the provider reported an error after the answer: quota is gone"
    );
    let prose = refused(&for_json(), text("Of course! {}")).await;
    assert!(prose.starts_with("the answer is no JSON"), "{prose}");
}

#[tokio::test]
async fn what_reading_must_bear_passes() {
    let policy = StrictPolicy::default();
    let hi = ChatRequest::from("Hi");
    for (request, response) in [
        (&hi, text("Hello")),
        (&hi, call(Arguments::json(""))),
        (&hi, call(Arguments::text("free text"))),
        (&for_json(), text("{\"a\": 1}")),
        (&for_json(), call(Arguments::json("{}"))),
        (
            &for_json(),
            answer(vec![Part::text("{\"a\"")], FinishKind::Length.into()),
        ),
    ] {
        read(policy, request, response).await.unwrap();
    }
    let mut more = text("Hello");
    more.native.push(native());
    let mut warned = more.clone();
    let warning = Warning::new(WarningKind::Unsupported, "seed", "left out");
    warned.warnings.push(warning);
    read(policy, &hi, warned).await.unwrap();
    let mut policy = policy;
    policy.unknown = true;
    let error = read(policy, &hi, more).await.unwrap_err();
    assert_eq!(error.message(), "an unknown `hologram` beside the answer");
}

#[tokio::test]
async fn each_thing_can_be_let_pass() {
    let settings = json!({"arguments": false, "json": false, "finish": false, "items": false, "errors": false});
    configured("strict", &settings).unwrap();
    let policy: StrictPolicy = serde_json::from_value(settings).unwrap();
    let hi = ChatRequest::from("Hi");
    for (request, response) in [
        (&hi, call(Arguments::json("{"))),
        (&for_json(), text("no")),
        (
            &hi,
            answer(vec![Part::Native(native())], FinishKind::Other.into()),
        ),
    ] {
        read(policy, request, response).await.unwrap();
    }
    assert!(configured("strict", &json!({"loud": true})).is_err());
}
