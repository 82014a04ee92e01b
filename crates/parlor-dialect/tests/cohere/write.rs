//! Answers written.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::ServerDialect;
use parlor_dialect::cohere::Cohere;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An answer that says all that the dialect can say.
fn rich() -> ChatResponse {
    let citation = json!({"start": 0, "end": 2, "text": "Bl", "type": "TEXT_CONTENT", "content_index": 1,
        "sources": [{"type": "document", "id": "d", "document": {"title": "T"}}]});
    let plan = json!({"type": "THINKING_CONTENT", "start": 1, "end": 2, "sources": []});
    whole(json!({"id": "m1", "finish_reason": "TOOL_CALL", "usage": usage(), "news": {"a": 1}, "message": {
        "role": "assistant", "tool_plan": "Look.", "mood": "good",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Blue"}, {"type": "chart", "data": [1]}],
        "citations": [citation, plan],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
        "logprobs": [{"text": "Bl", "token_ids": [], "logprobs": [-0.5]}]}))
    .unwrap()
}

fn written(response: &ChatResponse) -> Value {
    let body = Cohere::default().write_response(response).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn an_answer_comes_back_as_it_was() {
    let answer = rich();
    assert_eq!(whole(written(&answer)).unwrap(), answer);
    let again = decode(&encode(&answer.clone().into_events())).unwrap();
    assert_eq!(again.choices, answer.choices);
    assert_eq!((again.id, again.usage), (answer.id, answer.usage));
    assert_eq!(again.native.len(), answer.native.len());
}

#[test]
fn parts_that_come_interleaved_are_written_one_after_the_other() {
    let started =
        |part, id: &str, name: &str| Event::call_started(0, part, CallHead::new(id, name));
    let more = |part, text: &str| Event::ArgumentsDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let finished = |part, id: &str, name: &str, text: &str| {
        let call = ToolCall::new(id, name, Arguments::json(text));
        Event::part_finished_with(0, part, call.into())
    };
    let events = [
        Event::started(None, None, None),
        started(0, "a", "f"),
        started(1, "b", "g"),
        more(1, "{\"y\":"),
        more(0, "{\"x\":"),
        finished(1, "b", "g", "{\"y\":2}"),
        finished(0, "a", "f", "{\"x\":1}"),
        Event::finished(0, FinishKind::ToolCalls.into()),
        Event::completed(None),
    ];
    let frames = encode(&events);
    let order: Vec<_> = frames
        .iter()
        .map(|it| (it["type"].as_str().unwrap(), it["index"].as_u64()))
        .collect();
    assert_eq!(
        order[1..order.len() - 1],
        [
            ("tool-call-start", Some(0)),
            ("tool-call-delta", Some(0)),
            ("tool-call-delta", Some(0)),
            ("tool-call-end", Some(0)),
            ("tool-call-start", Some(1)),
            ("tool-call-delta", Some(1)),
            ("tool-call-delta", Some(1)),
            ("tool-call-end", Some(1)),
        ]
    );
    let answer = decode(&frames).unwrap();
    let calls: Vec<_> = answer
        .tool_calls()
        .map(|it| it.arguments.text.as_str())
        .collect();
    assert_eq!(calls, ["{\"x\":1}", "{\"y\":2}"]);
}

#[test]
fn what_other_providers_say_is_said_in_its_words() {
    let mut text = Text::new("Blue is it.");
    let mut citation = Citation::default();
    citation.url = Some("https://x".to_owned());
    citation.quote = Some("words".to_owned());
    (citation.start, citation.end) = (Some(0), Some(4));
    text.citations.push(citation);
    let free = ToolCall::new("a", "sql", Arguments::text("SELECT 1"));
    let parts = vec![
        text.into(),
        Refusal::new("No.").into(),
        Source::default().into(),
        free.into(),
    ];
    let mut choice = Choice::new(0);
    choice.message = Message::new(Role::Assistant, parts);
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut answer = ChatResponse::default();
    answer.choices = vec![choice];
    let mut used = Usage::default();
    (used.input_tokens, used.output_tokens) = (Some(3), Some(5));
    answer.usage = Some(used);
    let body = written(&answer);
    assert_eq!(
        body["message"]["content"],
        json!([{"type": "text", "text": "Blue is it."}, {"type": "text", "text": "No."}])
    );
    assert_eq!(body["message"]["citations"][0]["text"], "Blue");
    assert_eq!(
        body["message"]["tool_calls"][0]["function"]["arguments"],
        "{\"input\":\"SELECT 1\"}"
    );
    assert_eq!(body["finish_reason"], "TOOL_CALL");
    assert_eq!(
        body["usage"]["tokens"],
        json!({"input_tokens": 3, "output_tokens": 5})
    );
    let streamed = decode(&encode(&answer.into_events())).unwrap();
    assert_eq!(streamed.choices, whole(body).unwrap().choices);
}

#[test]
fn a_stream_that_fails_ends_with_the_failure() {
    use parlor_dialect::Encoder;
    let mut encoder = Cohere::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let error = Error::new(ErrorKind::Overloaded, "too busy");
    encoder.fail(&error, &mut frames);
    encoder
        .encode(&Event::completed(None), &mut frames)
        .unwrap();
    assert_eq!(frames.len(), 1);
    let (events, outcome) = events_of_bytes(&[frames.remove(0).1]);
    assert_eq!(
        (events.len(), outcome.unwrap_err().message().to_owned()),
        (0, "too busy".to_owned())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cut_into_deltas_gives_the_same(
        thoughts in "[a-zé\"\\\\\n]{0,12}",
        said in "[a-zé\"\\\\\n]{1,24}",
        size in 1usize..8,
    ) {
        let pieces = |text: &str| -> Vec<String> {
            let letters: Vec<char> = text.chars().collect();
            letters.chunks(size).map(|it| it.iter().collect()).collect()
        };
        let mut frames = vec![start(), open(0, "thinking")];
        frames.extend(pieces(&thoughts).iter().map(|it| thought(0, it)));
        frames.extend([shut(0), open(1, "text")]);
        frames.extend(pieces(&said).iter().map(|it| text(1, it)));
        frames.extend([shut(1), end("COMPLETE")]);
        let body = json!({"id": "m1", "finish_reason": "COMPLETE", "usage": usage(), "message": {"content": [
            {"type": "thinking", "thinking": thoughts}, {"type": "text", "text": said}]}});
        let cut = decode(&frames).unwrap();
        prop_assert_eq!(&cut, &whole(body).unwrap());
        prop_assert_eq!(decode(&encode(&cut.clone().into_events())).unwrap(), cut);
    }
}
