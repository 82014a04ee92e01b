//! No damage makes it panic.

use crate::support::*;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target, WireError};
use proptest::prelude::*;
use serde_json::{Value, json};

fn frames() -> Vec<Value> {
    let citation = json!({"start": 0, "end": 2, "sources": [{"document": {}}], "content_index": 1});
    let mut frames = vec![start(), open(0, "thinking"), thought(0, "hm"), shut(0)];
    frames.extend([open(1, "text"), text(1, "Bl\u{e9}"), plan("p")]);
    frames.extend(cite(citation));
    frames.extend([call(0, "a", "f"), arguments(0, "{\"x\":1}"), call_end(0)]);
    frames.push(end("TOOL_CALL"));
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_damage_makes_it_panic(
        which in 0usize..13,
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut frames: Vec<Vec<u8>> = frames().iter().map(|it| it.to_string().into_bytes()).collect();
        let frame = &mut frames[which];
        let at = at.index(frame.len());
        let end = (at + bytes.len()).min(frame.len());
        frame.splice(at..end, bytes);
        let (events, _) = events_of_bytes(&frames);
        collect(&events);
        let (info, profile) = (info(), Profile::default());
        for frame in &frames {
            let _ = Cohere::default().read_response(frame, &Target::new(&info, &profile));
            Cohere::default().read_error(&WireError::new(400, &[], frame));
            let _ = Cohere::default().read_request("/v2/chat", frame, &origin());
        }
    }

    #[test]
    fn no_value_in_a_wrong_place_makes_it_panic(
        which in 0usize..13,
        place in any::<prop::sample::Index>(),
        with in 0usize..7,
    ) {
        let odd = [json!(null), json!([]), json!({}), json!("x"), json!(-1), json!([{"a": [1]}]), json!(true)];
        let mut frames = frames();
        let mut places: Vec<String> = Vec::new();
        pointers(&frames[which], String::new(), &mut places);
        if let Some(value) = frames[which].pointer_mut(place.get(&places[..]).as_str()) {
            *value = odd[with].clone();
        }
        let (events, _) = events_of(&frames);
        collect(&events);
        let _ = whole(frames[which].clone());
        let text = frames[which].to_string();
        let _ = Cohere::default().read_request("/v2/chat", text.as_bytes(), &origin());
    }
}

fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                pointers(inner, format!("{at}/{key}"), out);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                pointers(inner, format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
    out.push(at);
}

#[test]
fn broken_text_is_repaired() {
    let lone =
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a\ud83d"}}}}"#;
    let call = r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"a\udc00","function":{"name":"f","arguments":"\ud83d"}}}}}"#;
    let answer = decode(&[
        start(),
        open(0, "text"),
        json!(lone),
        json!(call),
        end("COMPLETE"),
    ])
    .unwrap();
    assert_eq!(answer.text(), "a\u{FFFD}");
    assert_eq!(answer.tool_calls().next().unwrap().id, "a\u{FFFD}");
}

#[test]
fn hostile_indexes_take_no_memory() {
    let far = u64::MAX;
    let answer = decode(&[
        start(),
        open(far, "text"),
        text(far, "a"),
        call(far, "a", "f"),
        end("COMPLETE"),
    ]);
    assert_eq!(answer.unwrap().text(), "a");
    let many: Vec<_> = (0..5_000).map(|it| open(it, "text")).collect();
    assert!(decode(&many).is_err());
}
