//! Sources and citations, both ways.

use crate::support::*;
use parlor_core::*;
use serde_json::{Value, json};

fn grounded(metadata: Value) -> Vec<String> {
    let end = json!({"content": {"parts": [{"text": ""}]}, "finishReason": "STOP", "groundingMetadata": metadata});
    vec![said("Oslo is cold."), candidate(end)]
}

fn plain() -> Value {
    json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "a"}}, {"web": {"uri": "https://b.example"}}],
        "groundingSupports": [
            {"segment": {"endIndex": 4, "text": "Oslo"}, "groundingChunkIndices": [0, 1]},
            {"segment": {"startIndex": 8, "endIndex": 12}, "groundingChunkIndices": [1]},
        ],
    })
}

#[test]
fn chunks_are_sources_and_supports_citations() {
    let response = decode(&grounded(plain())).unwrap();
    assert_eq!(
        kinds(&response),
        [PartKind::Text, PartKind::Source, PartKind::Source]
    );
    let Part::Text(text) = &parts_of(&response)[0] else {
        panic!()
    };
    let spans: Vec<_> = text
        .citations
        .iter()
        .map(|it| (it.start, it.end, it.url.as_deref().unwrap()))
        .collect();
    assert_eq!(
        spans,
        [
            (Some(0), Some(4), "https://a.example"),
            (Some(0), Some(4), "https://b.example"),
            (Some(8), Some(12), "https://b.example"),
        ]
    );
    assert_eq!(response.native, []);
    // Written again they say the same.
    assert_eq!(
        decode(&encode(&response.clone().into_events())).unwrap(),
        response
    );
}

#[test]
fn what_grounding_says_beyond_that_is_kept_verbatim() {
    let mut metadata = plain();
    metadata["webSearchQueries"] = json!(["oslo"]);
    metadata["searchEntryPoint"] = json!({"renderedContent": "<b>"});
    let response = decode(&grounded(metadata.clone())).unwrap();
    assert_eq!(
        response.native[0].item,
        json!({"candidates": [{"groundingMetadata": metadata}]})
    );
    assert_eq!(
        decode(&encode(&response.clone().into_events())).unwrap(),
        response
    );
}

#[test]
fn citations_find_a_text_that_is_signed() {
    let signed = json!({"content": {"parts": [{"text": "Oslo", "thoughtSignature": "s"}]},
        "finishReason": "STOP", "groundingMetadata": plain()});
    let response = decode(&[candidate(signed)]).unwrap();
    let Part::Text(text) = &parts_of(&response)[0] else {
        panic!()
    };
    assert_eq!(text.citations.len(), 3);
    assert_eq!(items(&response)[0], json!({"thoughtSignature": "s"}));
    assert_eq!(
        decode(&encode(&response.clone().into_events())).unwrap(),
        response
    );
}

#[test]
fn cited_works_are_citations() {
    let cited = json!({"content": {"parts": [{"text": "To be"}]}, "finishReason": "RECITATION",
    "citationMetadata": {"citationSources": [
        {"startIndex": 1, "endIndex": 5, "uri": "https://h.example", "license": "x"},
        {"endIndex": 5, "uri": "https://i.example"},
    ]}});
    let response = decode(&[candidate(cited)]).unwrap();
    let Part::Text(text) = &parts_of(&response)[0] else {
        panic!()
    };
    assert_eq!(
        text.citations[0].native.as_ref().unwrap().item["license"],
        "x"
    );
    assert_eq!(
        (text.citations[1].start, text.citations[1].native.as_ref()),
        (Some(0), None)
    );
    assert_eq!(
        decode(&encode(&response.clone().into_events())).unwrap(),
        response
    );
}

#[test]
fn other_metadata_of_a_choice_is_told_once() {
    let visited = json!({"urlMetadata": [{"retrievedUrl": "https://a.example"}]});
    let end = json!({"finishReason": "STOP", "finishMessage": "m", "urlContextMetadata": visited, "index": 1});
    let first = json!({"content": {"parts": [{"text": "x"}]}, "index": 1, "urlContextMetadata": {"urlMetadata": []}});
    let response = decode(&[candidate(first), candidate(end)]).unwrap();
    let told: Vec<_> = response.native.iter().map(|it| it.item.clone()).collect();
    let wanted =
        json!({"candidates": [{"urlContextMetadata": visited, "finishMessage": "m", "index": 1}]});
    assert_eq!(told, [wanted]);
}
