//! Plain answers: one choice whose message is thoughts, a text and calls.

use super::super::NAME;
use super::super::stream::{BUNDLE, fields, unknown};
use super::super::wire::{Call, Choice, Chunk, Delta, Extras};
use super::{SEARCHES, SIDE_CHANNEL, finish_reason, usage};
use crate::dialect::Target;
use crate::think::ThinkSplitter;
use crate::whole::Plain;
use parlor_core::{FinishKind, Native, Reasoning};
use serde_json::Value;

/// The names of unknown fields that tell more than themselves: errors, usage,
/// sources, and tools that the host ran.
const TELLING: [&str; 5] = [
    "base_resp",
    "executed_tools",
    SIDE_CHANNEL,
    SEARCHES[0],
    SEARCHES[1],
];

/// The plain answer that a chunk is, if it is one: its texts are then taken out
/// of it. If not, the chunk is as it was. A text may have been left as it stands.
pub(super) fn read<'a>(
    chunk: &mut Chunk<'a>,
    target: &Target<'_>,
    left: Option<&'a str>,
) -> Option<Plain<'a>> {
    let Chunk {
        id,
        model,
        created,
        choices,
        usage: consumed,
        error,
        citations,
        search_results,
        obfuscation: _,
        p: _,
        extras,
        present: _,
    } = chunk;
    let silent = [error, citations, search_results];
    if silent.iter().any(|it| it.said().is_some()) || tells(extras) {
        return None;
    }
    let Choice {
        index,
        delta: _,
        message,
        finish_reason: word,
        logprobs,
        usage: own_usage,
        error,
        extras: choice_extras,
        present: _,
    } = choices.only()?;
    let silent = [logprobs, own_usage, error];
    if silent.iter().any(|it| it.said().is_some()) || tells(choice_extras) {
        return None;
    }
    let index = u32::try_from(index.0.unwrap_or_default()).ok()?;
    let message = message.as_deref_mut()?;
    let (all, own, inner) = (
        fields(extras)?,
        fields(choice_extras)?,
        fields(&message.extras)?,
    );
    let host = own.get("native_finish_reason").and_then(Value::as_str);
    let reason = match &**word {
        "" | "null" => None,
        word => Some(finish_reason(word, host)),
    };
    let is_over = reason.is_some();
    let reason = reason.unwrap_or(FinishKind::Stop.into());
    let mut plain = Plain::new(target, index, reason).leaving(left);
    say(message, is_over, target, &mut plain)?;
    plain.start(id, model, created.0);
    if let Some(raw @ Value::Object(_)) = consumed.read() {
        plain.usage(usage(raw));
    }
    if let Some(item) = unknown(all, [(index, own, inner)].into_iter()) {
        plain.unknown(Native::new(target.origin(NAME), item));
    }
    Some(plain)
}

fn tells<const N: usize>(extras: &Extras<'_, N>) -> bool {
    extras.iter().any(|(name, _)| TELLING.contains(&&**name))
}

/// Tells what a message says; of an answer whose end wasn't told it says
/// something.
fn say<'a>(
    message: &mut Delta<'a>,
    is_over: bool,
    target: &Target<'_>,
    plain: &mut Plain<'a>,
) -> Option<()> {
    let Delta {
        content,
        refusal,
        reasoning_content,
        reasoning,
        reasoning_text,
        reasoning_details,
        thinking_blocks,
        encrypted_content,
        tool_calls,
        function_call,
        audio,
        images,
        annotations,
        extras,
        present: _,
    } = message;
    let silent = [
        reasoning_details,
        thinking_blocks,
        encrypted_content,
        audio,
        images,
        annotations,
    ];
    let is_plain = silent.iter().all(|it| it.said().is_none())
        && !tells(extras)
        && content.parts.is_empty()
        && refusal.is_empty()
        && function_call.as_ref().is_none_or(|it| it.is_empty())
        && ThinkSplitter::of(target.profile).is_none();
    if !is_plain {
        return None;
    }
    tool_calls.iter().try_for_each(|it| call(it, plain))?;
    // Some hosts say the same thoughts in several fields.
    let mut thoughts = [reasoning_content, reasoning, reasoning_text].into_iter();
    let thought = thoughts.find(|text| !text.is_empty());
    if !is_over && thought.is_none() && content.text.is_empty() && tool_calls.is_empty() {
        return None;
    }
    // From here on it is plain, and texts can be taken out of what was read.
    if !content.text.is_empty() {
        let text = std::mem::take(&mut content.text);
        let text = plain.text(text);
        plain.part_in_front(text);
    }
    if let Some(text) = thought {
        let text = std::mem::take(&mut text.0);
        plain.part_in_front(Reasoning::new(text));
    }
    Some(())
}

fn call(call: &Call<'_>, plain: &mut Plain<'_>) -> Option<()> {
    let Call {
        index: _,
        id,
        kind,
        function,
        custom: _,
        extras,
        present: _,
    } = call;
    let is_plain = matches!(&**kind, "" | "function")
        && extras.is_empty()
        && function.extras.is_empty()
        && &**id != "null"
        && &*function.name != BUNDLE;
    is_plain.then_some(())?;
    plain.call(id, &function.name, function.text())
}
