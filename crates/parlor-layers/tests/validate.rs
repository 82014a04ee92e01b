//! What the validate layer refuses, and what it says of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_core::*;
use parlor_layers::validate::{ValidateLayer, ValidatePolicy};
use parlor_layers::{Stack, configured};
use parlor_testkit::{Scripted, layer_suite};
use serde_json::json;
use std::sync::Arc;

const MIB: usize = 1024 * 1024;

/// The error of a request, and that nothing was sent, called or streamed.
async fn refused(policy: ValidatePolicy, request: ChatRequest) -> (ErrorKind, String) {
    let mut info = ModelInfo::new("house", "model");
    info.context_window = Some(1000);
    let model = Scripted::answering("Hello").with_info(info);
    let layered = model.clone().layer(ValidateLayer::new(policy));
    let error = layered.chat(&request).await.unwrap_err();
    let streamed = layered.stream(&request).await.unwrap_err();
    assert_eq!(streamed.message(), error.message());
    assert_eq!(model.exchanges().begun, 0);
    assert_eq!(error.retry(), Retry::Never);
    (error.kind(), error.message().to_owned())
}

async fn says(policy: ValidatePolicy, request: ChatRequest, expected: &str) {
    let refused = refused(policy, request).await;
    assert_eq!(refused, (ErrorKind::Validation, expected.to_owned()));
}

/// What the model is asked instead of this request.
async fn sent(policy: ValidatePolicy, request: &ChatRequest) -> ChatRequest {
    let model = Scripted::answering("Hello");
    let layered = model.clone().layer(ValidateLayer::new(policy));
    layered.chat(request).await.unwrap();
    model.requests().remove(0)
}

fn policy(set: impl FnOnce(&mut ValidatePolicy)) -> ValidatePolicy {
    let mut policy = ValidatePolicy::default();
    set(&mut policy);
    policy
}

fn default() -> ValidatePolicy {
    ValidatePolicy::default()
}

fn asking(set: impl FnOnce(&mut ChatRequest)) -> ChatRequest {
    let mut request = ChatRequest::from("Hi");
    set(&mut request);
    request
}

fn image(bytes: usize) -> Media {
    Media::bytes("image/png", vec![1; bytes])
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    let trimming = policy(|it| it.trim = true);
    for policy in [default(), trimming] {
        layer_suite(|inner: Arc<dyn ChatModel>| ValidateLayer::new(policy.clone()).layer(inner))
            .await;
    }
}

#[tokio::test]
async fn there_must_be_something_to_answer() {
    let none = ChatRequest::default();
    says(default(), none, "the request has no message").await;
    let blank = ChatRequest::from(" \n").with_system("Be brief.");
    says(default(), blank.clone(), "message 2 (user) is blank").await;
    let no_parts = Message::new(Role::User, Vec::new());
    says(default(), no_parts.into(), "message 1 (user) is blank").await;
    assert_eq!(
        sent(policy(|it| it.allow_blank = true), &blank).await,
        blank
    );

    // Only what the user said last must not be blank.
    let picture = ChatRequest::from(Message::user("").with(image(1)));
    assert_eq!(sent(default(), &picture).await, picture);
    let results =
        ChatRequest::from("").with_message(Message::tool_results([ToolResult::text("c", "")]));
    assert_eq!(sent(default(), &results).await, results);
}

#[tokio::test]
async fn length_is_limited() {
    let short = policy(|it| it.max_chars = Some(5));
    let expected = "the number of characters is 6, and at most 5 may be sent";
    says(short.clone(), "äöüäöü".into(), expected).await;
    let result = ToolResult::text("c", "ööö");
    let call = ToolCall::new("c", "look", Arguments::json("{ }"));
    let request = ChatRequest::new([
        Message::new(Role::Assistant, vec![call.into()]),
        Message::tool_results([result]),
    ]);
    says(short.clone(), request, expected).await;
    let fits = ChatRequest::from("äöüäö");
    assert_eq!(sent(short, &fits).await, fits);

    let many = ChatRequest::new(vec![Message::user("Hi"); 3]);
    let expected = "the number of messages is 3, and at most 2 may be sent";
    says(policy(|it| it.max_messages = Some(2)), many, expected).await;
}

