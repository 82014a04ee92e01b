//! What stands where a continuation joins the text before.

use super::{begun, ended, notices, reset, resuming, scripts, streamed};
use parlor_core::*;

#[tokio::test(start_paused = true)]
async fn what_is_said_again_is_left_out() {
    let cases = [
        // (said, said next, whole)
        (
            "Once upon a time ",
            &["upon a time there", " was"][..],
            "Once upon a time there was",
        ),
        (
            "Once upon a time",
            &["up", "on a ", "time there"],
            "Once upon a time there",
        ),
        (
            "Once upon a time",
            &["up", "on us"],
            "Once upon a timeupon us",
        ),
        // All of it, however short.
        ("Once ", &["On", "ce upon"], "Once upon"),
        ("one\n\n", &["one\n\ntwo"], "one\n\ntwo"),
        ("one\n\n", &["one\ntwo"], "one\n\ntwo"),
        // Too short to tell.
        ("It costs 10", &["00 euros"], "It costs 1000 euros"),
        ("a very ", &["very good"], "a very very good"),
        // The answer's own.
        ("---------- ", &["----------"], "---------- ----------"),
        (
            "0, 0, 0, 0, 0, ",
            &["0, 0, 0, 0, 1"],
            "0, 0, 0, 0, 0, 0, 0, 0, 0, 1",
        ),
        (
            "la la land, la la land, ",
            &["la la land, end"],
            "la la land, la la land, la la land, end",
        ),
        // White space wasn't sent.
        ("if x:\n    ", &["\n", "    return"], "if x:\n    return"),
        ("one\n\n", &["\n\n\ntwo"], "one\n\n\ntwo"),
        ("one ", &["two"], "one two"),
        (
            "Es ist schön, größer ",
            &["schön, größer zu sein"],
            "Es ist schön, größer zu sein",
        ),
        (
            "天空为什么是蓝色的因为",
            &["是蓝色的因为光"],
            "天空为什么是蓝色的因为是蓝色的因为光",
        ),
        (
            "all of what was said",
            &["all of what was said"],
            "all of what was said",
        ),
    ];
    for (said, next, whole) in cases {
        let rest = || begun(next).events(ended(None));
        let first = || begun(&[said]).fails(reset());
        let response = streamed(&resuming(&scripts([first(), rest()]), |_| {}), "x").await;
        let response = response.unwrap();
        assert_eq!(response.text(), whole);
        let left_out = said.len() + next.concat().len() > whole.len();
        assert_eq!(
            notices(&response)[0].contains("said again"),
            left_out,
            "{said}"
        );
        let called = resuming(&scripts([first(), rest()]), |_| {}).ask("x").await;
        assert_eq!(called.unwrap().text(), whole);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_a_repetition_is_not_shown_when_it_breaks_off_too() {
    let model = scripts([
        begun(&["Once upon a time"]).fails(reset()),
        begun(&["upon a t"]).fails(reset()),
        begun(&["upon a time there"]).events(ended(None)),
    ]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), "Once upon a time there");
    assert_eq!(notices(&response).len(), 1);
    assert_eq!(model.exchanges().begun, 3);
}

#[tokio::test(start_paused = true)]
async fn places_of_citations_are_moved() {
    let cited = |start, end| {
        let mut citation = Citation::default();
        (citation.start, citation.end) = (Some(start), Some(end));
        let citation = Box::new(citation);
        Event::Citation {
            choice: 0,
            part: 0,
            citation,
        }
    };
    let first = begun(&["schöner Morgen "])
        .event(cited(0, 7))
        .fails(reset());
    let rest = begun(&["r Morgen heute"])
        .event(cited(9, 14))
        .events(ended(None));
    let model = scripts([first, rest]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    let Part::Text(text) = &response.message().unwrap().parts[0] else {
        panic!("{response:?}");
    };
    assert_eq!(text.text, "schöner Morgen heute");
    let spans: Vec<String> = text
        .citations
        .iter()
        .map(|it| {
            let (start, end) = (it.start.unwrap() as usize, it.end.unwrap() as usize);
            text.text.chars().skip(start).take(end - start).collect()
        })
        .collect();
    assert_eq!(spans, ["schöner", "heute"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_text_that_is_given_once_more_is_left_out() {
    let long: String = (0..2000).map(|number| format!("word {number}, ")).collect();
    let again = format!("{}, and more", long.trim_end());
    let pieces: Vec<String> = again
        .as_bytes()
        .chunks(7)
        .map(|piece| String::from_utf8(piece.to_vec()).unwrap())
        .collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let rest = begun(&pieces).events(ended(None));
    let model = scripts([begun(&[&long]).fails(reset()), rest]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), format!("{long}, and more"));
    // What begins as it did and goes on in another way is new.
    let rest = begun(&["word 0, wor", "d 2"]).events(ended(None));
    let model = scripts([begun(&[&long]).fails(reset()), rest]);
    let response = streamed(&resuming(&model, |_| {}), "x").await.unwrap();
    assert_eq!(response.text(), format!("{long}word 0, word 2"));
}
