//! Other ways to read an answer: whatever the cuts, whoever is slow, whatever breaks.

#![allow(clippy::unwrap_used)]

use futures_util::future::join;
use futures_util::{FutureExt, StreamExt, stream};
use parlor_agent::*;
use parlor_core::*;
use parlor_testkit::{Script, Scripted};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// A whole answer of these deltas.
fn deltas<T: AsRef<str>>(deltas: &[T]) -> Vec<Event> {
    let mut events = vec![
        Event::started(None, None, None),
        Event::part_started(0, 0, PartKind::Text),
    ];
    let texts = deltas.iter().filter(|it| !it.as_ref().is_empty());
    events.extend(texts.map(|text| Event::TextDelta {
        choice: 0,
        part: 0,
        text: text.as_ref().into(),
    }));
    events.extend([
        Event::part_finished(0, 0),
        Event::finished(0, FinishKind::Stop.into()),
        Event::completed(None),
    ]);
    events
}

fn of(events: Vec<Event>) -> ChatStream {
    let info = Arc::new(ModelInfo::new("test", "test"));
    ChatStream::new(info, stream::iter(events.into_iter().map(Ok)))
}

async fn open(script: Script) -> ChatStream {
    let model = Scripted::new([script]);
    model.stream(&"Hi".into()).await.unwrap()
}

/// All pieces of a text, however it is cut, and at once: nothing waits here.
fn pieces(pieces: Pieces<'_>) -> Vec<String> {
    let all = pieces.map(Result::unwrap).collect();
    all.now_or_never().unwrap()
}

fn sentences_of(text: &str) -> Vec<String> {
    pieces(sentences(of(deltas(&[text]))))
}

#[test]
fn sentences_end_where_they_do() {
    let cases: &[(&str, &[&str])] = &[
        (
            "One. Two! Three? Four… Five",
            &["One.", "Two!", "Three?", "Four…", "Five"],
        ),
        (
            "Wait... what?! \"Yes.\" (No.) **Bold.** End",
            &["Wait...", "what?!", "\"Yes.\"", "(No.)", "**Bold.**", "End"],
        ),
        (
            "It is 3.14, see http://a.b?c=d for v1.2. Good",
            &["It is 3.14, see http://a.b?c=d for v1.2.", "Good"],
        ),
        (
            "Mr. and Mrs. J. R. Smith, e.g. in the U.S. today. So do I. Yes",
            &[
                "Mr. and Mrs. J. R. Smith, e.g. in the U.S. today.",
                "So do I.",
                "Yes",
            ],
        ),
        (
            "Das sind ca. 5 km, vgl. Nr. 3. Gut",
            &["Das sind ca. 5 km, vgl. Nr. 3.", "Gut"],
        ),
        (
            "你好。你是谁？我很好！！“真的吗？”他说。end",
            &[
                "你好。",
                "你是谁？",
                "我很好！！",
                "“真的吗？”",
                "他说。",
                "end",
            ],
        ),
        (
            "「はい。」と言った。ﾃｽﾄ｡次",
            &["「はい。」", "と言った。", "ﾃｽﾄ｡", "次"],
        ),
        ("यह एक है। दो", &["यह एक है।", "दो"]),
        ("هل أنت هنا؟ نعم", &["هل أنت هنا؟", "نعم"]),
        (
            "# Title\n\n1. One\n2. Two\r\n\n  end  ",
            &["# Title", "1. One", "2. Two", "end"],
        ),
        ("...", &["..."]),
        (" \n\t ", &[]),
        ("", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(sentences_of(text), *expected, "{text}");
    }
}

#[tokio::test]
async fn a_sentence_comes_as_soon_as_it_is_sure() {
    let mut events = deltas(&["Hello wor", "ld. ", "And"]);
    events.truncate(4);
    let mut sentences = sentences(open(Script::new().events(events).hangs()).await);
    assert_eq!(sentences.next().await.unwrap().unwrap(), "Hello world.");
    assert!(sentences.next().now_or_never().is_none());
}

#[tokio::test]
async fn what_had_come_is_the_last_piece() {
    let mut events = deltas(&["One. Tw", "o"]);
    events.truncate(4);
    let script = || {
        let error = Error::new(ErrorKind::Server, "broken");
        Script::new().events(events.clone()).fails(error)
    };
    for cut in [sentences as fn(ChatStream) -> Pieces<'static>, lines] {
        let mut pieces = cut(open(script()).await);
        let mut said = String::new();
        let error = loop {
            match pieces.next().await.unwrap() {
                Ok(piece) => said.push_str(&piece),
                Err(error) => break error,
            }
        };
        assert_eq!(said.replace(' ', ""), "One.Two");
        assert_eq!(error.kind(), ErrorKind::Server);
        assert!(pieces.next().await.is_none());
    }
}

#[test]
fn calls_and_thoughts_part_what_is_said() {
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    let call = ToolCall::new("1", "look", Arguments::json("{}"));
    choice.message.parts = vec![
        Part::text("Let me "),
        Part::text("look."),
        Part::ToolCall(call),
        Part::text("Found"),
    ];
    let mut other = Choice::new(1);
    other.message.parts = vec![Part::text("Not this.")];
    response.choices = vec![choice, other];
    let read = |cut: fn(ChatStream) -> Pieces<'static>| {
        let info = Arc::new(ModelInfo::new("test", "test"));
        pieces(cut(ChatStream::of_response(info, response.clone())))
    };
    assert_eq!(read(sentences), ["Let me look.", "Found"]);
    assert_eq!(read(lines), ["Let me look.", "Found"]);
}

