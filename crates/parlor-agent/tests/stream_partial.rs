//! Values while they grow.

#![allow(clippy::unwrap_used)]

use parlor_agent::schemars::{self, JsonSchema};
use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
struct Story {
    title: String,
    chapters: Vec<String>,
}

const STORY: &str = r#"{"title": "The old house", "chapters": ["The door", "The stairs"]}"#;

fn title(title: &str, chapters: &[&str]) -> Story {
    Story {
        title: title.to_owned(),
        chapters: chapters.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn knowing(scripts: impl IntoIterator<Item = Script>, can: &[Capability]) -> Scripted {
    let mut info = ModelInfo::new("scripted", "script");
    info.capabilities = Capabilities::UNKNOWN.having(can);
    Scripted::new(scripts).with_info(info)
}

fn native(scripts: impl IntoIterator<Item = Script>) -> Scripted {
    knowing(scripts, &[Capability::JsonSchema])
}

async fn all<T, P>(mut partials: Partials<'_, T, P>) -> Vec<Partial<T, P>>
where
    P: serde::de::DeserializeOwned + Send,
{
    let mut all = Vec::new();
    while let Some(partial) = partials.next().await {
        all.push(partial.unwrap());
    }
    assert!(partials.next().await.is_none());
    all
}

fn expected() -> Vec<Story> {
    vec![
        title("", &[]),
        title("The ", &[]),
        title("The old ", &[]),
        title("The old house", &[]),
        title("The old house", &["The "]),
        title("The old house", &["The door"]),
        title("The old house", &["The door", "The "]),
        title("The old house", &["The door", "The stairs"]),
        title("The old house", &["The door", "The stairs"]),
    ]
}

#[tokio::test]
async fn a_value_grows_to_the_whole() {
    let model = native([Script::text(STORY)]);
    let values = all(model.stream_partial::<Story>("A story!")).await;
    let last = values.last().unwrap();
    assert!(matches!(last, Partial::Whole(whole) if whole.attempts == 1));
    let values: Vec<Story> = values.into_iter().map(Partial::into_value).collect();
    assert_eq!(values, expected());
}

#[tokio::test]
async fn words_around_it_and_tools_make_no_difference() {
    let worded = format!("Here {{you}} are: ```json {STORY}\n```");
    let model = knowing([Script::text(&worded)], &[Capability::Json]);
    let by_words = Extractor::<Story>::new().with_strategy(strategy());
    let values = all(by_words.stream(&model, "A story!")).await;
    let values: Vec<Story> = values.into_iter().map(Partial::into_value).collect();
    assert_eq!(values, expected());

    let head = CallHead::new("c1", "answer");
    let call = ToolCall::new("c1", "answer", Arguments::json(STORY));
    let mut script = Script::new()
        .event(Event::started(None, None, None))
        .event(Event::call_started(0, 0, head));
    // All but the end comes in pieces.
    let words: Vec<_> = STORY.split_inclusive(' ').collect();
    for word in &words[..words.len() - 1] {
        script = script.event(Event::ArgumentsDelta {
            choice: 0,
            part: 0,
            text: (*word).into(),
        });
    }
    let script = script
        .event(Event::part_finished_with(0, 0, Part::ToolCall(call)))
        .event(Event::finished(0, FinishKind::ToolCalls.into()))
        .event(Event::completed(None));
    let model = knowing([script], &[Capability::Tools, Capability::ToolChoice]);
    let values = all(model.stream_partial::<Story>("A story!")).await;
    let Partial::Whole(whole) = values.last().unwrap() else {
        panic!("{values:?}")
    };
    assert_eq!(whole.response.text(), STORY);
    let values: Vec<Story> = values.into_iter().map(Partial::into_value).collect();
    assert_eq!(values, expected());
}

fn strategy() -> ExtractStrategy {
    ExtractStrategy::Prompt
}

/// All of its fields are needed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
struct Step {
    action: Action,
    target: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    PickUp,
    Drop,
}

#[tokio::test]
async fn a_list_grows_by_whole_items_and_any_type_can_be_the_view() {
    let text = r#"{"answer": [ {"action": "pick_up", "target": "a red ball"}, {"action": "drop", "target": "it"} ]}"#;
    let model = native([Script::text(text), Script::text(text)]);
    let values = all(model.stream_partial::<Vec<Step>>("Plan!")).await;
    let lengths: Vec<_> = values.iter().map(|it| it.value().len()).collect();
    assert_eq!(lengths.first(), Some(&0));
    assert_eq!(lengths.last(), Some(&2));
    assert!(lengths.is_sorted(), "{lengths:?}");
    let one = values.iter().find(|it| it.value().len() == 1).unwrap();
    assert_eq!(one.value()[0].action, Action::PickUp);

    let view = Extractor::<Vec<Step>>::new().stream_as::<Value, _>(&model, "Plan!");
    let values = all(view).await;
    let red = json!([{"action": "pick_up", "target": "a red "}]);
    assert!(values.contains(&Partial::Growing(red)), "{values:?}");
    assert!(matches!(values.last(), Some(Partial::Whole(_))));
}

#[tokio::test]
async fn a_conversation_grows_values_too_and_corrects_them() {
    let wrong = r#"{"title": 5}"#;
    let model = native([Script::text(wrong), Script::text(STORY)]);
    let mut chat = Conversation::new(model.clone());
    let whole = chat.stream_partial::<Story>("A story!").finish().await;
    let whole = whole.unwrap();
    assert_eq!((whole.value.chapters.len(), whole.attempts), (2, 2));
    assert_eq!(chat.history().turns().len(), 1);
    assert_eq!(chat.history().turns()[0].text(), STORY);

    let model = native([Script::text(STORY).cut(5)]);
    let mut chat = Conversation::new(model);
    let mut partials = chat.stream_partial::<Story>("A story!");
    let mut last = None;
    let error = loop {
        match partials.next().await.unwrap() {
            Ok(partial) => last = Some(partial.into_value()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(last, Some(title("The old ", &[])));
    assert!(partials.next().await.is_none());
    drop(partials);
    assert_eq!(chat.history().turns()[0].state, TurnState::Interrupted);
}

#[tokio::test]
async fn readings_cost_no_square_of_the_length() {
    let long = json!({"title": "x ".repeat(40_000), "chapters": []}).to_string();
    let model = native([Script::text(&long)]);
    let values = all(model.stream_partial::<Story>("A story!")).await;
    let read: usize = values.iter().map(|it| it.value().title.len()).sum();
    assert!(values.len() > 500, "{}", values.len());
    assert!(read < 260 * long.len(), "{read}");
    assert_eq!(values.last().unwrap().value().title.len(), 80_000);
}
