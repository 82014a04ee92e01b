//! Answers that aren't as they should be, read.

use super::*;

#[test]
fn noise_is_passed_over_and_rubbish_is_an_error() {
    let noise = |raw: &str| Value::String(raw.to_owned());
    let mut frames = framed(
        &[begin(0, json!({"type": "text", "text": "a"})), stop(0)],
        "end_turn",
    );
    for raw in [
        "",
        "  ",
        ": keepalive",
        "[DONE]",
        "{}",
        "{\"type\":\"vendor_event\",\"x\":1}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":null}",
        "{\"type\":\"content_block_start\",\"index\":7,\"content_block\":3}",
    ] {
        frames.insert(2, noise(raw));
    }
    frames.insert(2, delta(0, json!({"type": "future_delta", "x": 1})));
    assert_eq!(answer(&frames).text(), "a");
    let (_, end) = events(&[start(), noise("<html>"), noise("x")]);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn event_names_stand_in_for_missing_types() {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = AnthropicMessages::default().decoder(&target);
    let mut out = VecDeque::new();
    for mut frame in framed(
        &[
            begin(0, json!({"type": "text", "text": ""})),
            text(0, "a"),
            stop(0),
        ],
        "end_turn",
    ) {
        let kind = frame.as_object_mut().unwrap().shift_remove("type").unwrap();
        let data = frame.to_string();
        let mut frame = Frame::data(data.as_bytes());
        frame.event = kind.as_str();
        decoder.decode(frame, &mut out).unwrap();
    }
    decoder.finish(&mut out).unwrap();
    assert_eq!(collect(out).text(), "a");
}

#[test]
fn broken_text_is_repaired_wherever_it_stands() {
    let raw = |text: &str| Value::String(text.to_owned());
    let content = [
        raw(
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"\ud83d"}}"#,
        ),
        raw(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\udc00"}}"#,
        ),
        raw(
            "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\\u0000b\u{1}\"}}",
        ),
        stop(0),
    ];
    assert_eq!(
        answer(&framed(&content, "end_turn")).text(),
        "\u{FFFD}a\u{FFFD}\0b\u{1}"
    );
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    let body = b"\xEF\xBB\xBF \n{\"content\":[{\"type\":\"text\",\"text\":\"a\\ud83d\xff\"}],\"stop_reason\":\"end_turn\"}";
    let response = AnthropicMessages::default()
        .read_response(body, &target)
        .unwrap();
    assert_eq!(response.text(), "a\u{FFFD}\u{FFFD}");
}

#[test]
fn nothing_said_is_no_error() {
    for body in [
        json!({"content": null, "stop_reason": "end_turn"}),
        json!({"content": [], "stop_reason": "refusal", "usage": null}),
        json!({"role": "assistant"}),
    ] {
        assert_eq!(whole(&body).unwrap().text(), "");
    }
    assert_eq!(
        whole(&json!({"content": "bare", "stop_reason": "stop"}))
            .unwrap()
            .text(),
        "bare"
    );
    assert_eq!(
        whole(&json!({"ok": true})).unwrap_err().kind(),
        ErrorKind::Decode
    );
    // A whole message where a stream was asked for.
    let body = json!({"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"});
    assert_eq!(answer(&[body]).text(), "a");
}

#[test]
fn too_many_blocks_are_an_error() {
    let mut frames = vec![start()];
    frames.extend((0..5000).map(|index| begin(index, json!({"type": "future"}))));
    let (_, end) = events(&frames);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn blocks_may_overlap_and_lack_their_start_or_stop() {
    let content = [
        begin(0, json!({"type": "text", "text": "a"})),
        begin(1, json!({"type": "thinking", "thinking": "x"})),
        text(0, "b"),
        delta(1, json!({"type": "thinking_delta", "thinking": "y"})),
        text(2, "c"),
    ];
    let response = answer(&framed(&content, "end_turn"));
    assert_eq!(
        (response.text().as_str(), response.reasoning().as_str()),
        ("abc", "xy")
    );
    // A late delta of a block that has ended is passed over.
    let content = [
        begin(0, json!({"type": "text", "text": "a"})),
        stop(0),
        text(0, "late"),
    ];
    assert_eq!(answer(&framed(&content, "end_turn")).text(), "a");
}

#[test]
fn a_second_message_start_goes_on() {
    let mut frames = vec![
        start(),
        begin(0, json!({"type": "text", "text": ""})),
        text(0, "a"),
    ];
    frames.push(json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 3}}));
    frames.extend(framed(
        &[
            begin(0, json!({"type": "text", "text": ""})),
            text(0, "b"),
            stop(0),
        ],
        "end_turn",
    ));
    let response = answer(&frames);
    assert_eq!(response.text(), "ab");
    assert_eq!(response.message().unwrap().parts.len(), 2);
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
    // A spliced message that doesn't end is cut, though the first one ended.
    frames.truncate(6);
    assert_eq!(events(&frames).1.unwrap_err().kind(), ErrorKind::Truncated);
}
