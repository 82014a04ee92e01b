//! What the redact layer takes out, and how it comes back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use fastrand::Rng;
use parlor_core::*;
use parlor_layers::redact::{RedactLayer, RedactPattern, RedactPolicy};
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted, layer_suite};
use serde_json::{Value, json};
use std::sync::Arc;

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const KEY: &str = "sk-abcdefghijklmnop1234";
const CARD: &str = "4111 1111 1111 1111";
/// What stands escaped in JSON.
const QUOTED: &str = "<a \"b\\c\"\n>";

fn layer() -> RedactLayer {
    let mut policy = RedactPolicy::default();
    policy.secrets = vec![Secret::new("my-own-secret")];
    policy.patterns = vec![RedactPattern::new("TAG", "<[^>]*>").unwrap()];
    RedactLayer::new(policy)
}

/// The request as it was sent.
async fn sent(request: impl Into<ChatRequest>) -> ChatRequest {
    let model = Scripted::answering("Hello");
    let layered = model.clone().layer(layer());
    layered.chat(&request.into()).await.unwrap();
    model.requests().remove(0)
}

async fn sent_text(text: &str) -> String {
    sent(text).await.messages[0].text()
}

fn finished(parts: Vec<Part>) -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response
}

/// The events with their texts cut into pieces of so many characters.
fn cut(events: Vec<Event>, mut length: impl FnMut() -> usize) -> Vec<Event> {
    let mut cut = Vec::new();
    for event in events {
        let (Event::TextDelta { text, .. }
        | Event::ReasoningDelta { text, .. }
        | Event::ArgumentsDelta { text, .. }) = &event
        else {
            cut.push(event);
            continue;
        };
        let mut rest: Vec<char> = text.chars().collect();
        while !rest.is_empty() {
            let piece: String = rest.drain(..length().clamp(1, rest.len())).collect();
            let mut event = event.clone();
            if let Event::TextDelta { text, .. }
            | Event::ReasoningDelta { text, .. }
            | Event::ArgumentsDelta { text, .. } = &mut event
            {
                *text = piece.into();
            }
            cut.push(event);
        }
    }
    cut
}

/// What the caller reads where the model answers this, called and streamed in
/// pieces of every length.
async fn read(request: ChatRequest, answer: ChatResponse) -> ChatResponse {
    let whole = answer.clone();
    let model = Scripted::with(move |_, _| Some(Script::response(whole.clone())));
    let called = model.layer(layer()).chat(&request).await.unwrap();
    for length in 1..12 {
        let events = cut(answer.clone().into_events(), || length);
        let model = Scripted::new([Script::new().events(events)]);
        let mut stream = model.layer(layer()).stream(&request).await.unwrap();
        let mut grammar = Grammar::new();
        while let Some(item) = stream.next().await {
            grammar.check(&item).unwrap();
            item.unwrap();
        }
        grammar.finish().unwrap();
        assert_eq!(stream.stop(), called, "in pieces of {length}");
    }
    called
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    layer_suite(|inner| layer().layer(inner)).await;
}

#[tokio::test]
async fn what_must_not_leave_stays_here() {
    let text = format!("{ANN} and {BOB}, {ANN}: {KEY}, {CARD}, my-own-secret {QUOTED}.");
    let expected = "[EMAIL_1] and [EMAIL_2], [EMAIL_1]: [KEY_1], [CARD_1], [KEY_2] [TAG_1].";
    assert_eq!(sent_text(&text).await, expected);
    assert_eq!(sent_text("nothing [here]").await, "nothing [here]");
    // What the user wrote is no placeholder of ours.
    let text = format!("[EMAIL_1] [EMAIL_2]] {ANN}");
    assert_eq!(sent_text(&text).await, "[EMAIL_1] [EMAIL_2]] [EMAIL_3]");
}