#[tokio::test]
async fn a_conversation_fits_its_window() {
    let long = "word ".repeat(1300);
    let (kind, message) = refused(default(), long.as_str().into()).await;
    assert_eq!(kind, ErrorKind::ContextTooLong);
    assert!(message.contains("about 1625 tokens") && message.contains("house/model has 1000"));

    let check = |policy: &ValidatePolicy, request: &ChatRequest| {
        let mut info = ModelInfo::new("house", "model");
        info.context_window = Some(1000);
        policy.check(request, &info).is_ok()
    };
    assert!(!check(&default(), &long.as_str().into()));
    assert!(check(&default(), &"word ".repeat(1200).into()));
    assert!(check(
        &policy(|it| it.window_tolerance = None),
        &long.as_str().into()
    ));
    assert!(!check(
        &policy(|it| it.window_tolerance = Some(1.0)),
        &"word ".repeat(900).into()
    ));
    // Reasoning may stay behind.
    let mut request = ChatRequest::from("Hi");
    let thought = Message::new(Role::Assistant, vec![Reasoning::new(long).into()]);
    request.messages.insert(0, thought);
    assert!(check(&default(), &request));
}

#[tokio::test]
async fn media_are_limited() {
    let video = Media::url(MediaKind::Video, "https://example.org/film");
    let request = ChatRequest::from(Message::user("Look").with(video));
    let images = policy(|it| it.media_kinds = Some(vec![MediaKind::Image]));
    let expected = "message 1 (user), part 2 is a video, which may not be sent";
    says(
        images.clone(),
        request.with_system("x"),
        "message 2 (user), part 2 is a video, which may not be sent",
    )
    .await;

    let mut result = ToolResult::text("c", "seen");
    result
        .parts
        .push(Media::url(MediaKind::Video, "https://example.org/film").into());
    let request = ChatRequest::new([Message::tool_results([result])]);
    let expected = expected.replace("(user), part 2", "(tool), part 1");
    says(images, request, &expected).await;

    let large = || ChatRequest::from(Message::user("Look").with(image(MIB + 1)));
    let small = policy(|it| it.max_media_bytes = Some(MIB as u64));
    let expected = "message 1 (user), part 2: the number of its bytes is 1048577, and at most \
                    1048576 may be sent";
    says(small, large(), expected).await;
    assert_eq!(sent(default(), &large()).await, large());

    let two = || ChatRequest::from(Message::user("Look").with(image(60)).with(image(60)));
    let expected = "the number of bytes of all media is 120, and at most 100 may be sent";
    says(
        policy(|it| it.max_media_total_bytes = Some(100)),
        two(),
        expected,
    )
    .await;
    let expected = "the number of media is 2, and at most 1 may be sent";
    says(policy(|it| it.max_media = Some(1)), two(), expected).await;
    let empty = ChatRequest::from(Message::user("Look").with(image(0)));
    let expected = "message 1 (user), part 2 is an image without any bytes";
    says(default(), empty, expected).await;
}

#[tokio::test]
async fn tools_have_names_of_their_own() {
    let tools = |names: &[&str]| {
        let tool = |name: &&str| ToolDefinition::function(*name, "A tool.", json!({}));
        asking(|it| it.tools = names.iter().map(tool).collect())
    };
    says(default(), tools(&["look", " "]), "tool 2 has no name").await;
    let expected = "tool 3 is called `look` as another one is";
    says(default(), tools(&["look", "go", "look"]), expected).await;
    let expected = "the number of tools is 2, and at most 1 may be sent";
    says(
        policy(|it| it.max_tools = Some(1)),
        tools(&["a", "b"]),
        expected,
    )
    .await;

    let mut chosen = tools(&["look"]);
    chosen.tool_choice = Some(ToolChoice::Tool("go".to_owned()));
    let expected = "`tool_choice` names `go`, and no tool is called so";
    says(default(), chosen.clone(), expected).await;
    let native = Native::new(Origin::new("house", "d"), json!({"type": "go"}));
    chosen.tools.push(ToolDefinition::Native(native));
    assert_eq!(sent(default(), &chosen).await, chosen);

    let none = asking(|it| it.tool_choice = Some(ToolChoice::Required));
    says(default(), none, "a tool must be called and there is none").await;
}