#[tokio::test]
async fn runs_are_read_by_sentences_too() {
    let mut chat = Conversation::new(Scripted::answering("Good. And you?"));
    let run = chat.stream("How are you?").unwrap();
    let all: Vec<_> = sentences(run).map(Result::unwrap).collect().await;
    assert_eq!(all, ["Good.", "And you?"]);
    assert_eq!(chat.history().turns().len(), 1);
}

/// Text with all that matters to the views.
fn text() -> impl Strategy<Value = String> {
    let words = [
        ".", "!", "?", "…", "。", "！", "？", "\"", "”", "」", ")", "*", " ", "  ", "\n", "\r\n",
        "\r", "\t", "\u{3000}", "Mr", "etc", "e.g", "I", "B", "1", "42", "word", "中文", "é", "🦀",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

/// The same text in deltas, cut at random.
fn cut(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let mut deltas = vec![String::new()];
    for (at, character) in text.chars().enumerate() {
        if cuts.iter().any(|cut| cut.index(text.len()) == at) {
            deltas.push(String::new());
        }
        deltas.last_mut().unwrap().push(character);
    }
    deltas
}

proptest! {
    #[test]
    fn pieces_dont_depend_on_the_cuts(
        text in text(),
        cuts: [prop::sample::Index; 6],
        limit in 0usize..40,
    ) {
        for view in [lines as fn(ChatStream) -> Pieces<'static>, sentences] {
            let read = |deltas: &[String]| pieces(view(of(self::deltas(deltas))).with_limit(limit));
            let whole = read(std::slice::from_ref(&text));
            prop_assert_eq!(&whole, &read(&cut(&text, &cuts)));
            let by_character: Vec<_> = text.chars().map(String::from).collect();
            prop_assert_eq!(&whole, &read(&by_character));
            prop_assert!(whole.iter().all(|it| it.len() <= limit.max(4)), "{:?}", whole);
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&whole.concat()), solid(&text));
        }
    }

    #[test]
    fn lines_are_lines(text in text()) {
        let lines = pieces(lines(of(deltas(&[&text]))));
        prop_assert_eq!(lines, text.lines().collect::<Vec<_>>());
    }

    #[test]
    fn sentences_are_trimmed_and_never_empty(text in text()) {
        for sentence in sentences_of(&text) {
            prop_assert!(!sentence.is_empty());
            prop_assert_eq!(sentence.trim(), &sentence);
        }
    }
}

