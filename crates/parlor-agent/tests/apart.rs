//! Answers whose written reasoning comes apart from the solution.

#![allow(clippy::unwrap_used)]

use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use proptest::prelude::*;
use std::sync::Arc;

/// What a model is scripted to say, in these pieces of one text part.
fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Script {
    Script::new()
        .events([
            Event::started(None, None, None),
            Event::part_started(0, 0, PartKind::Text),
        ])
        .events(pieces.into_iter().map(|text| Event::TextDelta {
            choice: 0,
            part: 0,
            text: text.into(),
        }))
}

fn ended(script: Script) -> Script {
    script.events([
        Event::part_finished(0, 0),
        Event::finished(0, FinishKind::Stop.into()),
        Event::completed(None),
    ])
}

fn apart(script: Script) -> Apart {
    Apart::new(Arc::new(Scripted::new([script])))
}

/// The events, held to the grammar, and the response that they amount to.
async fn streamed(script: Script) -> (Vec<Event>, Result<ChatResponse>) {
    let mut stream = apart(script).ask_stream("Why?").await.unwrap();
    let (mut grammar, mut events) = (Grammar::default(), Vec::new());
    while let Some(event) = stream.next().await {
        grammar.check(&event).unwrap();
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Err(error)),
        }
    }
    grammar.finish().unwrap();
    (events, Ok(stream.stop()))
}

fn both(response: &ChatResponse) -> (String, String) {
    (response.reasoning(), response.text())
}

fn pair(reasoning: &str, text: &str) -> (String, String) {
    (reasoning.to_owned(), text.to_owned())
}

#[tokio::test]
async fn sections_come_apart() {
    let cases = [
        (
            "<reasoning>\na\n\nb\n</reasoning>\n<solution>\nc\n</solution>\n",
            "a\n\nb",
            "c",
        ),
        ("\n<Thinking>a</THINKING>\n\nb\n", "a", "b\n"),
        ("<think>a</think><answer>b</answer>", "a", "b"),
        (
            "Sure:\n<reasoning>a</reasoning>\nSo:\n<solution>b</solution>",
            "a",
            "Sure:\nSo:\nb",
        ),
        // Never closed.
        ("<reasoning>a\n<solution>b", "a", "b"),
        ("<reasoning>a </rea", "a </rea", "a </rea"),
        ("<think>a</think>\n<think>b", "ab", "ab"),
        ("Hm.\n<think>a", "a", "Hm.\n"),
        ("<reasoning>a</reasoning>", "a", ""),
        ("<solution>b", "", "b"),
        // What speaks of tags, or is like them.
        (
            "<reasoning>a, then <solution> comes</reasoning><solution>if a < b <c></solution>",
            "a, then <solution> comes",
            "if a < b <c>",
        ),
        (
            "Write <reasoning>x</reasoning>.",
            "",
            "Write <reasoning>x</reasoning>.",
        ),
        ("<reason>a</reason>", "", "<reason>a</reason>"),
        (
            "<solution>\n<think>x</think>\n</solution>",
            "",
            "<think>x</think>",
        ),
        // What follows the solution is no part of it.
        ("<solution>b</solution> Bye! ", "Bye! ", "b"),
        ("  \n", "", "  \n"),
        (" é <ß> ", "", " é <ß> "),
        ("", "", ""),
    ];
    for (text, reasoning, solution) in cases {
        let script = || ended(pieces(Some(text).filter(|it| !it.is_empty())));
        let whole = apart(script()).ask("Why?").await.unwrap();
        assert_eq!(both(&whole), pair(reasoning, solution), "{text:?}");
        let (_, response) = streamed(script()).await;
        assert_eq!(response.unwrap().choices, whole.choices, "{text:?}");
    }
}

#[tokio::test]
async fn a_text_without_tags_comes_as_it_is() {
    let said = ["It ", "is\n", "<", "b>\n", "so. "];
    let (events, response) = streamed(ended(pieces(said))).await;
    let texts: Vec<_> = events.iter().filter_map(Event::text).collect();
    // Only what may be a tag waits.
    assert_eq!(texts, ["It ", "is\n", "<b>\n", "so. "]);
    assert_eq!(response.unwrap().message().unwrap().parts.len(), 1);
}

#[tokio::test]
async fn reasoning_comes_while_it_is_written() {
    let said = [
        "<reas",
        "oning>",
        "One",
        ", two",
        "\n</",
        "reasoning>",
        "Three",
    ];
    let (events, _) = streamed(ended(pieces(said))).await;
    let shown: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::ReasoningDelta { text, .. } => Some(("reasoning", &**text)),
            Event::TextDelta { text, .. } => Some(("text", &**text)),
            _ => None,
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("reasoning", "One"),
            ("reasoning", ", two"),
            ("text", "Three")
        ]
    );
}

