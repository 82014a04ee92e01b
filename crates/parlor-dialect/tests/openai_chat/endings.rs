//! How streams end: finish reasons, usage, `[DONE]`, the end of the bytes.

use super::*;

#[test]
fn usage_is_read_wherever_it_stands_and_never_summed() {
    let usage = |output: u64| json!({"prompt_tokens": 5, "completion_tokens": output});
    let with = |mut chunk: Value, output: u64| {
        chunk["usage"] = usage(output);
        chunk
    };
    let side = |usage: Value| json!({"choices": [], "x_groq": {"id": "r", "usage": usage}});
    let streams = [
        // After the finish, on it, with content, on every chunk, in the
        // choice, beside everything, before the finish.
        vec![
            text("a"),
            finish("stop"),
            json!({"choices": [], "usage": usage(3)}),
        ],
        vec![text("a"), with(finish("stop"), 3)],
        vec![with(text("a"), 3), finish("stop")],
        vec![
            with(text("a"), 1),
            with(text("b"), 2),
            with(finish("stop"), 3),
        ],
        vec![
            text("a"),
            choice(json!({"finish_reason": "stop", "usage": usage(3)})),
        ],
        vec![text("a"), finish("stop"), side(usage(3))],
        vec![
            json!({"choices": [], "usage": usage(3)}),
            text("a"),
            finish("stop"),
        ],
        vec![
            with(text("a"), 2),
            finish("stop"),
            json!({"choices": [], "usage": usage(3)}),
        ],
    ];
    for mut frames in streams {
        for end in [None, Some(done())] {
            frames.extend(end);
            let usage = answer(&frames).usage.unwrap();
            assert_eq!(
                (usage.input_tokens, usage.output_tokens),
                (Some(5), Some(3)),
                "{frames:?}"
            );
        }
    }
}

#[test]
fn usage_counts_inclusively_whatever_the_host_does() {
    let read = |usage: Value| {
        let mut body = body(json!({"content": "a"}), "stop");
        body["usage"] = usage;
        whole(&body).unwrap().usage.unwrap()
    };
    // Reasoning outside of the output, as the total tells.
    let outside = read(
        json!({"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 241,
        "completion_tokens_details": {"reasoning_tokens": 228}}),
    );
    assert_eq!(
        (outside.output_tokens, outside.reasoning_tokens),
        (Some(229), Some(228))
    );
    // Inside of it, for most.
    let inside = read(
        json!({"prompt_tokens": 12, "completion_tokens": 229, "total_tokens": 241,
        "completion_tokens_details": {"reasoning_tokens": 228}}),
    );
    assert_eq!(inside.output_tokens, Some(229));
    // More reasoning than output is an estimate of its own.
    let more = read(
        json!({"prompt_tokens": 1, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 11}}),
    );
    assert_eq!(
        (more.output_tokens, more.reasoning_tokens),
        (Some(10), Some(10))
    );
    let hit = read(
        json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 1}),
    );
    assert_eq!(
        (hit.input_tokens, hit.cached_input_tokens),
        (Some(9), Some(8))
    );
    let cached = read(
        json!({"prompt_tokens": 9, "cached_tokens": 4, "prompt_tokens_details": {"cache_write_tokens": 3.0, "audio_tokens": 2}}),
    );
    assert_eq!(
        (cached.cached_input_tokens, cached.cache_write_tokens),
        (Some(4), Some(3))
    );
    assert_eq!(
        (cached.input_audio_tokens, cached.output_tokens),
        (Some(2), None)
    );
    assert_eq!(cached.raw.unwrap()["cached_tokens"], 4);
}

#[test]
fn a_finish_reason_said_twice_counts_once() {
    let frames = [
        text("a"),
        finish("stop"),
        choice(json!({"delta": {"content": "", "role": "assistant"}, "finish_reason": "stop"})),
        done(),
    ];
    let (events, end) = events(&frames);
    end.unwrap();
    let finished = |it: &&Event| matches!(it, Event::Finished { .. });
    assert_eq!(events.iter().filter(finished).count(), 1);
    assert_eq!(collect(&events).text(), "a");
}

#[test]
fn content_after_a_finish_reason_still_counts() {
    let with = |text: &str| choice(json!({"delta": {"content": text}, "finish_reason": "stop"}));
    let response = answer(&[with("a"), with("b"), with("c")]);
    assert_eq!(response.text(), "abc");
}

#[test]
fn an_empty_finish_reason_is_none_and_strange_ones_are_kept() {
    for none in ["", "null"] {
        let response = answer(&[
            choice(json!({"delta": {"content": "a"}, "finish_reason": none})),
            text("b"),
            finish("length"),
        ]);
        assert_eq!(
            (response.text().as_str(), kind(&response)),
            ("ab", FinishKind::Length)
        );
    }
    for (word, wanted) in [
        ("eos", FinishKind::Stop),
        ("eos_token", FinishKind::Stop),
        ("normal", FinishKind::Stop),
        ("model_length", FinishKind::Length),
        ("content_filter", FinishKind::ContentFilter),
        ("sensitive", FinishKind::ContentFilter),
        ("abort", FinishKind::Error),
        ("insufficient_system_resource", FinishKind::Error),
        ("brand_new", FinishKind::Other),
    ] {
        let response = answer(&[text("a"), finish(word), done()]);
        let reason = response.finish_reason().unwrap();
        assert_eq!((reason.kind, reason.raw.as_deref()), (wanted, Some(word)));
    }
    // A number where a word should be, beside the word.
    let response = answer(&[choice(
        json!({"finish_reason": "stop", "stop_reason": 128_009}),
    )]);
    assert_eq!(kind(&response), FinishKind::Stop);
}

#[test]
fn either_a_finish_reason_or_done_completes() {
    assert_eq!(answer(&[text("a"), finish("stop")]).text(), "a");
    let response = answer(&[text("a"), done()]);
    let reason = response.finish_reason().unwrap();
    assert_eq!((reason.kind, &reason.raw), (FinishKind::Stop, &None));
    // Never said at all, by hosts that send everything empty.
    let response = answer(&[text("a"), finish(""), json!("[DONE] ")]);
    assert_eq!(kind(&response), FinishKind::Stop);
}

#[test]
fn an_end_without_either_is_truncation() {
    let (partial, error) = broken(&[text("a")]);
    assert_eq!(
        (partial.text().as_str(), error.kind()),
        ("a", ErrorKind::Truncated)
    );
    assert!(partial.interrupted);
    let (partial, error) = broken(&[]);
    assert_eq!(
        (partial.choices.len(), error.kind()),
        (0, ErrorKind::Truncated)
    );
    // Of two choices one is cut.
    let (_, error) = broken(&[
        choice(json!({"index": 1, "delta": {"content": "b"}})),
        finish("stop"),
    ]);
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

#[test]
fn nothing_comes_after_the_end() {
    let frames = [
        text("a"),
        finish("stop"),
        done(),
        text("b"),
        json!("rubbish"),
        done(),
    ];
    assert_eq!(answer(&frames).text(), "a");
    // Usage without choices ends it too, without waiting for more.
    let (info, profile) = (info(), Profile::default());
    let mut decoder = OpenAiChat::default().decoder(&Target::new(&info, &profile));
    let mut out = VecDeque::new();
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1}});
    for frame in [text("a"), finish("stop"), usage] {
        let data = frame.to_string();
        decoder
            .decode(Frame::data(data.as_bytes()), &mut out)
            .unwrap();
    }
    assert!(out.back().unwrap().is_terminal());
}
