//! Recorded bodies of real providers, cut into frames that must be JSON.

use parlor_testkit::Cassette;
use serde_json::value::RawValue;

use super::run;
use crate::framing::{Framer, Framing};

const DIALECTS: [&str; 11] = [
    "anthropic-messages",
    "bedrock-converse",
    "bedrock-invoke-anthropic",
    "cohere-v1",
    "cohere-v2",
    "dashscope",
    "gemini",
    "mistral",
    "ollama-chat",
    "openai-chat",
    "openai-responses",
];

fn is_json(data: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(data).is_ok()
}

/// How the body is framed by its content type; a whole JSON answer is read as server-sent events,
/// as it would be where a stream was asked for.
fn framing(cassette: &Cassette) -> Framing {
    let content_type = cassette.response.headers.get("content-type");
    match content_type.map(String::as_str).unwrap_or_default() {
        "application/vnd.amazon.eventstream" => Framing::EventStream,
        "application/x-ndjson" | "application/stream+json" => Framing::Ndjson,
        _ => Framing::Sse,
    }
}

#[test]
fn recorded_bodies_are_cut_into_json() {
    if Cassette::folder().is_none() {
        println!("skipped recorded_bodies_are_cut_into_json: no recordings");
        return;
    }
    let mut bodies = 0;
    for dialect in DIALECTS {
        for cassette in Cassette::load_all(dialect).unwrap_or_default() {
            let body = &cassette.response.body;
            if body.starts_with(b"base64:") {
                continue; // The recorder's own wrapping, not what came over the wire.
            }
            let framing = framing(&cassette);
            let (frames, error) = run(Framer::new(framing), [body.as_slice()]);
            let id = cassette.id();
            assert_eq!(error, None, "{id}");
            assert!(!frames.is_empty(), "{id}");
            for frame in &frames {
                let text = frame.data.escape_ascii();
                assert!(
                    is_json(&frame.data) || frame.data.trim_ascii() == b"[DONE]",
                    "{id}: {text}"
                );
            }
            let whole = is_json(body) && framing == Framing::Sse;
            if whole {
                assert!(frames.len() == 1 && frames[0].stray, "{id}: {frames:?}");
            }
            assert!(whole || !frames[0].stray, "{id}: {frames:?}");
            let cut = run(Framer::new(framing), body.chunks(7));
            assert!(cut == (frames, None), "{id} in chunks");
            bodies += 1;
        }
    }
    assert!(bodies > 0);
}
