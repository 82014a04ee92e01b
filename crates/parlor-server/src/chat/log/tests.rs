//! Readers who begin anywhere.

use super::*;
use parlor_store::Mark;

fn all(log: &Log, mut from: Position) -> String {
    let mut out = String::new();
    let mut piece = String::new();
    while log.read(&mut from, &mut piece) == Read::Some {
        out.push_str(&std::mem::take(&mut piece));
    }
    out
}

#[test]
fn a_late_reader_gets_what_it_missed_at_once() {
    let log = Log::new();
    for word in ["Für", " dich", " ein", " Wort"] {
        log.say(Said::Text, word);
    }
    let told = all(&log, Position::default());
    assert_eq!(
        told,
        "id: 0.18\nevent: text\ndata: {\"text\":\"Für dich ein Wort\"}\n\n"
    );
    // In the middle of a letter.
    let told = all(&log, "0.2".parse().unwrap());
    assert_eq!(
        told,
        "id: 0.18\nevent: text\ndata: {\"text\":\"ür dich ein Wort\"}\n\n"
    );
    log.end(&json!({ "state": "complete" }));
    let told = all(&log, "0.18".parse().unwrap());
    assert_eq!(
        told,
        "id: 2.0\nevent: end\ndata: {\"state\":\"complete\"}\n\n"
    );
    assert_eq!(all(&log, "2.0".parse().unwrap()), "");
    assert_eq!(all(&log, "9.9".parse().unwrap()), told);
}

#[test]
fn long_text_comes_in_events_of_a_bounded_size() {
    let log = Log::new();
    let text = "ä".repeat(EVENT);
    log.say(Said::Reasoning, &text);
    let told = all(&log, Position::default());
    let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
    let mut read = String::new();
    for data in data {
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        let piece = data["text"].as_str().unwrap();
        assert!(piece.len() <= EVENT);
        read.push_str(piece);
    }
    assert_eq!(read, text);
}

#[test]
fn a_place_that_was_never_given_is_the_beginning() {
    let log = Log::new();
    log.note("start", &json!({}));
    log.say(Said::Text, "So");
    for beyond in ["99.0", "99.1", "99.0.7", &format!("{}.0", usize::MAX)] {
        let mut position = beyond.parse().unwrap();
        let mut told = String::new();
        assert_eq!(log.read(&mut position, &mut told), Read::Some);
        assert_eq!(told, all(&log, Position::default()), "{beyond}");
        assert_eq!(log.read(&mut position, &mut told), Read::Wait, "{beyond}");
    }
}

#[test]
fn asides_count_for_no_piece() {
    let log = Log::new();
    log.note("start", &json!({}));
    log.note("tool_call", &json!({ "id": "a" }));
    log.aside("approval", &json!({ "id": "a" }));
    log.aside("tool_result", &json!({ "id": "a" }));
    log.say(Said::Text, "So");
    let told = all(&log, Position::default());
    let ids: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .collect();
    assert_eq!(ids, ["1.0", "2.0", "2.0.1", "2.0.2", "2.2"]);
    for (at, id) in ids.iter().enumerate() {
        let position: Position = id.parse().unwrap();
        assert_eq!(Position::of(position.mark()), position);
        let rest = all(&log, position);
        let rest: Vec<&str> = rest
            .lines()
            .filter_map(|line| line.strip_prefix("id: "))
            .collect();
        assert_eq!(rest, ids[at + 1..], "{id}");
    }
    let marks: Vec<Mark> = ids
        .iter()
        .map(|id| id.parse::<Position>().unwrap().mark())
        .collect();
    assert!(marks.is_sorted());

    // From the store, which has no approvals, it goes on without losing anything.
    let kept = Log::new();
    kept.note("start", &json!({}));
    kept.note("tool_call", &json!({ "id": "a" }));
    kept.aside("tool_result", &json!({ "id": "a" }));
    kept.say(Said::Text, "So");
    kept.end(&json!({}));
    let names = |from: &str| {
        let from = from.parse::<Position>().unwrap().in_store();
        let told = all(&kept, from);
        let names = told.lines().filter_map(|line| line.strip_prefix("event: "));
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("2.0.2"), "tool_result text end");
    assert_eq!(names("2.0"), "tool_result text end");
    assert_eq!(names("2.2"), "end");
    assert_eq!(names("2.1.2"), "text end");
}

#[test]
fn a_position_beyond_all_there_can_be_has_a_mark() {
    let position: Position = format!("0.{}", usize::MAX).parse().unwrap();
    let last: Position = "0.4294967295".parse().unwrap();
    assert!(position.mark() > last.mark());
}
