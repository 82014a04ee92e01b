//! What a tool of a server answers, as parts.

use crate::tail::boundary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parlor_agent::ToolOutput;
use parlor_core::{Media, Part};
use serde_json::Value;

/// The most bytes of pictures, sounds and documents in one answer.
const MEDIA: usize = 20 * 1024 * 1024;

/// The most parts of one answer.
const PARTS: usize = 256;

/// Reads the result of `tools/call`
/// ([specification](https://modelcontextprotocol.io/specification/2025-11-25/server/tools)):
/// `content`, else `structuredContent`; with `isError` it is a failure.
///
/// `structuredContent` is left out beside a text, which by the specification
/// says the same.
pub(crate) fn output(result: Value) -> ToolOutput {
    let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
    let mut parts = Parts::default();
    let Value::Object(mut result) = result else {
        return ToolOutput::new(vec![Part::text(result.to_string())]);
    };
    let structured = result.remove("structuredContent");
    match result.remove("content") {
        Some(Value::Array(blocks)) => blocks.into_iter().for_each(|it| parts.add(it)),
        Some(Value::Null) | None => {}
        Some(block) => parts.add(block),
    }
    let has_text = parts.all.iter().any(|part| part.as_text().is_some());
    if let (false, Some(structured)) = (has_text, structured) {
        parts.push(Part::text(structured.to_string()));
    }
    parts.note_cut();
    let mut output = ToolOutput::new(parts.all);
    output.is_error = is_error;
    output
}

#[derive(Debug, Default)]
struct Parts {
    all: Vec<Part>,
    media: usize,
    left_out: usize,
}

impl Parts {
    fn push(&mut self, part: Part) {
        match self.all.len() < PARTS {
            true => self.all.push(part),
            false => self.left_out += 1,
        }
    }

    fn add(&mut self, block: Value) {
        let kind = str_of(&block, "type").to_owned();
        match kind.as_str() {
            "text" => self.push(Part::text(str_of(&block, "text"))),
            "image" | "audio" => self.bytes(&block, "data", &kind),
            "resource" => self.resource(block.get("resource").unwrap_or(&Value::Null)),
            "resource_link" => self.push(Part::text(link(&block))),
            // What nobody knows yet is JSON that the model may understand.
            _ => self.push(Part::text(block.to_string())),
        }
    }

    fn resource(&mut self, resource: &Value) {
        if resource.get("blob").is_some() {
            return self.bytes(resource, "blob", "resource");
        }
        let text = str_of(resource, "text");
        self.push(Part::text(match str_of(resource, "uri") {
            "" => text.to_owned(),
            uri => format!("[{uri}]\n{text}"),
        }));
    }

    fn bytes(&mut self, block: &Value, key: &str, what: &str) {
        let media_type = str_of(block, "mimeType");
        let encoded = str_of(block, key);
        if self.media + encoded.len() / 4 * 3 > MEDIA || self.all.len() >= PARTS {
            self.left_out += 1;
            return;
        }
        let Ok(bytes) = STANDARD.decode(encoded.trim_end()) else {
            let start = encoded.get(..boundary(encoded, 16)).unwrap_or_default();
            return self.push(Part::text(format!(
                "[{what} whose data isn't base64: {start}…]"
            )));
        };
        self.media += bytes.len();
        let media_type = match (media_type, what) {
            ("", "image") => "image/png",
            ("", "audio") => "audio/wav",
            ("", _) => "application/octet-stream",
            (given, _) => given,
        };
        let mut media = Media::bytes(media_type, bytes);
        let uri = str_of(block, "uri");
        media.name = uri
            .rsplit('/')
            .next()
            .filter(|it| !it.is_empty())
            .map(str::to_owned);
        self.push(Part::Media(media));
    }

    fn note_cut(&mut self) {
        if self.left_out > 0 {
            let left_out = self.left_out;
            let note =
                format!("[{left_out} parts more were left out: they were too many or too big]");
            self.all.push(Part::text(note));
        }
    }
}

fn link(block: &Value) -> String {
    let mut said = format!("[{}]({})", str_of(block, "name"), str_of(block, "uri"));
    for key in ["mimeType", "description"] {
        let more = str_of(block, key);
        if !more.is_empty() {
            said = format!("{said}, {more}");
        }
    }
    said
}

fn str_of<'a>(block: &'a Value, key: &str) -> &'a str {
    block.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_core::{MediaKind, MediaSource};
    use serde_json::json;

    fn texts(output: &ToolOutput) -> Vec<&str> {
        output.parts.iter().filter_map(Part::as_text).collect()
    }

    #[test]
    fn each_kind_of_content_has_its_part() {
        let data = STANDARD.encode(b"bytes");
        let output = output(json!({"content": [
            {"type": "text", "text": "hello"},
            {"type": "image", "data": data, "mimeType": "image/png"},
            {"type": "audio", "data": data, "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "file:///a.pdf", "blob": data, "mimeType": "application/pdf"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b", "mimeType": "text/plain"},
            {"type": "hologram", "x": 1},
        ]}));
        assert!(!output.is_error);
        assert_eq!(
            texts(&output),
            [
                "hello",
                "[file:///a.txt]\ninside",
                "[b](file:///b), text/plain",
                r#"{"type":"hologram","x":1}"#
            ]
        );
        let media: Vec<_> = output
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Media(media) => Some((media.kind, media.name.as_deref(), &media.source)),
                _ => None,
            })
            .collect();
        let bytes = MediaSource::Bytes(b"bytes".to_vec().into());
        assert_eq!(
            media,
            [
                (MediaKind::Image, None, &bytes),
                (MediaKind::Audio, None, &bytes),
                (MediaKind::Document, Some("a.pdf"), &bytes),
            ]
        );
    }

    #[test]
    fn structured_content_speaks_where_no_text_does() {
        let both =
            json!({"content": [{"type": "text", "text": "a 1"}], "structuredContent": {"a": 1}});
        assert_eq!(texts(&output(both)), ["a 1"]);
        let alone = json!({"content": [], "structuredContent": {"a": 1}});
        assert_eq!(texts(&output(alone)), [r#"{"a":1}"#]);
        assert_eq!(texts(&output(json!({"structuredContent": null}))), ["null"]);
    }

    #[test]
    fn failures_stay_failures_and_nothing_breaks() {
        let failed = output(json!({"isError": true, "content": [{"type": "text", "text": "no"}]}));
        assert!(failed.is_error);
        assert_eq!(texts(&failed), ["no"]);
        assert!(output(json!({"isError": true})).parts.is_empty());
        for odd in [
            json!(null),
            json!("text"),
            json!({"content": "text"}),
            json!({"content": [null, 3, {"type": "image"}, {"type": "resource"}]}),
            json!({"content": [{"type": "image", "data": "é!", "mimeType": 3}]}),
        ] {
            assert!(!output(odd).is_error);
        }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let block = json!({"type": "text", "text": "x"});
        let output = output(json!({"content": vec![block; PARTS + 2]}));
        assert_eq!(output.parts.len(), PARTS + 1);
        let last = texts(&output)
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        assert!(last.starts_with("[2 parts more"), "{last}");
    }
}
