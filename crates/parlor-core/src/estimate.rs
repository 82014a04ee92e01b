//! How many tokens a conversation takes, roughly and before it is sent.
//!
//! Every tokenizer cuts in its own way, so this is an estimate, made to err
//! upwards for most text: a quarter of a token for an ASCII character, half a
//! one for a character of the European and Near Eastern alphabets, a whole one
//! for any other (Chinese, Japanese, Korean, Indic scripts, emoji). Each message
//! adds 4 tokens and each tool call 8; schemas count by their JSON. Media count
//! by the piece, since their size says little: an image 1,000, a sound 1,500, a
//! document 5,000, a film 10,000.
//!
//! ```
//! let greeting = parlor_core::ChatRequest::from("How are you?");
//! assert_eq!(parlor_core::estimate::input_tokens(&greeting), 7);
//! ```

use crate::part::{MediaKind, Part};
use crate::request::{ChatRequest, OutputFormat};
use crate::response::ChatResponse;
use crate::tool::ToolDefinition;
use serde::Serialize;
use std::io;

/// Thousandths of a token.
const TOKEN: u64 = 1000;

/// The tokens that a request takes in, by the rule of this module.
pub fn input_tokens(request: &ChatRequest) -> u64 {
    let mut sum = 0;
    for message in &request.messages {
        sum += 4 * TOKEN + message.parts.iter().map(part).sum::<u64>();
    }
    for tool in &request.tools {
        sum += match tool {
            ToolDefinition::Function(function) => {
                let description = function.description.as_deref().unwrap_or_default();
                8 * TOKEN
                    + weight(&function.name)
                    + weight(description)
                    + function.parameters.as_ref().map_or(0, json)
            }
            other => json(other),
        };
    }
    if let Some(OutputFormat::JsonSchema(output)) = &request.output {
        sum += json(&output.schema);
    }
    whole(sum)
}

/// The tokens of a text, by the rule of this module.
pub fn text_tokens(text: &str) -> u64 {
    whole(weight(text))
}

/// Thousandths of a token that an answer's content takes.
pub fn answer_weight(response: &ChatResponse) -> u64 {
    let messages = response.choices.iter().map(|choice| &choice.message);
    messages.flat_map(|it| &it.parts).map(part).sum()
}

/// Whole tokens of thousandths; a bit of one counts as one.
pub fn whole(thousandths: u64) -> u64 {
    thousandths.div_ceil(TOKEN)
}

/// Thousandths of a token that a text takes.
pub fn weight(text: &str) -> u64 {
    if text.is_ascii() {
        return text.len() as u64 * (TOKEN / 4);
    }
    let of = |char: char| match u32::from(char) {
        0..0x80 => TOKEN / 4,
        0x80..0x900 => TOKEN / 2,
        _ => TOKEN,
    };
    text.chars().map(of).sum()
}

fn part(part: &Part) -> u64 {
    match part {
        Part::Text(text) => weight(&text.text),
        Part::Reasoning(reasoning) => weight(&reasoning.text),
        Part::Refusal(refusal) => weight(&refusal.text),
        Part::ToolCall(call) => 8 * TOKEN + weight(&call.name) + weight(&call.arguments.text),
        Part::ToolResult(result) => 8 * TOKEN + result.parts.iter().map(self::part).sum::<u64>(),
        Part::Media(media) => match media.kind {
            MediaKind::Image => 1_000 * TOKEN,
            MediaKind::Audio => 1_500 * TOKEN,
            MediaKind::Video => 10_000 * TOKEN,
            _ => 5_000 * TOKEN,
        },
        Part::Native(native) => json(&native.item),
        _ => 0,
    }
}

/// The weight of a value as JSON, which isn't kept.
fn json(value: &impl Serialize) -> u64 {
    let mut bytes = Count(0);
    // Nothing fails to be counted; where it did, it would count for less.
    let _ = serde_json::to_writer(&mut bytes, value);
    bytes.0 * (TOKEN / 4)
}

struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