#[derive(Default)]
struct Counts {
    text: String,
    thoughts: usize,
    calls: Vec<String>,
    others: usize,
}

impl Handler for Counts {
    type Output = &'static str;

    fn text(&mut self, text: &str) -> Option<&'static str> {
        self.text.push_str(text);
        None
    }

    fn reasoning(&mut self, _: &str) -> Option<&'static str> {
        self.thoughts += 1;
        Some("hm")
    }

    fn call(&mut self, call: &ToolCall) -> Option<&'static str> {
        self.calls.push(call.name.clone());
        Some("call")
    }

    fn finish(&mut self, reason: &FinishReason) -> Option<&'static str> {
        Some(reason.kind.as_str())
    }

    fn event(&mut self, _: &Event) -> Option<&'static str> {
        self.others += 1;
        None
    }
}

#[tokio::test]
async fn a_handler_gets_each_thing_once() {
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    let whole = ToolCall::new("1", "whole", Arguments::json("{}"));
    let broken = ToolCall::new("2", "broken", Arguments::cut("{\"a"));
    choice.message.parts = vec![
        Part::Reasoning(Reasoning::new("let me see")),
        Part::text("I look"),
        Part::ToolCall(whole),
        Part::ToolCall(broken),
    ];
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut other = Choice::new(1);
    other.message.parts = vec![Part::text("elsewhere")];
    other.finish_reason = Some(FinishKind::Stop.into());
    response.choices = vec![choice, other];
    let events = response.clone().into_events();

    let mut processed = process_stream(of(events.clone()), Counts::default());
    let mut made = Vec::new();
    while let Some(one) = processed.next().await {
        made.push(one.unwrap());
    }
    assert_eq!(made, ["hm", "call", "tool_calls"]);
    let (counts, collected) = processed.into_parts();
    assert_eq!((&*counts.text, counts.thoughts), ("I look", 1));
    assert_eq!(counts.calls, ["whole"]);
    assert_eq!(counts.others, events.len() - 4);
    assert_eq!(collected.choices, response.choices);
}

#[tokio::test]
async fn a_handler_hears_of_the_break_by_the_error() {
    let stream = of(deltas(&["one", "two"]).into_iter().take(4).collect());
    let error = process_stream(stream, Handlers::<()>::new()).finish().await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "onetwo");
}

#[tokio::test(start_paused = true)]
async fn both_readers_get_all_whoever_is_slow() {
    let script = || Script::text("one two three four five").paced(Duration::from_millis(5));
    let expected = open(script()).await.response().await.unwrap();
    for (first, second) in [(0, 0), (20, 0), (0, 20), (3, 7)] {
        for lag in [0, 1, 2, 1000] {
            let (one, two) = tee(open(script()).await, lag);
            let read = async |mut stream: ChatStream, wait| {
                let mut grammar = Grammar::new();
                while let Some(item) = stream.next().await {
                    grammar.check(&item).unwrap();
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                grammar.finish().unwrap();
                stream.stop()
            };
            let both = join(read(one, first), read(two, second)).await;
            assert_eq!(both, (expected.clone(), expected.clone()));
        }
    }
}

#[tokio::test]
async fn a_reader_waits_for_the_other_and_not_for_one_that_is_gone() {
    let (mut one, mut two) = tee(open(Script::text("one two three")).await, 2);
    assert!(one.next().now_or_never().is_some());
    assert!(one.next().now_or_never().is_some());
    assert!(one.next().now_or_never().is_none(), "ran away");
    assert!(two.next().now_or_never().is_some());
    assert!(one.next().now_or_never().is_some());
    // One that waits is woken when the other goes.
    let wait = tokio::spawn(async move { one.response().await.unwrap().text() });
    tokio::task::yield_now().await;
    drop(two);
    assert_eq!(wait.await.unwrap(), "one two three");
}

#[tokio::test]
async fn both_readers_are_told_of_the_break_and_both_must_go() {
    let error = Error::new(ErrorKind::Server, "broken");
    let script = Script::text("one two").cut(3).fails(error);
    let (one, two) = tee(open(script).await, 100);
    for reader in [one, two] {
        let error = reader.response().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.partial().unwrap().text(), "one ");
    }

    let model = Scripted::answering("one two");
    let (one, mut two) = tee(model.stream(&"Hi".into()).await.unwrap(), 100);
    drop(one);
    two.next().await.unwrap().unwrap();
    assert_eq!(model.exchanges().open, 1);
    drop(two);
    assert_eq!(model.exchanges().abandoned, 1);
}

