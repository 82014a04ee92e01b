//! Where an answer's words come from: grounding and citations, both ways.

use crate::Assembler;
use parlor_core::{Citation, Native, Source};
use serde_json::{Map, Value, json};

/// What `groundingMetadata` says in core's words.
pub(super) struct Grounding {
    pub(super) sources: Vec<Source>,
    pub(super) citations: Vec<Citation>,
    /// Whether that is all it says.
    pub(super) is_whole: bool,
}

/// The most sources and the most citations that one answer may have.
const LIMIT: usize = 1_024;

/// Reads `groundingMetadata`. Offsets are the provider's: bytes.
pub(super) fn read(metadata: &Value) -> Grounding {
    let list = |name: &str| {
        metadata[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let mut is_whole = only(metadata, &["groundingChunks", "groundingSupports"]);
    let mut sources = Vec::new();
    for chunk in list("groundingChunks").iter().take(LIMIT) {
        let (source, says_all) = read_source(chunk);
        is_whole &= says_all;
        sources.push(source);
    }
    let mut citations = Vec::new();
    for support in list("groundingSupports") {
        is_whole &= only(support, &["segment", "groundingChunkIndices"]);
        is_whole &= only(&support["segment"], &["startIndex", "endIndex", "text"]);
        let indices = support["groundingChunkIndices"].as_array();
        for index in indices.into_iter().flatten() {
            let at = index.as_u64().and_then(|at| usize::try_from(at).ok());
            let source = at.and_then(|at| sources.get(at));
            let Some(source) = source.filter(|_| citations.len() < LIMIT) else {
                is_whole = false;
                continue;
            };
            let mut citation = span(&support["segment"]);
            citation.url.clone_from(&source.url);
            citation.title.clone_from(&source.title);
            citations.push(citation);
        }
    }
    Grounding {
        sources,
        citations,
        is_whole,
    }
}

/// A citation of a span. Protobuf leaves a zero out, so an end without a start
/// starts at zero.
fn span(fields: &Value) -> Citation {
    let mut citation = Citation::default();
    citation.end = fields["endIndex"].as_u64();
    citation.start = fields["startIndex"].as_u64().or(citation.end.map(|_| 0));
    citation
}

/// A chunk as a source, and whether that says all of it.
fn read_source(chunk: &Value) -> (Source, bool) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut source = Source::default();
    for kind in ["web", "retrievedContext", "maps"] {
        let Some(fields) = chunk.get(kind) else {
            continue;
        };
        source.url = text(&fields["uri"]);
        source.title = text(&fields["title"]);
        source.snippet = text(&fields["text"]);
        return (source, kind == "web" && only(fields, &["uri", "title"]));
    }
    (source, false)
}

fn only(value: &Value, keys: &[&str]) -> bool {
    let known = |map: &Map<String, Value>| map.keys().all(|key| keys.contains(&key.as_str()));
    value.as_object().is_none_or(known)
}

/// Reads `citationMetadata`, whose list has two names.
pub(super) fn citations(metadata: &Value, assembler: &Assembler) -> Vec<Citation> {
    let lists = ["citations", "citationSources"].map(|name| metadata[name].as_array());
    let entries = lists.into_iter().flatten().flatten().take(LIMIT);
    let read = |entry: &Value| {
        let mut citation = span(entry);
        citation.url = entry["uri"].as_str().map(str::to_owned);
        citation.title = entry["title"].as_str().map(str::to_owned);
        if !only(entry, &["uri", "title", "startIndex", "endIndex"]) {
            citation.native = Some(Box::new(assembler.native(entry.clone())));
        }
        citation
    };
    entries.map(read).collect()
}

/// Sources and citations as fields of a candidate: a citation of one of the
/// sources as its support, any other as a citation of its own.
pub(super) fn write(
    sources: &[Source],
    citations: &[Citation],
    is_ours: impl Fn(&Native) -> bool,
) -> Map<String, Value> {
    let mut supports: Vec<(Value, Vec<usize>)> = Vec::new();
    let mut others = Vec::new();
    for citation in citations {
        let native = citation.native.as_deref().filter(|it| is_ours(it));
        let cited = |it: &Source| it.url.is_some() && it.url == citation.url;
        let at = sources.iter().position(cited);
        let mut span = Map::new();
        let offsets = [("startIndex", citation.start), ("endIndex", citation.end)];
        for (name, offset) in offsets {
            span.extend(offset.map(|it| (name.to_owned(), json!(it))));
        }
        match (native, at) {
            (Some(native), _) => others.push(native.item.clone()),
            (None, Some(at)) => {
                let segment = Value::Object(span);
                match supports.last_mut().filter(|it| it.0 == segment) {
                    Some((_, indices)) => indices.push(at),
                    None => supports.push((segment, vec![at])),
                }
            }
            (None, None) => {
                for (name, text) in [("uri", &citation.url), ("title", &citation.title)] {
                    span.extend(text.iter().map(|it| (name.to_owned(), json!(it))));
                }
                others.push(Value::Object(span));
            }
        }
    }
    let mut out = Map::new();
    let chunks: Vec<Value> = sources.iter().map(write_source).collect();
    if !chunks.is_empty() {
        let mut metadata = json!({ "groundingChunks": chunks });
        let supports = supports.into_iter().map(
            |(segment, indices)| json!({"segment": segment, "groundingChunkIndices": indices}),
        );
        let supports: Vec<Value> = supports.collect();
        if !supports.is_empty() {
            metadata["groundingSupports"] = supports.into();
        }
        out.insert("groundingMetadata".to_owned(), metadata);
    }
    if !others.is_empty() {
        out.insert(
            "citationMetadata".to_owned(),
            json!({ "citations": others }),
        );
    }
    out
}

fn write_source(source: &Source) -> Value {
    let texts = [
        ("uri", &source.url),
        ("title", &source.title),
        ("text", &source.snippet),
    ];
    let mut fields = Map::new();
    for (name, text) in texts {
        fields.extend(text.iter().map(|it| (name.to_owned(), json!(it))));
    }
    match source.snippet {
        Some(_) => json!({ "retrievedContext": fields }),
        None => json!({ "web": fields }),
    }
}
