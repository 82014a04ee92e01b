//! Reading answers.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::gemini::Quirks;
use serde_json::{Value, json};

#[test]
fn a_text_is_joined_and_usage_is_told_at_both_ends() {
    let with = |mut chunk: String, usage: Value| {
        chunk.pop();
        format!("{chunk},\"usageMetadata\":{usage}}}")
    };
    let (events, outcome) = events_of(&[
        with(
            chunk(json!([{"text": "hm", "thought": true}])),
            json!({"promptTokenCount": 8, "thoughtsTokenCount": 3}),
        ),
        with(
            said("Hel"),
            json!({"promptTokenCount": 8, "candidatesTokenCount": 1, "thoughtsTokenCount": 3}),
        ),
        with(
            said("lo"),
            json!({"promptTokenCount": 8, "candidatesTokenCount": 2}),
        ),
        with(
            done("STOP"),
            json!({"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 13,
            "toolUsePromptTokenCount": 4, "cachedContentTokenCount": 5}),
        ),
    ]);
    outcome.unwrap();
    let told = events.iter().filter(|it| matches!(it, Event::Usage { .. }));
    assert_eq!(told.count(), 2);
    let response = collect(&events);
    assert_eq!(
        (response.text().as_str(), response.reasoning().as_str()),
        ("Hello", "hm")
    );
    assert_eq!(kinds(&response), [PartKind::Reasoning, PartKind::Text]);
    let usage = response.usage.unwrap();
    assert_eq!(usage.input_tokens, Some(12));
    assert_eq!(usage.output_tokens, Some(5));
    assert_eq!(usage.reasoning_tokens, Some(3));
    assert_eq!(usage.cached_input_tokens, Some(5));
    assert_eq!(usage.raw.unwrap()["totalTokenCount"], 13);
    assert_eq!(response.id.as_deref(), Some("r1"));
    assert_eq!(response.model.as_deref(), Some("gemini-x"));
}

#[test]
fn a_signature_keeps_its_part_even_with_empty_text() {
    let response = decode(&[
        chunk(json!([{"text": "I am", "thoughtSignature": "s1"}])),
        said(" here"),
        chunk(json!([{"text": "", "thoughtSignature": "s2"}])),
        done("STOP"),
    ])
    .unwrap();
    let texts: Vec<_> = parts_of(&response)
        .iter()
        .map(|it| it.as_text().unwrap())
        .collect();
    assert_eq!(texts, ["I am", " here", ""]);
    assert_eq!(
        items(&response),
        [
            json!({"thoughtSignature": "s1"}),
            Value::Null,
            json!({"thoughtSignature": "s2"})
        ]
    );
    assert!(parts_of(&response)[2].native_for(&origin()).is_some());
}

#[test]
fn a_whole_answer_reads_as_its_stream() {
    let parts = json!([
        {"text": "hm", "thought": true},
        {"text": "Hello"},
        {"text": "", "thoughtSignature": "s"},
        {"functionCall": {"name": "f", "args": {"b": 1.0, "a": " { "}}},
    ]);
    let whole = json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "avgLogprobs": -0.5}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2},
        "modelVersion": "gemini-x", "responseId": "r1",
    });
    let pretty = serde_json::to_string_pretty(&whole).unwrap();
    let response = read_response(&pretty).unwrap();
    assert_eq!(response, decode(&[whole.to_string()]).unwrap());
    assert_eq!(
        response.tool_calls().next().unwrap().arguments.text,
        r#"{"b":1.0,"a":" { "}"#
    );
    assert_eq!(
        response.native[0].item,
        json!({"candidates": [{"avgLogprobs": -0.5}]})
    );
    // The same as one array, as it comes where events weren't asked for.
    let array = format!("[{{\"candidates\": []}}\n,\r\n{pretty}\n]\n");
    assert_eq!(read_response(&array).unwrap(), response);
    let pieces = ["[", &pretty, ",", "{\"usageMetadata\": null}]", "\n]"];
    assert_eq!(decode(&pieces).unwrap(), response);
}

