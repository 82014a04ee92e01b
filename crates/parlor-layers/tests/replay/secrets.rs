//! Secrets, which no file may have.

use super::{around, fresh, nobody, open, read};
use parlor_core::*;
use parlor_layers::replay::{ReplayLayer, ReplayMode, ReplayPolicy};
use parlor_testkit::{Script, Scripted};
use serde_json::json;

const MINE: &str = "my-own-secret-9876";
const KEYS: &[&str] = &[
    MINE,
    "sk-abcdefghijklmnop1234",
    "AKIAIOSFODNN7EXAMPLE",
    "github_pat_11ABCDEFG0123456789",
    "xoxb-123456789012-abcdefgh",
    "hunter2hunter2",
];

#[tokio::test(start_paused = true)]
async fn no_secret_is_written_wherever_it_stands() {
    let path = fresh("secrets.jsonl");
    let mut policy = ReplayPolicy::new(ReplayMode::Record);
    policy.secrets = Scrub::new([Secret::new(MINE)]);
    let layer = ReplayLayer::open(&path, policy).unwrap();
    let spoken = KEYS[..5].join(" and ");
    let answer = || {
        let mut choice = Choice::new(0);
        let arguments = Arguments::from(json!({"key": KEYS[1]}));
        choice.message.parts = vec![
            Part::text(spoken.clone()),
            Part::ToolCall(ToolCall::new("c", "look", arguments)),
        ];
        choice.finish_reason = Some(FinishKind::ToolCalls.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        response
    };
    let refusal =
        Error::new(ErrorKind::Authentication, format!("wrong key {}", KEYS[1])).with_status(401);
    let model = Scripted::new([
        Script::response(answer()),
        Script::response(answer()),
        Script::refuses(refusal),
    ]);
    let layered = around(&model, &layer);
    let request = ChatRequest::from(format!("Use {spoken}"))
        .with_extra("house", "api_key", KEYS[5])
        .with_extra(
            "house",
            "headers",
            json!({"X-Client-Secret": KEYS[5], "kept": "plain"}),
        );
    assert_eq!(layered.chat(&request).await.unwrap().text(), spoken);
    read(layered.stream(&request).await.unwrap()).await;
    assert!(layered.ask("x").await.is_err());
    layer.save().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for key in KEYS {
        assert!(!text.contains(key), "{key} in {text}");
    }
    assert!(text.contains("plain"));
    // It is found all the same.
    let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
    let replayed = layered.chat(&request).await.unwrap().text();
    assert_eq!(replayed, "…9876 and …1234 and …MPLE and …6789 and …efgh");
    // And so is what was only different in a secret.
    let other = request.with_extra("house", "api_key", "another secret");
    let error = layered.chat(&other).await.unwrap_err();
    assert!(
        error.message().contains("`extra.house.api_key`")
            || error.message().ends_with("as a secret"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_pieces_is_found() {
    let secret = KEYS[1];
    let said = format!("é the key is {secret}. Keep it, {MINE}!");
    let chars: Vec<char> = said.chars().collect();
    for length in 1..chars.len() {
        let path = fresh("pieces.jsonl");
        let mut policy = ReplayPolicy::new(ReplayMode::Record);
        policy.secrets = Scrub::new([Secret::new(MINE)]);
        let pieces = chars.chunks(length).map(|piece| Event::TextDelta {
            choice: 0,
            part: 0,
            text: piece.iter().collect::<String>().into(),
        });
        let model = Scripted::new([Script::new()
            .event(Event::started(None, None, None))
            .event(Event::part_started(0, 0, PartKind::Text))
            .events(pieces)
            .event(Event::part_finished(0, 0))
            .event(Event::finished(0, FinishKind::Stop.into()))
            .event(Event::completed(None))]);
        let layer = ReplayLayer::open(&path, policy).unwrap();
        let stream = around(&model, &layer).ask_stream("x").await.unwrap();
        assert_eq!(stream.response().await.unwrap().text(), said);
        layer.save().unwrap();
        let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
        let (events, error) = read(layered.ask_stream("x").await.unwrap()).await;
        assert!(error.is_none());
        let replayed: String = events.iter().filter_map(Event::text).collect();
        let clean = Scrub::new([Secret::new(MINE)]).text(&said).into_owned();
        assert_eq!(replayed, clean);
    }
}
