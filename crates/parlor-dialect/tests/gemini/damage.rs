//! Any cut gives the same, and no damage makes it panic.

use crate::support::*;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target, WireError};
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_into_chunks_gives_the_same(
        thoughts in "[a-zé\"\\\\\n]{0,12}",
        text in "[a-zé\"\\\\\n]{0,24}",
        size in 1usize..8,
        together in any::<bool>(),
    ) {
        let pieces = |text: &str, thought: bool| -> Vec<serde_json::Value> {
            let letters: Vec<char> = text.chars().collect();
            letters
                .chunks(size)
                .map(|it| json!({"text": it.iter().collect::<String>(), "thought": thought}))
                .collect()
        };
        let mut parts = pieces(&thoughts, true);
        parts.extend(pieces(&text, false));
        let mut frames: Vec<String> = match together {
            true => vec![chunk(json!(parts))],
            false => parts.into_iter().map(|it| chunk(json!([it]))).collect(),
        };
        frames.push(done("STOP"));
        let whole = [
            chunk(json!([{"text": thoughts, "thought": true}, {"text": text}])),
            done("STOP"),
        ];
        let (cut, whole) = (decode(&frames).unwrap(), decode(&whole).unwrap());
        prop_assert_eq!(&cut, &whole);
        prop_assert_eq!(decode(&encode(&cut.clone().into_events())).unwrap(), cut);
    }

    #[test]
    fn no_damage_makes_it_panic(
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
        which in 0usize..7,
    ) {
        let mut frames = vec![
            chunk(json!([{"text": "hm", "thought": true, "thoughtSignature": "s"}, {"functionCall": {"name": "f", "args": {"a": [1]}}}])),
            chunk(json!([{"functionCall": {"name": "g", "willContinue": true, "partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "x"}]}}])),
            chunk(json!([{"executableCode": {"code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, {"inlineData": {"mimeType": "image/png", "data": "iVA="}}])),
            candidate(json!({"groundingMetadata": {"groundingChunks": [{"web": {"uri": "u"}}], "groundingSupports": [{"segment": {"endIndex": 1}, "groundingChunkIndices": [0]}]}, "logprobsResult": {"chosenCandidates": [{"token": "x"}]}})),
            json!({"promptFeedback": {"safetyRatings": [{"probability": "HIGH"}]}, "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}]}, "createTime": "2026-06-15T18:18:30.977177Z"}).to_string(),
            json!({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "1s"}]}}).to_string(),
            done("STOP"),
        ]
        .into_iter()
        .map(String::into_bytes)
        .collect::<Vec<_>>();
        let frame = &mut frames[which];
        let at = at.index(frame.len());
        let end = (at + bytes.len()).min(frame.len());
        frame.splice(at..end, bytes);
        let (events, _) = events_of(&frames);
        let response = collect(&events);
        let _ = Gemini::default().write_response(&response);
        let whole = frames.concat();
        let (info, profile) = (info(), Profile::default());
        let _ = Gemini::default().read_response(&whole, &Target::new(&info, &profile));
        for frame in &frames {
            Gemini::default().read_error(&WireError::new(400, &[], frame));
        }
    }
}
