//! A usual text delta costs no heap.

use super::*;

#[test]
fn a_usual_text_delta_allocates_nothing() {
    let frames: Vec<Vec<u8>> = [
        // As the maker sends it, as routers do, as local servers do.
        json!({
            "id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "service_tier": "default",
            "system_fingerprint": "fp_1", "usage": null, "obfuscation": "aBc",
            "choices": [{"index": 0, "delta": {"content": " word"}, "logprobs": null, "finish_reason": null}],
        }),
        json!({
            "id": "c-1", "provider": "P", "model": "m", "object": "chat.completion.chunk", "created": 1,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": " word", "reasoning": null}, "finish_reason": null, "native_finish_reason": null, "logprobs": null}],
        }),
        json!({"choices": [{"index": 0, "finish_reason": null, "content_filter_results": {}, "delta": {"content": " word", "reasoning_content": null}}]}),
    ]
    .iter()
    .map(|it| it.to_string().into_bytes())
    .collect();
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    for frame in &frames {
        let counts = [false, true].map(|alike| count(frame, alike, &target));
        assert_eq!(counts, [0, 0], "{}", String::from_utf8_lossy(frame));
    }
    // Nor do unknown objects within objects.
    let nested = br#"{"choices":[{"index":0,"content_filter_results":{"hate":{"filtered":false}},"delta":{"content":" word"}}]}"#;
    assert_eq!(count(nested, false, &target), 0);
    assert_eq!(count(nested, true, &target), 0);
}

/// The allocations of 32 frames after the first, alike or each another than
/// the one before by a blank.
fn count(frame: &[u8], alike: bool, target: &Target<'_>) -> u64 {
    let other = [if alike { b"" } else { b" ".as_slice() }, frame].concat();
    let mut decoder = OpenAiChat::default().decoder(target);
    let mut out = VecDeque::with_capacity(64);
    decoder.decode(Frame::data(frame), &mut out).unwrap();
    let measured = allocation_counter::measure(|| {
        for _ in 0..16 {
            decoder.decode(Frame::data(&other), &mut out).unwrap();
            decoder.decode(Frame::data(frame), &mut out).unwrap();
            out.clear();
        }
    });
    measured.count_total
}
