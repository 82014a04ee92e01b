//! The model's own turns, written back to it.

use super::super::quirks::{EmptyContent, ReasoningField};
use super::super::stream::join;
use super::super::wire::request::{Called, Content, ContentPart, Given, Message as Wire, ToolCall};
use super::media;
use super::messages::MessageWriter;
use crate::calls::object_text;
use crate::json::merge;
use crate::profile::ReasoningReplay;
use parlor_core::{ArgumentsForm, Executor, Message, Part, Result};
use serde_json::{Map, Value, json};

impl<'a> MessageWriter<'_, '_, 'a> {
    pub(super) fn assistant(&mut self, message: &'a Message) -> Result<()> {
        let mut wire = Wire {
            role: "assistant".into(),
            ..Wire::default()
        };
        let (mut parts, mut calls, mut thoughts) = (Vec::new(), Vec::new(), String::new());
        for part in &message.parts {
            match part {
                Part::Text(text)
                    if text.text.is_empty() && part.native_for(self.origin).is_none() => {}
                Part::Text(_) | Part::Native(_) => parts.extend(self.content_part(part)?),
                Part::Refusal(refusal) => match self.quirks.refusal {
                    true => refuse(&mut wire, &refusal.text),
                    false => parts.push(ContentPart::text(&refusal.text)),
                },
                Part::Reasoning(reasoning) => match part.native_for(self.origin) {
                    Some(Value::Object(item)) => {
                        parts.extend(native_reasoning(&mut wire, item, &reasoning.text))
                    }
                    _ => thoughts.push_str(&reasoning.text),
                },
                Part::ToolCall(call) if call.executor == Executor::Client => {
                    calls.extend(self.call(part, call, &mut wire));
                }
                Part::Media(_) => self.generated(part, &mut wire, &mut parts)?,
                Part::ToolCall(_) | Part::ToolResult(_)
                    if part.native_for(self.origin).is_none() =>
                {
                    let why = "that another provider ran is left out";
                    self.policy.knob("messages.tool_call", why)?;
                }
                // Citations and sources are told, not taken.
                _ => {}
            }
        }
        let has_calls = !calls.is_empty() || wire.rest.contains_key("function_call");
        self.thoughts(thoughts, has_calls, &mut wire, &mut parts);
        // Of thoughts that stay behind nothing is left, and hosts refuse a message
        // of nothing.
        let says_nothing = parts.is_empty() && !has_calls && wire.rest.is_empty();
        if says_nothing && self.own(message).is_none() {
            return Ok(());
        }
        wire.content = match (parts.is_empty(), has_calls) {
            (true, true) => match self.quirks.content_beside_calls {
                EmptyContent::Null => Content::Null,
                EmptyContent::Empty => Content::Text("".into()),
                EmptyContent::Absent => Content::Absent,
            },
            (true, false)
                if wire.rest.contains_key("refusal") || wire.rest.contains_key("audio") =>
            {
                Content::Null
            }
            _ => self.content(parts, ""),
        };
        wire.tool_calls = (!calls.is_empty()).then_some(calls);
        self.push(wire, message);
        Ok(())
    }

    /// Sends earlier reasoning back as text, where the family wants that.
    fn thoughts(
        &mut self,
        thoughts: String,
        has_calls: bool,
        wire: &mut Wire<'a>,
        parts: &mut Vec<ContentPart<'a>>,
    ) {
        let wanted = match self.replay {
            ReasoningReplay::Never => false,
            ReasoningReplay::ToolTurns => has_calls,
            ReasoningReplay::Always => true,
        };
        let blank = self.profile.blank_reasoning && !self.reasoning_off;
        let thoughts = match thoughts.is_empty() {
            true if blank && !wire.rest.contains_key("reasoning_details") => " ".to_owned(),
            _ => thoughts,
        };
        if thoughts.is_empty() || !wanted {
            return;
        }
        let field = match self.quirks.reasoning_field {
            ReasoningField::None => return,
            ReasoningField::ReasoningContent => "reasoning_content",
            ReasoningField::Reasoning => "reasoning",
            ReasoningField::ContentPart => {
                let text = json!([{"type": "text", "text": thoughts}]);
                parts.insert(0, ContentPart::new("thinking", text));
                return;
            }
            ReasoningField::Tags => {
                let text = format!("<think>\n{}\n</think>\n\n", thoughts.trim_end());
                parts.insert(0, ContentPart::text(text));
                return;
            }
        };
        wire.rest.insert(field.to_owned(), thoughts.into());
    }