#[tokio::test]
async fn settings_are_within_their_ranges() {
    type Set = fn(&mut ChatRequest);
    let cases: [(Set, &str); 10] = [
        (
            |it| it.temperature = Some(2.5),
            "`temperature` is 2.5, and must be from 0 to 2",
        ),
        (
            |it| it.temperature = Some(-0.1),
            "`temperature` is -0.1, and must be from 0 to 2",
        ),
        (
            |it| it.temperature = Some(f64::NAN),
            "`temperature` is NaN, which is no number to send",
        ),
        (
            |it| it.top_p = Some(1.01),
            "`top_p` is 1.01, and must be from 0 to 1",
        ),
        (
            |it| it.presence_penalty = Some(-3.0),
            "`presence_penalty` is -3, and must be from -2 to 2",
        ),
        (
            |it| it.top_k = Some(0),
            "`top_k` is 0, and must be at least 1",
        ),
        (|it| it.n = Some(0), "`n` is 0, and must be at least 1"),
        (
            |it| it.max_output_tokens = Some(0),
            "`max_output_tokens` is 0, and must be at least 1",
        ),
        (
            |it| it.top_logprobs = Some(21),
            "`top_logprobs` is 21, and must be at most 20",
        ),
        (
            |it| it.stop = vec![String::new()],
            "`stop` has an empty text",
        ),
    ];
    for (set, expected) in cases {
        says(default(), asking(set), expected).await;
    }
    let warm = asking(|it| it.temperature = Some(2.5));
    let wide = policy(|it| it.temperature = Some([0.0, 5.0]));
    assert_eq!(sent(wide, &warm).await, warm);
    let long = asking(|it| it.max_output_tokens = Some(11));
    let expected = "`max_output_tokens` is 11, and must be at most 10";
    says(policy(|it| it.max_output_tokens = Some(10)), long, expected).await;
}

#[tokio::test]
async fn trimming_changes_what_people_wrote_and_nothing_else() {
    let native = Native::new(Origin::new("house", "d"), json!(1));
    let request = ChatRequest::new([
        Message::system(" Be brief.\n"),
        Message::assistant(" yes "),
        Message::user(" Hi ").with(Part::text(" kept ").with_native(native)),
    ]);
    assert_eq!(sent(default(), &request).await, request);
    let trimmed = sent(policy(|it| it.trim = true), &request).await;
    let mut expected = request.clone();
    expected.messages[0] = Message::system("Be brief.");
    expected.messages[2].parts[0] = Part::text("Hi");
    assert_eq!(trimmed, expected);
}

#[test]
fn a_policy_is_data() {
    let read = |text| serde_json::from_str::<ValidatePolicy>(text);
    let told = read(r#"{"trim": true, "media_kinds": ["image"], "max_media": false}"#).unwrap();
    let expected = policy(|it| {
        it.trim = true;
        it.media_kinds = Some(vec![MediaKind::Image]);
        it.max_media = None;
    });
    assert_eq!(told, expected);
    assert!(read(r#"{"trimm": true}"#).is_err());
    assert!(read(r#"{"max_media": true}"#).is_err());
    let json = serde_json::to_string(&told).unwrap();
    assert_eq!(read(&json).unwrap(), expected);
}

#[tokio::test]
async fn a_configuration_can_ask_for_it() {
    let layer = configured("validate", &json!({"temperature": [0.0, 1.0]})).unwrap();
    let model = Scripted::answering("Hello");
    let layered = model.layer(Stack::new().with_configured(layer).build().unwrap());
    let error = layered
        .ask(ChatRequest::from("Hi").with_temperature(1.5))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Validation);
    let error = configured("validate", &json!({"max_chars": "many"})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