fn model(name: &str, script: Script) -> Arc<dyn ChatModel> {
    Arc::new(Scripted::new([script]).with_info(ModelInfo::new("test", name)))
}

#[tokio::test(start_paused = true)]
async fn models_are_heard_side_by_side_under_their_names() {
    let slow = Script::text("slow answer").paced(Duration::from_millis(50));
    let broken = Script::text("broken answer").cut(3);
    let late = Script::text("late answer").opens_after(Duration::from_secs(1));
    let refused = Script::refuses(Error::new(ErrorKind::Overloaded, "no"));
    let models = [
        model("slow", slow),
        model("broken", broken),
        model("late", late),
        model("refused", refused),
        model("slow", Script::text("again")),
    ];
    let mut merged = Merged::ask(models, "Hi");
    let names: Vec<_> = merged.names().map(str::to_owned).collect();
    let expected = [
        "test/slow",
        "test/broken",
        "test/late",
        "test/refused",
        "test/slow #2",
    ];
    assert_eq!(names, expected);
    let mut grammars: Vec<_> = names.iter().map(|_| Grammar::new()).collect();
    let mut heard = Vec::new();
    while let Some((name, item)) = merged.next().await {
        let at = names.iter().position(|it| **it == *name).unwrap();
        // A refusal comes before the grammar's beginning.
        if &*name != "test/refused" {
            grammars[at].check(&item).unwrap();
        }
        heard.push(at);
    }
    let first = |at| heard.iter().position(|it| *it == at).unwrap();
    assert!(first(4) < first(0) && first(0) < first(2), "{heard:?}");
    let answers: Vec<_> = merged.into_answers().into_iter().collect();
    let texts: Vec<_> = answers
        .into_iter()
        .map(|(_, it)| it.map(|it| it.text()).map_err(|it| it.kind()))
        .collect();
    assert_eq!(
        texts,
        [
            Ok("slow answer".to_owned()),
            Err(ErrorKind::Truncated),
            Ok("late answer".to_owned()),
            Err(ErrorKind::Overloaded),
            Ok("again".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_fast_answer_leaves_the_others_their_turn() {
    let merged = Merged::new()
        .with("a", of(deltas(&["x"; 50])))
        .with("b", of(deltas(&["y"; 50])));
    let names: Vec<_> = merged.map(|(name, _)| name).collect().await;
    assert!(names.chunks(2).all(|it| *it[0] == *"a" && *it[1] == *"b"));
}

#[tokio::test]
async fn stopped_it_gives_what_has_come() {
    let models = [
        model("one", Script::text("one two").cut(3).hangs()),
        model("none", Script::text("late").opens_after(Duration::MAX)),
    ];
    let mut merged = Merged::ask(models, "Hi");
    while let Some(Some(_)) = merged.next().now_or_never() {}
    let answers = merged.into_answers();
    let texts: Vec<_> = answers
        .into_iter()
        .map(|(_, it)| it.unwrap())
        .map(|it| (it.text(), it.interrupted))
        .collect();
    assert_eq!(texts, [("one ".to_owned(), true), (String::new(), true)]);
}