#[test]
fn finish_words_have_their_kinds() {
    for (word, kind) in [
        (json!("STOP"), FinishKind::Stop),
        (json!("MAX_TOKENS"), FinishKind::Length),
        (json!("SPII"), FinishKind::ContentFilter),
        (json!("MALFORMED_FUNCTION_CALL"), FinishKind::Error),
        (json!("UNEXPECTED_TOOL_CALL"), FinishKind::Error),
        (json!("MISSING_THOUGHT_SIGNATURE"), FinishKind::Error),
        (json!("NO_IMAGE"), FinishKind::Other),
        (json!("SOMETHING_NEW"), FinishKind::Other),
        (json!(1), FinishKind::Stop),
        (json!(2), FinishKind::Length),
        (json!(99), FinishKind::Other),
    ] {
        let response = decode(&[said("x"), candidate(json!({"finishReason": word}))]).unwrap();
        assert_eq!(response.finish_reason().unwrap().kind, kind, "{word}");
    }
    // The words of copies; they count as little as STOP where nothing is called.
    let call = || candidate(json!({"content": {"parts": [{"functionCall": {"name": "f"}}]}}));
    for word in ["FUNCTION_CALL", "TOOL_CALLS", "tool_calls", "stop"] {
        let done = || candidate(json!({"finishReason": word}));
        let kind = |frames: &[String]| decode(frames).unwrap().finish_reason().unwrap().kind;
        assert_eq!(kind(&[call(), done()]), FinishKind::ToolCalls, "{word}");
        assert_eq!(kind(&[said("x"), done()]), FinishKind::Stop, "{word}");
    }
    // The hosts number them differently.
    let frame = [candidate(json!({"finishReason": 9}))];
    let word = |quirks| {
        let (events, _) = events_by(quirks, &frame);
        collect(&events)
            .finish_reason()
            .unwrap()
            .raw
            .clone()
            .unwrap()
    };
    assert_eq!(word(Quirks::default()), "SPII");
    assert_eq!(word(Quirks::vertex()), "MALFORMED_FUNCTION_CALL");
}

#[test]
fn no_word_is_no_end() {
    for word in [
        json!(""),
        Value::Null,
        json!("FINISH_REASON_UNSPECIFIED"),
        json!(0),
        json!([]),
    ] {
        let (events, outcome) = events_of(&[said("Hel"), candidate(json!({"finishReason": word}))]);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Truncated, "{word}");
        assert_eq!(collect(&events).text(), "Hel");
    }
    assert_eq!(
        decode::<&str>(&[]).unwrap_err().kind(),
        ErrorKind::Truncated
    );
}

#[test]
fn what_follows_the_end_is_passed_over_but_for_usage() {
    let usage = |count: u64| {
        json!({"usageMetadata": {"promptTokenCount": count, "candidatesTokenCount": 1}}).to_string()
    };
    let response = decode(&[
        said("Hi"),
        done("STOP"),
        done("MAX_TOKENS"),
        usage(1),
        // Another answer altogether.
        said("again"),
        done("MAX_TOKENS"),
        usage(100),
    ])
    .unwrap();
    assert_eq!(response.text(), "Hi");
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
    assert_eq!(response.usage.unwrap().total_tokens(), Some(2));
}

#[test]
fn a_blocked_prompt_is_a_filtered_answer() {
    let body = json!({
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
    });
    for response in [
        read_response(&body.to_string()),
        decode(&[body.to_string()]),
    ] {
        let response = response.unwrap();
        let reason = response.finish_reason().unwrap();
        assert_eq!(reason.kind, FinishKind::ContentFilter);
        assert_eq!(reason.raw.as_deref(), Some("PROHIBITED_CONTENT"));
        assert_eq!(
            response.native[0].item["promptFeedback"],
            body["promptFeedback"]
        );
        assert_eq!(response.usage.unwrap().input_tokens, Some(3));
    }
}

#[test]
fn choices_interleave() {
    let of = |index: u32, text: &str, word: Value| json!({"index": index, "content": {"parts": [{"text": text}]}, "finishReason": word});
    let both = |a: Value, b: Value| json!({"candidates": [a, b]}).to_string();
    let response = decode(&[
        both(of(0, "a", Value::Null), of(1, "x", Value::Null)),
        both(of(1, "y", json!("MAX_TOKENS")), of(0, "b", json!("STOP"))),
    ])
    .unwrap();
    let texts: Vec<_> = response
        .choices
        .iter()
        .map(|it| it.message.text())
        .collect();
    assert_eq!(texts, ["ab", "xy"]);
    assert_eq!(
        response.choices[1].finish_reason.as_ref().unwrap().kind,
        FinishKind::Length
    );
}

#[test]
fn media_of_the_model_is_media() {
    let response = decode(&[
        chunk(json!([
            {"inlineData": {"mimeType": "image/png", "data": "iVA="}, "thoughtSignature": "s"},
            {"inline_data": {"mime_type": "audio/wav", "data": "-_8"}},
            {"inlineData": {"mimeType": "image/png", "data": "?"}},
        ])),
        done("STOP"),
    ])
    .unwrap();
    assert_eq!(
        kinds(&response),
        [PartKind::Media, PartKind::Media, PartKind::Native]
    );
    let Part::Media(image) = &parts_of(&response)[0] else {
        panic!()
    };
    assert_eq!(image.kind, MediaKind::Image);
    assert_eq!(image.source, MediaSource::Bytes(vec![0x89, b'P'].into()));
    assert_eq!(items(&response)[0], json!({"thoughtSignature": "s"}));
}