#[tokio::test]
async fn what_came_before_a_cut_stands_in_its_place() {
    let cut = || pieces(["<reasoning>a</reasoning>", "<solution>b </so"]);
    let (_, ended_early) = streamed(cut()).await;
    let (events, failed) = streamed(cut().fails(Error::new(ErrorKind::Server, "gone"))).await;
    let (_, in_reasoning) = streamed(pieces(["<reasoning>a <"])).await;
    for (response, wanted) in [
        (ended_early, pair("a", "b </so")),
        (failed, pair("a", "b </so")),
        (in_reasoning, pair("a <", "")),
    ] {
        let error = response.unwrap_err();
        assert_eq!(both(error.partial().unwrap()), wanted);
    }
    assert_eq!(
        events.iter().filter_map(Event::text).collect::<String>(),
        "b </so"
    );
    // A failure that brings what had come.
    let mut choice = Choice::new(0);
    choice.message.parts = vec![Part::text("<think>a</think>b")];
    let mut partial = ChatResponse::default();
    partial.choices = vec![choice];
    let error = Error::new(ErrorKind::Server, "gone").with_partial(partial);
    let error = apart(Script::refuses(error)).ask("Why?").await.unwrap_err();
    assert_eq!(both(error.partial().unwrap()), pair("a", "b"));
}

#[tokio::test]
async fn other_parts_pass_and_keep_their_order() {
    let origin = Origin::new("scripted", "script");
    let native = || Native::new(origin.clone(), serde_json::json!({"signature": "s"}));
    let mut choice = Choice::new(0);
    choice.message.parts = vec![
        Part::Reasoning(Reasoning::new("Own.")).with_native(native()),
        Part::text("<think>Written.</think>Said.").with_native(native()),
        Part::ToolCall(ToolCall::new("1", "add", Arguments::json("{}"))),
        Part::text("Left as it is.").with_native(native()),
        Part::text("").with_native(native()),
        Part::Refusal(Refusal::new("<think>No.</think>")),
    ];
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut wanted = choice.message.parts.clone();
    wanted.splice(
        1..2,
        [
            Part::Reasoning(Reasoning::new("Written.")),
            Part::text("Said."),
        ],
    );
    let mut response = ChatResponse::default();
    response.choices = vec![choice];
    let (_, streamed) = streamed(Script::response(response.clone())).await;
    let whole = apart(Script::response(response)).ask("Why?").await.unwrap();
    assert_eq!(whole.message().unwrap().parts, wanted);
    assert_eq!(streamed.unwrap().choices, whole.choices);
}

#[tokio::test]
async fn a_request_is_thought_through_as_its_model_can() {
    let said = "<reasoning>a</reasoning><solution>b</solution>";
    let request = || {
        let mut request = ChatRequest::from("Is 7 prime?");
        request.messages.push(Message::assistant("Which 7?"));
        request
    };
    let writes = Scripted::answering(said);
    let think = Think::of_request().with_steps(["Divide."]);
    let model = Apart::new(Arc::new(writes.clone())).thinking(think.clone());
    assert_eq!(both(&model.chat(&request()).await.unwrap()), pair("a", "b"));
    let sent = &writes.requests()[0];
    assert_eq!((sent.messages.len(), &sent.reasoning), (2, &None));
    let asked = sent.messages[0].text();
    assert!(
        asked.starts_with("Is 7 prime?\n\nGo through these steps:\n1. Divide.\n\nThink it"),
        "{asked}"
    );
    assert!(asked.ends_with("</solution>"), "{asked}");

    let mut info = ModelInfo::new("scripted", "script");
    info.capabilities = Capabilities::UNKNOWN.having(&[Capability::Reasoning]);
    let reasons = Scripted::answering(said).with_info(info);
    let model = Apart::new(Arc::new(reasons.clone())).thinking(think);
    // It was told of no tags.
    assert_eq!(both(&model.chat(&request()).await.unwrap()), pair("", said));
    let sent = &reasons.requests()[0];
    assert!(sent.reasoning.is_some());
    assert!(sent.messages[0].text().ends_with("1. Divide."));
    // What the request says of it holds.
    let mut high = request();
    high.reasoning = Some(Effort::High.into());
    model.chat(&high).await.unwrap();
    assert_eq!(reasons.requests()[1].reasoning, high.reasoning);
}

proptest! {
    #[test]
    fn any_cut_gives_the_same(
        text in r"[ \nx]{0,2}((<|</)(reasoning|think|thinking|solution|answer|b)>|[ \n]{1,2}|[a<>/é]{1,3}|<sol|</rea){0,9}",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
        let mut at: Vec<usize> = match ends.is_empty() {
            true => Vec::new(),
            false => cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect(),
        };
        at.extend([0, text.len()]);
        at.sort_unstable();
        at.dedup();
        let cut: Vec<&str> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let whole = Some(&*text).filter(|it| !it.is_empty());
        let whole = runtime.block_on(apart(ended(pieces(whole))).ask("Why?")).unwrap();
        let (_, by_cuts) = runtime.block_on(streamed(ended(pieces(cut))));
        let letters = letters.iter().map(|it| &**it);
        let (_, by_letters) = runtime.block_on(streamed(ended(pieces(letters))));
        prop_assert_eq!(&by_cuts.unwrap().choices, &whole.choices);
        prop_assert_eq!(&by_letters.unwrap().choices, &whole.choices);
    }
}
