//! How many tokens a call takes, roughly and before it is sent.
//!
//! Every tokenizer cuts in its own way, so this is an estimate, made to err
//! upwards for most text: a quarter of a token for an ASCII character, half a
//! one for a character of the European and Near Eastern alphabets, a whole one
//! for any other (Chinese, Japanese, Korean, Indic scripts, emoji). Each message
//! adds 4 tokens and each tool call 8; schemas count by their JSON. Media count
//! by the piece, since their size says little: an image 1,000, a sound 1,500, a
//! document 5,000, a film 10,000. Output is as [`OutputEstimate`] says.
//!
//! What a call does use comes from its answer. The estimate only stands in for
//! it until then, or where the answer doesn't say.

use parlor_core::{ChatRequest, ChatResponse, MediaKind, OutputFormat, Part, ToolDefinition};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What output is expected of a call, times the choices that it asks for.
///
/// The mean is that of the answers so far, of which later ones count for more;
/// before the first it is 500 tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputEstimate {
    /// As much as the request allows; the mean where it sets no limit.
    #[default]
    Max,
    /// The mean, but no more than the request allows: for requests that set
    /// their limit much higher than their answers come to.
    Mean,
}

/// Estimates calls, and learns from their answers.
pub(crate) struct Estimator {
    input: Arc<InputEstimate>,
    output: OutputEstimate,
    mean: AtomicU64,
}

pub(crate) type InputEstimate = dyn Fn(&ChatRequest) -> u64 + Send + Sync;

impl Estimator {
    pub(crate) fn new(input: Arc<InputEstimate>, output: OutputEstimate) -> Self {
        Self {
            input,
            output,
            mean: AtomicU64::new(500 * TOKEN),
        }
    }

    pub(crate) fn input(&self) -> Arc<InputEstimate> {
        self.input.clone()
    }

    /// Tokens of input and of output.
    pub(crate) fn estimate(&self, request: &ChatRequest) -> (u64, u64) {
        let mean = whole(self.mean.load(Ordering::Relaxed));
        let each = match (request.max_output_tokens, self.output) {
            (None, _) => mean,
            (Some(max), OutputEstimate::Max) => max,
            (Some(max), OutputEstimate::Mean) => mean.min(max),
        };
        let choices = u64::from(request.n.unwrap_or(1).max(1));
        ((self.input)(request), each.saturating_mul(choices))
    }

    /// Learns from an answer that came to its end.
    pub(crate) fn learn(&self, output_tokens: u64) {
        let answer = output_tokens.saturating_mul(TOKEN);
        // The figure stands alone: nothing else is read by its order.
        let relaxed = Ordering::Relaxed;
        let _ = self
            .mean
            .fetch_update(relaxed, relaxed, |mean| Some(mean - mean / 8 + answer / 8));
    }
}

impl fmt::Debug for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = whole(self.mean.load(Ordering::Relaxed));
        f.debug_struct("Estimator")
            .field("output", &self.output)
            .field("mean", &mean)
            .finish_non_exhaustive()
    }
}

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
pub(crate) fn answer_weight(response: &ChatResponse) -> u64 {
    let messages = response.choices.iter().map(|choice| &choice.message);
    messages.flat_map(|it| &it.parts).map(part).sum()
}

/// Whole tokens of thousandths; a bit of one counts as one.
pub(crate) fn whole(thousandths: u64) -> u64 {
    thousandths.div_ceil(TOKEN)
}

/// Thousandths of a token that a text takes.
pub(crate) fn weight(text: &str) -> u64 {
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