#[test]
fn logprobs_are_told() {
    let result = json!({
        "chosenCandidates": [{"token": "H", "logProbability": -0.5, "tokenId": 7}, {"token": "i", "logProbability": 0}],
        "topCandidates": [{"candidates": [{"token": "H", "logProbability": -0.5}, {"token": "B", "logProbability": -2}]}, {}],
    });
    let frame = candidate(
        json!({"content": {"parts": [{"text": "Hi"}]}, "logprobsResult": result, "finishReason": "STOP"}),
    );
    let logprobs = decode(&[frame]).unwrap().choices[0]
        .logprobs
        .clone()
        .unwrap();
    assert_eq!(logprobs.content.len(), 2);
    assert_eq!(logprobs.content[0].logprob, -0.5);
    assert_eq!(logprobs.content[0].top_logprobs[1].token, "B");
}

#[test]
fn unknown_and_null_fields_break_nothing_and_are_kept_once() {
    let noisy = |text: &str| {
        json!({
            "candidates": [{"content": {"parts": [{"text": text, "thought": null, "thoughtSignature": null}], "role": null},
                "index": null, "finishReason": null, "safetyRatings": null, "newField": 1, "groundingMetadata": {}}],
            "modelStatus": {"stage": "x"}, "promptFeedback": null, "usageMetadata": null, "automaticFunctionCallingHistory": null,
        })
        .to_string()
    };
    let response = decode(&[noisy("a"), noisy("b"), done("STOP")]).unwrap();
    assert_eq!(response.text(), "ab");
    let told: Vec<_> = response.native.iter().map(|it| it.item.clone()).collect();
    assert_eq!(
        told,
        [
            json!({"modelStatus": {"stage": "x"}}),
            json!({"candidates": [{"newField": 1}]})
        ]
    );
}

#[test]
fn ratings_are_kept_only_where_they_tell_something() {
    let rated = |probability: &str| {
        let rating = json!({"category": "HARM_CATEGORY_HARASSMENT", "probability": probability});
        let frame = json!({"content": {"parts": [{"text": "x"}]}, "safetyRatings": [rating], "finishReason": "STOP"});
        decode(&[candidate(frame)]).unwrap().native.len()
    };
    assert_eq!((rated("NEGLIGIBLE"), rated("HIGH")), (0, 1));
}

#[test]
fn keep_alives_are_no_chunks_and_other_noise_is_an_error() {
    let (events, outcome) = events_of(&["", ": keepalive", "[DONE]", &said("Hi"), "<html>"]);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(collect(&events).text(), "Hi");
    let lone =
        r#"{"candidates":[{"content":{"parts":[{"text":"a\ud83d"}]},"finishReason":"STOP"}]}"#;
    assert_eq!(decode(&[lone]).unwrap().text(), "a\u{FFFD}");
}

#[test]
fn a_failure_inside_the_stream_is_its_error() {
    let error = json!({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}});
    for frame in [
        error.to_string(),
        json!([error]).to_string(),
        serde_json::to_string_pretty(&error).unwrap(),
    ] {
        let (events, outcome) = events_of(&[said("Hi"), frame]);
        let error = outcome.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Overloaded, "busy")
        );
        assert_eq!(error.status(), Some(503));
        assert_eq!(collect(&events).text(), "Hi");
    }
    assert_eq!(
        read_response(&error.to_string()).unwrap_err().kind(),
        ErrorKind::Overloaded
    );
    for body in ["{}", "null", "[]", "{\"hello\": 1}"] {
        assert!(read_response(body).is_err(), "{body}");
    }
}

#[test]
fn hostile_counts_are_bounded() {
    let candidates: Vec<Value> = (0..300)
        .map(|index| json!({"index": index, "content": {"parts": [{"text": "x"}]}}))
        .collect();
    let frame = json!({ "candidates": candidates }).to_string();
    assert_eq!(events_of(&[frame]).1.unwrap_err().kind(), ErrorKind::Decode);
    let parts: Vec<Value> = (0..5000)
        .map(|_| json!({"text": "", "thoughtSignature": "s"}))
        .collect();
    assert_eq!(
        events_of(&[chunk(json!(parts))]).1.unwrap_err().kind(),
        ErrorKind::Decode
    );
}
