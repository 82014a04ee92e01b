//! The recorded exchanges are read whole; skipped where the folder is absent.

use parlor_testkit::Cassette;

const DIALECTS: &[&str] = &[
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "gemini",
    "mistral",
    "bedrock-converse",
    "bedrock-invoke-anthropic",
    "cohere-v2",
    "ollama-chat",
];

#[test]
fn every_dialect_has_recordings_with_something_to_expect() {
    for dialect in DIALECTS {
        let Some(cassettes) = Cassette::load_all(dialect) else {
            return;
        };
        assert!(!cassettes.is_empty(), "no recording of {dialect}");
        for cassette in &cassettes {
            let (name, expected) = (cassette.id(), &cassette.expected);
            assert_eq!(&cassette.dialect, dialect, "{name}");
            assert!(!cassette.response.body.is_empty(), "{name}: no body");
            assert_eq!(cassette.shows("error"), expected.error.is_some(), "{name}");
            assert_eq!(
                cassette.shows("stream"),
                cassette.response.streaming,
                "{name}"
            );
            assert_eq!(
                expected.usage.is_some(),
                expected.usage_inclusive.is_some(),
                "{name}"
            );
        }
        assert!(cassettes.is_sorted_by(|a, b| a.id() <= b.id()));
    }
}

#[test]
fn a_binary_body_is_decoded() {
    let Some(cassettes) = Cassette::load_all("bedrock-converse") else {
        return;
    };
    let streams = cassettes
        .iter()
        .filter(|it| it.wire.iter().any(|it| it == "aws-event-stream"));
    let mut seen = 0;
    for cassette in streams {
        let body = &cassette.response.body;
        let total = u32::from_be_bytes([body[0], body[1], body[2], body[3]]) as usize;
        assert!((16..=body.len()).contains(&total), "{}", cassette.id());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn a_recording_is_found_by_name() {
    let Some(all) = Cassette::load_all("ollama-chat") else {
        return;
    };
    let first = &all[0];
    let again = Cassette::load(&first.provider, &first.name).expect("the folder is there");
    assert_eq!(again.response.body, first.response.body);
    assert_eq!(again.expected.tool_calls, first.expected.tool_calls);
}
