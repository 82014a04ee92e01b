//! Writing answers.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::{Encoder, ServerDialect};
use serde_json::{Value, json};

fn rich() -> ChatResponse {
    let mut call = ToolCall::new("c1", "f", Arguments::json(r#"{"a":1}"#));
    call.native = None;
    let call = Part::from(call).with_native(native(
        json!({"functionCall": {"id": "c1"}, "thoughtSignature": "s3"}),
    ));
    let mut ran = ToolCall::new(
        "x1",
        "code_execution",
        Arguments::json(r#"{"language":"PYTHON","code":"1"}"#),
    );
    ran.executor = Executor::Provider;
    let code = json!({"executableCode": {"language": "PYTHON", "code": "1", "id": "x1"}});
    let parts = vec![
        Reasoning::new("hm").into(),
        Part::text("I am").with_native(native(json!({"thoughtSignature": "s1"}))),
        Part::text(" here"),
        Part::text("").with_native(native(json!({"thoughtSignature": "s2"}))),
        Media::bytes("image/png", vec![1, 2]).into(),
        Part::from(ran).with_native(native(code)),
        call,
    ];
    let mut response = ChatResponse::default();
    response.provider = "gemini".to_owned();
    response.id = Some("r1".to_owned());
    response.model = Some("gemini-x".to_owned());
    response.created = Some(1_700_000_000);
    let mut choice = Choice::new(0);
    choice.message.parts = parts;
    choice.finish_reason = Some(FinishReason::new(FinishKind::ToolCalls, "STOP"));
    let mut token = TokenLogprob::new("I", -0.5);
    token.top_logprobs = vec![TopLogprob::new("I", -0.5)];
    let mut logprobs = Logprobs::default();
    logprobs.content = vec![token];
    choice.logprobs = Some(logprobs);
    let mut other = Choice::new(1);
    other.message.parts = vec![Part::text("no")];
    other.finish_reason = Some(FinishReason::new(FinishKind::Length, "MAX_TOKENS"));
    response.choices = vec![choice, other];
    let mut usage = Usage::default();
    usage.input_tokens = Some(9);
    usage.output_tokens = Some(5);
    usage.cached_input_tokens = Some(2);
    usage.reasoning_tokens = Some(3);
    usage.input_audio_tokens = Some(4);
    usage.raw = Some(
        json!({"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
        "cachedContentTokenCount": 2, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}]}),
    );
    response.usage = Some(usage);
    response.native = vec![native(json!({"modelStatus": {"stage": "x"}}))];
    response
}

#[test]
fn an_answer_written_reads_the_same_whole_and_streamed() {
    let response = rich();
    let whole = Gemini::default().write_response(&response).unwrap();
    let whole = String::from_utf8(whole).unwrap();
    assert_eq!(read_response(&whole).unwrap(), response);
    assert_eq!(
        decode(&encode(&response.clone().into_events())).unwrap(),
        response
    );
    let body: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(body["candidates"].as_array().unwrap().len(), 2);
    assert_eq!(body["createTime"], "2023-11-14T22:13:20Z");
}

#[test]
fn an_answer_of_another_provider_is_written_plainly() {
    let foreign = Native::new(
        Origin::new("a", "anthropic-messages"),
        json!({"signature": "x"}),
    );
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    choice.message.parts = vec![
        Part::from(Reasoning::new("hm")).with_native(foreign.clone()),
        Part::text("Hi"),
        Part::Native(foreign),
        ToolCall::new("toolu_1", "f", Arguments::json("")).into(),
        ToolCall::new("toolu_2", "g", Arguments::cut("{\"a")).into(),
    ];
    choice.finish_reason = Some(FinishReason::new(FinishKind::ToolCalls, "tool_use"));
    response.choices = vec![choice];
    let mut usage = Usage::default();
    usage.input_tokens = Some(9);
    usage.output_tokens = Some(5);
    usage.reasoning_tokens = Some(3);
    usage.raw = Some(json!({"input_tokens": 9}));
    response.usage = Some(usage);
    let body: Value =
        serde_json::from_slice(&Gemini::default().write_response(&response).unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "candidates": [{
                "content": {"role": "model", "parts": [
                    {"text": "hm", "thought": true},
                    {"text": "Hi"},
                    {"functionCall": {"name": "f", "args": {}, "id": "toolu_1"}},
                ]},
                "index": 0,
                "finishReason": "MAX_TOKENS",
            }],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 14},
        })
    );
}