    fn call(
        &mut self,
        part: &'a Part,
        call: &'a parlor_core::ToolCall,
        wire: &mut Wire<'a>,
    ) -> Option<ToolCall<'a>> {
        let item = part.native_for(self.origin).and_then(Value::as_object);
        let mut rest = item.cloned().unwrap_or_default();
        let (arguments, is_object) = object_text(&call.arguments);
        if !is_object {
            let note = "arguments that are no JSON object were put in one";
            self.policy.coerced("messages.tool_call", note);
        }
        let kind = match rest.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => "function".to_owned(),
        };
        if kind == "function_call" {
            let legacy = json!({"name": call.name, "arguments": arguments});
            wire.rest.insert(kind, legacy);
            return None;
        }
        let id = self.call_id(&call.id);
        if let Some(hint) = &call.cache
            && let Some((field, value)) = media::cache_field(hint, self.quirks.cache, self.policy)
        {
            rest.insert(field.to_owned(), value);
        }
        if call.arguments.form == ArgumentsForm::Text {
            return Some(ToolCall {
                id,
                kind: "custom".into(),
                custom: Some(Given {
                    name: call.name.as_str().into(),
                    input: arguments,
                }),
                rest,
                ..ToolCall::default()
            });
        }
        let inner = match rest.remove("function") {
            Some(Value::Object(inner)) => inner,
            _ => Map::new(),
        };
        Some(ToolCall {
            id,
            kind: kind.into(),
            function: Some(Called {
                name: call.name.as_str().into(),
                arguments,
                rest: inner,
            }),
            rest,
            ..ToolCall::default()
        })
    }

    /// Media that the model made: sound goes back by its id, or by what is
    /// said in it.
    fn generated(
        &mut self,
        part: &'a Part,
        wire: &mut Wire<'a>,
        parts: &mut Vec<ContentPart<'a>>,
    ) -> Result<()> {
        let id = part
            .native_for(self.origin)
            .and_then(|item| item.get("audio")?.get("id"));
        if let Some(id) = id {
            wire.rest.insert("audio".to_owned(), json!({ "id": id }));
            return Ok(());
        }
        match part {
            Part::Media(media) if media.transcript.is_some() => {
                let text = media.transcript.as_deref().unwrap_or_default();
                parts.push(ContentPart::text(text));
                Ok(())
            }
            _ => self
                .policy
                .knob("media", "that a model made can't be sent back"),
        }
    }
}

fn refuse(wire: &mut Wire<'_>, text: &str) {
    match wire.rest.get_mut("refusal") {
        Some(Value::String(mine)) => mine.push_str(text),
        _ => {
            wire.rest.insert("refusal".to_owned(), text.into());
        }
    }
}

/// Puts the fields of a native reasoning into the message: lists are joined,
/// and a signed `thinking` part goes into the content.
fn native_reasoning<'a>(
    wire: &mut Wire<'_>,
    item: &Map<String, Value>,
    text: &str,
) -> Option<ContentPart<'a>> {
    let mut part = None;
    for (field, value) in item {
        match (wire.rest.get_mut(field), value) {
            (_, Value::Object(fields)) if field == "thinking" => {
                let text = json!([{"type": "text", "text": text}]);
                let mut thinking = ContentPart::new("thinking", text);
                merge(&mut thinking.rest, fields);
                part = Some(thinking);
            }
            (Some(Value::Array(mine)), Value::Array(more)) => {
                for piece in more {
                    join(mine, piece.clone());
                }
            }
            _ => {
                wire.rest.insert(field.clone(), value.clone());
            }
        }
    }
    part
}
