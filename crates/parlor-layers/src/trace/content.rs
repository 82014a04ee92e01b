//! Messages in the JSON forms of the conventions, bounded.

use parlor_core::{
    Arguments, ChatResponse, Executor, FinishKind, MediaKind, MediaSource, Message, Part,
};
use serde::Serialize;
use serde_json::{Value, json};

/// What a message or part costs beside its texts.
const FRAME: usize = 40;

/// How much may still be told.
struct Room(usize);

impl Room {
    fn frame(&mut self) -> bool {
        let fits = self.0 >= FRAME;
        self.0 = self.0.saturating_sub(FRAME);
        fits
    }

    /// The text as far as there is room.
    fn text(&mut self, text: &str) -> String {
        if text.len() <= self.0 {
            self.0 -= text.len();
            return text.to_owned();
        }
        let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= self.0;
        let cut = text.char_indices().take_while(fits).map(|(_, c)| c);
        let cut = cut.chain(['…']).collect();
        self.0 = 0;
        cut
    }
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A finish reason; `error` stands for one that never came.
pub(super) fn reason(kind: Option<FinishKind>) -> &'static str {
    kind.map_or("error", FinishKind::as_str)
}

/// The messages of a request: the last ones, as far as there is room.
pub(super) fn input(messages: &[Message], limit: usize) -> String {
    let mut room = Room(limit);
    let mut told = Vec::new();
    for message in messages.iter().rev() {
        if !room.frame() {
            break;
        }
        told.push(form(message, &mut room));
    }
    told.reverse();
    json(&told)
}

/// The choices of an answer as messages.
pub(super) fn output(response: &ChatResponse, limit: usize) -> String {
    let mut room = Room(limit);
    let mut told = Vec::new();
    for choice in &response.choices {
        if !room.frame() {
            break;
        }
        let mut message = form(&choice.message, &mut room);
        let kind = choice.finish_reason.as_ref().map(|it| it.kind);
        let word = match kind {
            Some(FinishKind::ToolCalls) => "tool_call",
            kind => reason(kind),
        };
        message["finish_reason"] = word.into();
        told.push(message);
    }
    json(&told)
}

fn form(message: &Message, room: &mut Room) -> Value {
    let mut parts = Vec::new();
    for part in &message.parts {
        if !room.frame() {
            break;
        }
        parts.push(part_form(part, room));
    }
    let mut form = json!({"role": message.role.as_str(), "parts": parts});
    if let Some(name) = &message.name {
        form["name"] = room.text(name).into();
    }
    form
}

fn part_form(part: &Part, room: &mut Room) -> Value {
    match part {
        Part::Text(text) => json!({"type": "text", "content": room.text(&text.text)}),
        Part::Refusal(refusal) => json!({"type": "text", "content": room.text(&refusal.text)}),
        Part::Reasoning(reasoning) => {
            json!({"type": "reasoning", "content": room.text(&reasoning.text)})
        }
        Part::ToolCall(call) => {
            let (id, name) = (room.text(&call.id), room.text(&call.name));
            let arguments = arguments(&call.arguments, room);
            match call.executor {
                Executor::Client => {
                    json!({"type": "tool_call", "id": id, "name": name, "arguments": arguments})
                }
                Executor::Provider => json!({
                    "type": "server_tool_call", "id": id, "name": name,
                    "server_tool_call": {"type": name, "arguments": arguments},
                }),
            }
        }
        Part::ToolResult(result) => {
            let (id, response) = (room.text(&result.call_id), room.text(&result.joined_text()));
            match result.executor {
                Executor::Client => {
                    json!({"type": "tool_call_response", "id": id, "response": response})
                }
                Executor::Provider => json!({
                    "type": "server_tool_call_response", "id": id,
                    "server_tool_call_response": {"type": "text", "response": response},
                }),
            }
        }
        Part::Media(media) => {
            let modality = match media.kind {
                MediaKind::Image => "image",
                MediaKind::Audio => "audio",
                MediaKind::Video => "video",
                _ => "document",
            };
            let media_type = media.media_type.as_deref();
            match &media.source {
                MediaSource::Url(url) => json!({
                    "type": "uri", "modality": modality, "mime_type": media_type,
                    "uri": room.text(url),
                }),
                MediaSource::File(id) => json!({
                    "type": "file", "modality": modality, "mime_type": media_type,
                    "file_id": room.text(id),
                }),
                // What the bytes are is told, the bytes are not.
                MediaSource::Bytes(bytes) => json!({
                    "type": "parlor.bytes", "modality": modality, "mime_type": media_type,
                    "length": bytes.len(),
                }),
                _ => json!({"type": "parlor.media", "modality": modality}),
            }
        }
        Part::Source(source) => json!({
            "type": "parlor.source",
            "uri": source.url.as_deref().map(|url| room.text(url)),
        }),
        _ => json!({"type": "parlor.native"}),
    }
}

/// The arguments as JSON where they are and fit, else as text.
fn arguments(arguments: &Arguments, room: &mut Room) -> Value {
    let fits = arguments.text.len() <= room.0;
    match arguments.parse() {
        Ok(value) if fits => {
            room.0 -= arguments.text.len();
            value
        }
        _ => room.text(&arguments.text).into(),
    }
}
