//! Requests that weren't recorded, and files that can't be read.

use super::{around, fresh, nobody, open, read};
use parlor_core::*;
use parlor_layers::replay::{ReplayLayer, ReplayMode, ReplayPolicy};
use parlor_testkit::Scripted;
use std::path::Path;

async fn record(path: &Path, asks: &[ChatRequest]) {
    let layered = around(&Scripted::answering("Hello"), &open(path, ReplayMode::Auto));
    for ask in asks {
        layered.chat(ask).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_miss_names_the_nearest_and_what_differs() {
    let path = fresh("miss.jsonl");
    let far = ChatRequest::from("Something else").with_system("Be brief.");
    record(&path, &[far, ChatRequest::from("Why is the sky blue?")]).await;
    let model = nobody();
    let layered = around(&model, &open(&path, ReplayMode::Replay));
    let near = ChatRequest::from("Why is the sky red?").with_temperature(0.5);
    let error = layered.chat(&near).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Validation, Retry::Never)
    );
    let message = error.message();
    assert!(
        message.contains("this call of scripted/script isn't recorded in"),
        "{message}"
    );
    assert!(
        message.ends_with(
            "the nearest is number 2, with other `messages[0].parts[0].text` (\"Why is the sky \
             blue?\" there, \"Why is the sky red?\" here), `temperature` (nothing there, 0.5 here)"
        ),
        "{message}"
    );
    assert!(error.help().contains("Auto"));
    assert_eq!(model.exchanges().begun, 0);
}

#[tokio::test(start_paused = true)]
async fn a_miss_tells_of_numbers_kinds_and_models() {
    let path = fresh("kinds.jsonl");
    let ask = ChatRequest::from("x");
    record(&path, std::slice::from_ref(&ask)).await;
    let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
    let said = |error: Error| error.message().to_owned();
    let streamed = said(layered.stream(&ask).await.unwrap_err());
    assert!(
        streamed.ends_with("it was recorded as a call"),
        "{streamed}"
    );
    layered.chat(&ask).await.unwrap();
    let again = said(layered.chat(&ask).await.unwrap_err());
    assert!(
        again.ends_with("it was recorded once, and this is number 2"),
        "{again}"
    );
    let other = nobody().with_info(ModelInfo::new("house", "other"));
    let layered = around(&other, &open(&path, ReplayMode::Replay));
    let other = said(layered.chat(&ask).await.unwrap_err());
    assert!(
        other.ends_with("with other `model` (\"scripted/script\" there, \"house/other\" here)"),
        "{other}"
    );
}

#[test]
fn nothing_to_replay_is_told_at_once() {
    for name in ["none.jsonl", "none"] {
        let policy = ReplayPolicy::new(ReplayMode::Replay);
        let error = ReplayLayer::open(fresh(name), policy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(
            error.message().starts_with("there are no recordings at"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_cant_be_read_says_where() {
    let path = fresh("bad.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    for (text, why) in [
        ("\n{\"event\": 1}\n", "line 2"),
        ("{\"opened\": {}}\n", "a recording begins with its request"),
        ("no json", "line 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = ReplayLayer::open(&path, ReplayPolicy::new(ReplayMode::Auto)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(why), "{error}");
        // And it is left as it is.
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cant_be_written_fails_the_save_only() {
    let path = fresh("file.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "").unwrap();
    // A file stands where the folder should be.
    let layer = open(&path.join("below.jsonl"), ReplayMode::Record);
    let layered = around(&Scripted::answering("Hello"), &layer);
    read(layered.ask_stream("x").await.unwrap()).await;
    let error = layer.save().unwrap_err();
    assert!(error.message().contains("can't be written"), "{error}");
}