#[tokio::test]
async fn every_text_of_a_request_is_searched() {
    let arguments =
        r#"{"to": "ann\u0040example.org", "n": 4111111111111111, "ann@example.org": [1]}"#;
    let call = ToolCall::new("c", "send", Arguments::json(arguments));
    let cut = ToolCall::new("d", "send", Arguments::cut(r#"{"to": "bob@example.org"#));
    let mut text = Text::new("see there");
    let mut citation = Citation::default();
    citation.quote = Some(format!("by {ANN}"));
    text.citations.push(citation);
    let request = ChatRequest::new([
        Message::system(format!("You are {BOB}.")),
        Message::new(
            Role::Assistant,
            vec![
                Reasoning::new(format!("{ANN}?")).into(),
                text.into(),
                call.into(),
                cut.into(),
            ],
        ),
        Message::tool_results([ToolResult::text("c", format!("sent to {ANN}"))]),
    ]);
    let sent = sent(request).await;
    let json = serde_json::to_string(&sent).unwrap();
    assert!(
        !json.contains("example.org") && !json.contains("1111"),
        "{json}"
    );
    let said = &sent.messages[1].parts;
    let Part::ToolCall(call) = &said[2] else {
        panic!("{said:?}")
    };
    let expected = r#"{"to":"[EMAIL_2]","n":"[CARD_1]","[EMAIL_2]":[1]}"#;
    assert_eq!(call.arguments.text, expected);
    let Part::ToolCall(cut) = &said[3] else {
        panic!("{said:?}")
    };
    assert_eq!(cut.arguments, Arguments::cut(r#"{"to": "[EMAIL_1]"#));
}

#[tokio::test]
async fn a_growing_conversation_keeps_its_placeholders() {
    let mut request = ChatRequest::from(format!("{BOB} and {ANN}"));
    let first = sent(request.clone()).await;
    request.messages.push(Message::assistant(ANN));
    request.messages.push(Message::user("carl@example.org"));
    let second = sent(request).await;
    assert_eq!(second.messages[0], first.messages[0]);
    assert_eq!(second.messages[1].text(), "[EMAIL_2]");
    assert_eq!(second.messages[2].text(), "[EMAIL_3]");
}

#[tokio::test]
async fn native_items_survive_both_ways() {
    let home = Origin::new("house", "d");
    let native = || Native::new(home.clone(), json!({"signature": "s"}));
    let thought: Part = Reasoning::new("write to [EMAIL_1]").into();
    let answer = finished(vec![thought.with_native(native()), Part::text("done")]);
    let request = ChatRequest::from(ANN);
    let answer = read(request.clone(), answer).await;
    assert_eq!(answer.reasoning(), format!("write to {ANN}"));
    let part = &answer.choices[0].message.parts[0];
    assert!(part.native_for(&home).is_some());

    let message = answer.choices[0].message.clone();
    let sent = sent(request.with_message(message)).await;
    let part = &sent.messages[1].parts[0];
    assert_eq!(sent.messages[1].reasoning(), "write to [EMAIL_1]");
    assert!(part.native_for(&home).is_some());

    // One that was edited before stays invalid.
    let mut edited = part.clone();
    if let Part::Reasoning(reasoning) = &mut edited {
        reasoning.text = format!("not to {ANN}");
    }
    let message = Message::new(Role::Assistant, vec![edited]);
    let sent = self::sent(message).await;
    assert_eq!(sent.messages[0].reasoning(), "not to [EMAIL_1]");
    assert!(sent.messages[0].parts[0].native_for(&home).is_none());
}

#[tokio::test(start_paused = true)]
async fn answers_say_what_was_taken_out() {
    let request = ChatRequest::from(format!("{ANN} {BOB} {QUOTED}"));
    let mut citing = Text::new("[EMAIL_2]");
    let mut citation = Citation::default();
    citation.quote = Some("of [EMAIL_1]".to_owned());
    citing.citations.push(citation);
    let arguments = r#"{"to": ["[EMAIL_1]"], "tag": "[TAG_1]"}"#;
    let said = "[[EMAIL_1][EMAIL_2], [TAG_1] [EMAIL_3] [EMAIL_ [x] [EMAIL_2";
    let answer = finished(vec![
        Reasoning::new("[TAG_1]!").into(),
        Part::text(said),
        citing.into(),
        ToolCall::new("c", "send", Arguments::json(arguments)).into(),
        ToolCall::new("d", "say", Arguments::text("[TAG_1]")).into(),
        Refusal::new("not [EMAIL_2]").into(),
    ]);
    let read = read(request, answer).await;
    let parts = &read.choices[0].message.parts;
    let text = format!("[{ANN}{BOB}, {QUOTED} [EMAIL_3] [EMAIL_ [x] [EMAIL_2");
    assert_eq!(parts[1], Part::text(text));
    assert_eq!(read.reasoning(), format!("{QUOTED}!"));
    let Part::Text(citing) = &parts[2] else {
        panic!("{parts:?}")
    };
    let quote = citing.citations[0].quote.clone();
    assert_eq!(
        (citing.text.as_str(), quote),
        (BOB, Some(format!("of {ANN}")))
    );
    let arguments: Vec<Value> = read
        .tool_calls()
        .map(|it| it.arguments.parse().unwrap())
        .collect();
    assert_eq!(
        arguments,
        [json!({"to": [ANN], "tag": QUOTED}), json!(QUOTED)]
    );
    assert_eq!(parts[5], Refusal::new(format!("not {BOB}")).into());
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_json_stays_json() {
    let request = ChatRequest::from(QUOTED).with_output(OutputFormat::Json);
    let answer = finished(vec![Part::text(r#"{"tag": "[TAG_1]"}"#)]);
    let read = read(request, answer).await;
    let json: Value = serde_json::from_str(&read.text()).unwrap();
    assert_eq!(json, json!({"tag": QUOTED}));
}

#[tokio::test(start_paused = true)]
async fn a_break_loses_nothing() {
    let broken = || Error::new(ErrorKind::Server, "broken");
    let words = |text: &str| {
        let events = cut(finished(vec![Part::text(text)]).into_events(), || 3);
        let last = events.iter().rposition(|it| it.text().is_some()).unwrap();
        Script::new().events(events.into_iter().take(last + 1))
    };
    let said = "to [EMAIL_1] or [EMAIL";
    let expected = format!("to {ANN} or [EMAIL");
    for script in [words(said).fails(broken()), words(said)] {
        let model = Scripted::new([script]);
        let stream = model.layer(layer()).ask_stream(ANN).await.unwrap();
        let error = stream.response().await.unwrap_err();
        assert_eq!(error.partial().unwrap().text(), expected);
    }
    let model = Scripted::new([words(said).fails(broken())]);
    let error = model.layer(layer()).ask(ANN).await.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), expected);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_pieces_the_caller_reads_the_same() {
    for seed in 0..1500 {
        let rng = &mut Rng::with_seed(seed);
        let words = [
            ANN,
            BOB,
            KEY,
            CARD,
            QUOTED,
            "[EMAIL_1]",
            "[",
            "]",
            "[EMAIL_",
            "[KEY_12",
            " ",
            "and",
        ];
        let text: String = (0..rng.usize(1..30))
            .flat_map(|_| [*rng.choice(&words).unwrap(), " "])
            .collect();
        let seed_of_cuts = rng.u64(..);
        let model = Scripted::with(move |_, request| {
            let mut rng = Rng::with_seed(seed_of_cuts);
            let text = request.messages[0].text();
            let events = finished(vec![Part::text(text)]).into_events();
            Some(Script::new().events(cut(events, || rng.usize(1..9))))
        });
        let layered = model.clone().layer(layer());
        let mut stream = layered.ask_stream(text.as_str()).await.unwrap();
        let most = match rng.bool() {
            true => usize::MAX,
            false => rng.usize(0..20),
        };
        let mut told = String::new();
        for _ in 0..most {
            match stream.next().await {
                Some(item) => told.push_str(item.unwrap().text().unwrap_or_default()),
                None => {
                    assert_eq!(told, text, "seed {seed}");
                    break;
                }
            }
        }
        assert!(text.starts_with(&told), "seed {seed}");
        drop(stream);
        assert_eq!(model.exchanges().open, 0);
        let sent = model.requests()[0].messages[0].text();
        for secret in [ANN, BOB, KEY, CARD, QUOTED] {
            assert!(!sent.contains(secret), "seed {seed}: {sent}");
        }
    }
}

#[tokio::test]
async fn a_configuration_can_ask_for_it() {
    let settings = json!({"emails": false, "phones": true, "patterns": {"TICKET": "T-\\d{6}"}});
    let layer = configured("redact", &settings).unwrap();
    let model = Scripted::answering("Hello");
    let stack = Stack::new().with_configured(layer).build().unwrap();
    let layered = model.clone().layer(stack);
    layered
        .ask(format!("{ANN} +49 30 901820 T-123456"))
        .await
        .unwrap();
    let expected = format!("{ANN} [PHONE_1] [TICKET_1]");
    assert_eq!(model.requests()[0].messages[0].text(), expected);
    for (settings, expected) in [
        (
            json!({"patterns": {"ticket": "T"}}),
            "can't be called `ticket`",
        ),
        (
            json!({"patterns": {"TICKET": "("}}),
            "the pattern `TICKET` can't be read",
        ),
        (json!({"mails": true}), "unknown field"),
    ] {
        let error = configured("redact", &settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn an_event_costs_no_allocation() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let allocations = |words: usize, layered: bool| {
        let scripted = Arc::new(Scripted::answering("word ".repeat(words)));
        let model: Arc<dyn ChatModel> = match layered {
            true => layer().layer(scripted),
            false => scripted,
        };
        let measured = allocation_counter::measure(|| {
            runtime.block_on(async {
                let stream = model.ask_stream(ANN).await.unwrap();
                stream.response().await.unwrap();
            });
        });
        i64::try_from(measured.count_total).unwrap()
    };
    let added = |words| allocations(words, true) - allocations(words, false);
    assert_eq!(added(10), added(2000));
}

#[tokio::test]
async fn nothing_that_was_taken_out_prints() {
    let model = Scripted::answering("Hello").layer(layer());
    let stream = model.ask_stream(ANN).await.unwrap();
    let shown = format!("{model:?} {stream:?}");
    assert!(
        !shown.contains("ann") && !shown.contains("my-own"),
        "{shown}"
    );
}
