//! The assembler, through its public interface.

#![allow(clippy::unwrap_used)]

use parlor_core::*;
use parlor_dialect::{Assembler, ToolFragment};
use serde_json::json;
use std::collections::VecDeque;

fn assembler() -> Assembler {
    Assembler::new(Origin::new("p", "d"))
}

/// Completes the answer, checks the grammar and collects.
fn collect(mut assembler: Assembler, mut events: VecDeque<Event>) -> ChatResponse {
    assembler.complete(&mut events).unwrap();
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("p"));
    for event in events {
        collector.push(&event);
        grammar.check(&Ok(event)).unwrap();
    }
    grammar.finish().unwrap();
    collector.into_response()
}

/// The calls that these fragments (index, id, name, arguments) amount to.
fn calls(fragments: &[(Option<u64>, &str, &str, &str)]) -> Vec<(String, String, String)> {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    for (index, id, name, arguments) in fragments {
        let fragment = ToolFragment {
            index: *index,
            id,
            name,
            arguments,
            ..ToolFragment::default()
        };
        it.call(0, fragment, &mut out).unwrap();
    }
    let response = collect(it, out);
    let calls = response.tool_calls();
    calls
        .map(|call| {
            (
                call.id.clone(),
                call.name.clone(),
                call.arguments.text.clone(),
            )
        })
        .collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn interleaved_fragments_join_by_index() {
    let joined = calls(&[
        (Some(0), "a", "f", ""),
        (Some(1), "b", "g", "{"),
        (Some(0), "", "", "{\"x\":"),
        (Some(1), "", "", "}"),
        (Some(0), "", "", "1}"),
    ]);
    assert_eq!(joined, [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]);
}

#[test]
fn a_repeated_index_with_another_id_is_another_call() {
    let joined = calls(&[(Some(0), "a", "f", "{}"), (Some(0), "b", "f", "{}")]);
    assert_eq!(joined, [call("a", "f", "{}"), call("b", "f", "{}")]);
}

#[test]
fn repeated_ids_and_names_are_not_joined_to_themselves() {
    let joined = calls(&[
        (Some(0), "a", "f", "{\"x\""),
        (Some(0), "a", "f", ":1"),
        (Some(0), "", "", "}"),
    ]);
    assert_eq!(joined, [call("a", "f", "{\"x\":1}")]);
}

#[test]
fn without_an_index_a_new_id_or_name_is_a_new_call() {
    let joined = calls(&[
        (None, "a", "f", "{"),
        (None, "", "", "}"),
        (None, "b", "f", "{}"),
        (None, "", "g", "[]"),
    ]);
    assert_eq!(joined.len(), 3);
    assert_eq!(joined[0], call("a", "f", "{}"));
    assert_eq!(joined[1], call("b", "f", "{}"));
    assert_eq!((joined[2].1.as_str(), joined[2].2.as_str()), ("g", "[]"));
}

#[test]
fn name_and_id_may_come_late() {
    let joined = calls(&[
        (Some(3), "", "", "{\"x\":"),
        (Some(3), "", "f", ""),
        (Some(3), "late", "", "1}"),
    ]);
    assert_eq!(joined, [call("late", "f", "{\"x\":1}")]);
    let joined = calls(&[(None, "", "f", "{}"), (None, "late", "", "")]);
    assert_eq!(joined, [call("late", "f", "{}")]);
}

#[test]
fn a_missing_id_is_minted_the_same_for_the_same_answer() {
    let mint = |id: Option<&str>| {
        let (mut it, mut out) = (assembler(), VecDeque::new());
        it.start(id, None, None);
        let part = Part::ToolCall(ToolCall::new("", "f", Arguments::json("{}")));
        it.part(0, part.clone(), &mut out).unwrap();
        it.part(0, part, &mut out).unwrap();
        let response = collect(it, out);
        response
            .tool_calls()
            .map(|it| it.id.clone())
            .collect::<Vec<_>>()
    };
    let ids = mint(Some("r1"));
    assert_eq!(ids, mint(Some("r1")));
    assert_ne!(ids[0], ids[1]);
    assert_ne!(mint(None), mint(None));
    for id in ids {
        assert!(
            id.len() == 9 && id.bytes().all(|it| it.is_ascii_alphanumeric()),
            "{id}"
        );
    }
}

#[test]
fn a_hostile_index_takes_no_memory_and_too_many_parts_are_an_error() {
    assert_eq!(calls(&[(Some(u64::MAX), "a", "f", "{}")]).len(), 1);
    let (mut it, mut out) = (assembler(), VecDeque::new());
    let mut outcome = Ok(());
    for index in 0..100_000 {
        let fragment = ToolFragment {
            index: Some(index),
            ..ToolFragment::default()
        };
        outcome = it.call(0, fragment, &mut out).map(|_| ());
        if outcome.is_err() {
            break;
        }
    }
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn a_call_cut_by_the_limit_is_cut_whatever_the_reason_says() {
    for (arguments, kind, cut) in [
        ("{\"x\": \"a", FinishKind::ToolCalls, true),
        ("", FinishKind::Length, true),
        ("", FinishKind::ToolCalls, false),
        ("{}", FinishKind::Length, false),
        ("{x}", FinishKind::ToolCalls, false),
    ] {
        let (mut it, mut out) = (assembler(), VecDeque::new());
        let fragment = ToolFragment {
            id: "a",
            name: "f",
            arguments,
            ..ToolFragment::default()
        };
        it.call(0, fragment, &mut out).unwrap();
        it.finish(0, kind.into(), &mut out).unwrap();
        let response = collect(it, out);
        let form = response.tool_calls().next().unwrap().arguments.form;
        assert_eq!(form == ArgumentsForm::Cut, cut, "{arguments:?} {kind:?}");
    }
}

#[test]
fn started_waits_for_content_and_goes_before_what_came_earlier() {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    it.unknown(json!({"filter": 1}), &mut out);
    it.start(Some(""), Some("m"), None);
    assert!(out.is_empty());
    it.start(Some("r1"), Some("other"), None);
    it.text(0, "Hi", &mut out).unwrap();
    let Some(Event::Started { id, model, .. }) = out.front() else {
        panic!("{out:?}");
    };
    assert_eq!((id.as_deref(), model.as_deref()), (Some("r1"), Some("m")));
    assert_eq!(collect(it, out).native.len(), 1);
}

#[test]
fn a_native_item_without_a_part_keeps_its_place() {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    it.text(0, "a", &mut out).unwrap();
    it.seal(0, None, &mut out).unwrap();
    it.seal(0, Some(json!({"signature": "s"})), &mut out)
        .unwrap();
    it.text(0, "b", &mut out).unwrap();
    let response = collect(it, out);
    let parts = &response.message().unwrap().parts;
    let texts: Vec<_> = parts.iter().map(|it| it.as_text().unwrap()).collect();
    assert_eq!(texts, ["a", "", "b"]);
    let home = Origin::new("p", "d");
    assert_eq!(parts[1].native_for(&home), Some(&json!({"signature": "s"})));
}

#[test]
fn a_choice_finishes_once_and_nothing_follows() {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    it.text(0, "a", &mut out).unwrap();
    it.finish(0, FinishReason::new(FinishKind::Stop, "stop"), &mut out)
        .unwrap();
    let before = out.len();
    it.finish(0, FinishReason::new(FinishKind::Length, "length"), &mut out)
        .unwrap();
    it.text(0, "late", &mut out).unwrap();
    it.reasoning(0, "late", &mut out).unwrap();
    it.part(0, Part::text("late"), &mut out).unwrap();
    it.call(
        0,
        ToolFragment {
            name: "f",
            ..ToolFragment::default()
        },
        &mut out,
    )
    .unwrap();
    assert_eq!(out.len(), before);
    let response = collect(it, out);
    assert_eq!(response.text(), "a");
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
}

#[test]
fn parts_with_boundaries_may_overlap() {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    let first = it.open(0, PartKind::Text, &mut out).unwrap();
    let second = it.open(0, PartKind::Reasoning, &mut out).unwrap();
    it.delta(0, first, PartKind::Text, "a", &mut out);
    it.delta(0, second, PartKind::Reasoning, "x", &mut out);
    it.delta(0, first, PartKind::Text, "b", &mut out);
    it.close(0, first, None, &mut out);
    it.delta(0, first, PartKind::Text, "late", &mut out);
    it.close(0, first, None, &mut out);
    let response = collect(it, out);
    assert_eq!(
        (response.text(), response.reasoning()),
        ("ab".into(), "x".into())
    );
}

#[test]
fn usage_is_merged_and_said_when_it_changes() {
    let (mut it, mut out) = (assembler(), VecDeque::new());
    let mut usage = Usage::default();
    usage.input_tokens = Some(9);
    it.usage(usage.clone(), &mut out);
    it.usage(usage, &mut out);
    let mut later = Usage::default();
    later.output_tokens = Some(5);
    it.text(0, "a", &mut out).unwrap();
    it.usage(later, &mut out);
    let said = out
        .iter()
        .filter(|it| matches!(it, Event::Usage { .. }))
        .count();
    assert_eq!(said, 2);
    let usage = collect(it, out).usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(9), Some(5))
    );
}