#[test]
fn a_call_that_was_cut_is_left_out_of_a_stream_too() {
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    choice.message.parts = vec![
        Part::text("So."),
        ToolCall::new("a", "write", Arguments::cut("{\"path\":\"a\"}")).into(),
    ];
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    response.choices = vec![choice];
    let frames = encode(&response.into_events());
    let again = decode(&frames).unwrap();
    assert_eq!(again.text(), "So.");
    assert_eq!(again.tool_calls().count(), 0);
    assert_eq!(again.finish_reason().unwrap().kind, FinishKind::Length);
}

#[test]
fn words_of_other_dialects_become_the_nearest() {
    for (kind, raw, word) in [
        (FinishKind::Stop, "end_turn", "STOP"),
        (FinishKind::Length, "max_tokens", "MAX_TOKENS"),
        (FinishKind::Refusal, "refusal", "SAFETY"),
        (FinishKind::ContentFilter, "content_filter", "SAFETY"),
        (FinishKind::Error, "error", "MALFORMED_RESPONSE"),
        (FinishKind::Other, "strange", "strange"),
    ] {
        let events = [
            Event::started(None, None, None),
            Event::finished(0, FinishReason::new(kind, raw)),
            Event::completed(None),
        ];
        let frames = encode(&events);
        let chunk: Value = serde_json::from_str(frames.last().unwrap()).unwrap();
        assert_eq!(chunk["candidates"][0]["finishReason"], word);
    }
}

#[test]
fn parts_that_are_open_together_go_out_one_after_another() {
    let text = |part: u32, text: &str| Event::TextDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let call = ToolCall::new("c", "f", Arguments::json("{}"));
    let events = [
        Event::started(None, None, None),
        Event::part_started(0, 0, PartKind::Text),
        Event::call_started(0, 1, CallHead::new("c", "f")),
        Event::part_started(0, 2, PartKind::Text),
        text(2, "c"),
        text(0, "a"),
        Event::part_finished_with(0, 1, call.into()),
        text(2, "d"),
        Event::part_finished(0, 2),
        text(0, "b"),
        Event::part_finished(0, 0),
        Event::finished(0, FinishReason::new(FinishKind::ToolCalls, "STOP")),
        Event::completed(None),
    ];
    let response = decode(&encode(&events)).unwrap();
    assert_eq!(
        kinds(&response),
        [PartKind::Text, PartKind::ToolCall, PartKind::Text]
    );
    let parts = parts_of(&response);
    assert_eq!(
        (parts[0].as_text(), parts[2].as_text()),
        (Some("ab"), Some("cd"))
    );
}

#[test]
fn a_blocked_prompt_is_written_as_one() {
    let body = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}});
    let response = read_response(&body.to_string()).unwrap();
    let written: Value =
        serde_json::from_slice(&Gemini::default().write_response(&response).unwrap()).unwrap();
    assert_eq!(written, body);
    let nothing = Gemini::default()
        .write_response(&ChatResponse::default())
        .unwrap();
    let again = read_response(&String::from_utf8(nothing).unwrap()).unwrap();
    assert_eq!(
        again.finish_reason().unwrap().kind,
        FinishKind::ContentFilter
    );
}

#[test]
fn a_failure_ends_the_stream() {
    let mut encoder = Gemini::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in [
        Event::started(None, None, None),
        Event::part_started(0, 0, PartKind::Text),
        Event::TextDelta {
            choice: 0,
            part: 0,
            text: "Hi".into(),
        },
    ] {
        encoder.encode(&event, &mut frames).unwrap();
    }
    encoder.fail(&Error::new(ErrorKind::Overloaded, "busy"), &mut frames);
    let frames: Vec<Vec<u8>> = frames.into_iter().map(|it| it.1).collect();
    let (events, outcome) = events_of(&frames);
    assert_eq!(collect(&events).text(), "Hi");
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Overloaded);
}
