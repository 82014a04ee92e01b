//! Any cut gives the same, and no damage makes it panic.

use crate::support::*;
use parlor_core::Origin;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target, WireError};
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_into_deltas_gives_the_same(
        thoughts in "[a-zé\"\\\\\n]{0,12}",
        text in "[a-zé\"\\\\\n]{0,24}",
        size in 1usize..8,
    ) {
        let pieces = |text: &str| -> Vec<String> {
            let letters: Vec<char> = text.chars().collect();
            letters.chunks(size).map(|it| it.iter().collect()).collect()
        };
        let mut lines: Vec<String> = pieces(&thoughts)
            .into_iter()
            .map(|it| line(json!({"thinking": it, "content": ""})))
            .collect();
        lines.extend(pieces(&text).iter().map(|it| said(it)));
        lines.push(done());
        let whole = [line(json!({"thinking": thoughts, "content": text})), done()];
        let (cut, whole) = (decode(&lines).unwrap(), decode(&whole).unwrap());
        prop_assert_eq!(&cut.choices, &whole.choices);
        prop_assert_eq!(decode(&encode(&cut.clone().into_events())).unwrap().choices, cut.choices);
    }

    #[test]
    fn no_damage_makes_it_panic(
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
        which in 0usize..5,
    ) {
        let mut lines = vec![
            line(json!({"thinking": "hm", "content": "<think>", "extra": [1]})),
            line(json!({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]})),
            json!({"message": {"images": ["iVA="]}, "logprobs": [{"token": "H", "logprob": -0.5}]}).to_string(),
            json!({"error": {"message": "x"}, "status_code": 404}).to_string(),
            done(),
        ].into_iter().map(String::into_bytes).collect::<Vec<_>>();
        let line = &mut lines[which];
        let at = at.index(line.len());
        let end = (at + bytes.len()).min(line.len());
        line.splice(at..end, bytes);
        let (events, _) = events_of(&Profile::of("qwen3"), &lines);
        collect(&events);
        let whole = lines.concat();
        let (info, profile) = (info(), Profile::default());
        let _ = Ollama::default().read_response(&whole, &Target::new(&info, &profile));
        Ollama::default().read_error(&WireError::new(400, &[], &whole));
        let _ = Ollama::default().read_request("/api/chat", &whole, &Origin::new("o", "d"));
    }
}
