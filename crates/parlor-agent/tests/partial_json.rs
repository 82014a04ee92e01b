//! JSON that is cut anywhere reads as a beginning of the whole.

#![allow(clippy::unwrap_used)]

use parlor_agent::PartialJson;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

fn cut_at(text: &str, end: usize) -> PartialJson {
    let mut partial = PartialJson::new();
    assert!(partial.push(&text[..end]), "{}", &text[..end]);
    partial
}

/// Whether one value may still become the other: texts go on, lists and
/// objects get more at their end, and only what is last may be unfinished.
fn is_beginning(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
        (Value::Array(part), Value::Array(whole)) => {
            let last = part.len().saturating_sub(1);
            part.len() <= whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .enumerate()
                    .all(|(at, (part, whole))| {
                        part == whole || (at == last && is_beginning(part, whole))
                    })
        }
        (Value::Object(part), Value::Object(whole)) => {
            let last = part.len().saturating_sub(1);
            part.len() <= whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .enumerate()
                    .all(|(at, (part, whole))| {
                        part.0 == whole.0
                            && (part.1 == whole.1 || (at == last && is_beginning(part.1, whole.1)))
                    })
        }
        (part, whole) => part == whole,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\"\\\\/\u{1}-\u{1f}𝄞é]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same JSON with every character above ASCII as an escape.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter.is_ascii() {
            true => out.push(letter),
            false => {
                let units = letter.encode_utf16(&mut [0; 2]).to_vec();
                out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_any_json_is_a_beginning_of_it(value in any_json(), pretty: bool, ascii: bool) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&value).unwrap(),
            false => value.to_string(),
        };
        let text = if ascii { escaped(&text) } else { text };
        // Numbers are read by the same rules on both sides.
        let value: Value = serde_json::from_str(&text).unwrap();
        let mut growing = PartialJson::new();
        for (at, letter) in text.char_indices() {
            let cut = cut_at(&text, at);
            prop_assert_eq!(growing.value(), cut.value());
            if let Some(part) = cut.value() {
                prop_assert!(is_beginning(part, &value), "{} of {}", part, value);
            }
            prop_assert!(growing.push(letter.encode_utf8(&mut [0; 4])));
        }
        // A number at the root ends with what comes after it.
        prop_assert!(growing.push("\n"));
        prop_assert!(growing.is_whole());
        prop_assert_eq!(growing.value(), Some(&value));
    }

    #[test]
    fn no_text_makes_it_panic(pieces in prop::collection::vec("[\\[\\]{}\",:\\\\u0-9a-ftrue .+-]{0,12}", 0..6)) {
        let mut partial = PartialJson::new();
        let mut fine = true;
        for piece in &pieces {
            let more = partial.push(piece);
            prop_assert!(fine || !more, "mended itself");
            fine = more;
        }
        let text = pieces.concat();
        if let (true, Ok(value)) = (partial.is_whole(), serde_json::from_str::<Value>(&text)) {
            prop_assert_eq!(partial.value(), Some(&value));
        }
    }
}

#[test]
fn what_can_not_be_told_yet_is_left_out() {
    let cases = [
        (r#"{"a": 1"#, json!({})),
        (r#"{"a": 1,"#, json!({"a": 1})),
        (r#"{"a": tru"#, json!({})),
        (r#"{"a": true"#, json!({"a": true})),
        (r#"{"a": "x\"#, json!({"a": "x"})),
        (r#"{"a": "x\u00e"#, json!({"a": "x"})),
        (r#"{"a": "x\ud834"#, json!({"a": "x"})),
        (r#"{"a": "x\ud834\udd1e"#, json!({"a": "x\u{1d11e}"})),
        (r#"{"a": [{"b": "c"#, json!({"a": [{"b": "c"}]})),
        (r#"{"a": [], "ke"#, json!({"a": []})),
        (r#"{"a": [], "key":"#, json!({"a": []})),
    ];
    for (text, value) in cases {
        assert_eq!(cut_at(text, text.len()).value(), Some(&value), "{text}");
    }
}

#[test]
fn what_is_no_json_is_told_and_what_came_before_stays() {
    for text in [
        "{a",
        "[1 2]",
        r#"{"a" 1"#,
        "[01]",
        "[tru]",
        "[nul,",
        "{\"a\\q",
        "\"a\nb",
        "[-]",
        "{]",
        "[}",
        "[\"a\":",
    ] {
        let mut partial = PartialJson::new();
        let fine = partial.push(text);
        let valid = serde_json::from_str::<Value>(text).is_ok_and(|_| true);
        let eof = serde_json::from_str::<Value>(text).is_err_and(|it| it.is_eof());
        assert_eq!(fine, valid || eof, "{text}");
    }
    let mut partial = PartialJson::new();
    assert!(!partial.push(r#"{"a": 1, b"#));
    assert!(!partial.push(r#""c": 2}"#));
    assert_eq!(partial.value(), Some(&json!({"a": 1})));
}

#[test]
fn depth_is_bounded() {
    let mut partial = PartialJson::new();
    assert!(!partial.push(&"[".repeat(100_000)));
    assert!(cut_at(&"[".repeat(127), 127).value().is_some());
}

#[derive(Debug, PartialEq, Deserialize)]
struct Room {
    name: String,
    size: u32,
    kind: Kind,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Kitchen,
    Hall,
}

#[test]
fn a_list_of_structs_is_read_by_whole_structs() {
    let text = r#"[{"name": "a", "size": 1, "kind": "hall"}, {"name": "b", "size": 2, "kind": "kitchen"}]"#;
    let mut partial = PartialJson::new();
    let mut seen = Vec::new();
    for letter in text.chars() {
        assert!(partial.push(letter.encode_utf8(&mut [0; 4])));
        let before = partial.value().cloned();
        let rooms: Option<Vec<Room>> = partial.read();
        assert_eq!(partial.value(), before.as_ref(), "reading changed it");
        let rooms = rooms.unwrap();
        if seen.last() != Some(&rooms.len()) {
            seen.push(rooms.len());
        }
    }
    assert_eq!(seen, [0, 1, 2]);
}
