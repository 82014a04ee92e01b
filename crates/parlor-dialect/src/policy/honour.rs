//! Holds a request against what a model is known to lack, for every dialect alike.

use super::Policy;
use parlor_core::{
    Capability, ChatRequest, Effort, ModelInfo, OnUnsupported, Part, Result, Role, ToolChoice,
    ToolDefinition, Warning,
};
use std::borrow::Cow;

/// A setting that takes a capability.
struct Row {
    setting: &'static str,
    capability: Capability,
    /// What becomes of it when the caller doesn't say.
    default: OnUnsupported,
    wanted: fn(&ChatRequest) -> bool,
    leave_out: fn(&mut ChatRequest),
}

/// A tuning knob: without it there is still the answer that was asked for.
const fn knob(
    setting: &'static str,
    capability: Capability,
    wanted: fn(&ChatRequest) -> bool,
    leave_out: fn(&mut ChatRequest),
) -> Row {
    Row {
        setting,
        capability,
        default: OnUnsupported::Warn,
        wanted,
        leave_out,
    }
}

/// A feature: without it the answer is another.
const fn feature(
    setting: &'static str,
    capability: Capability,
    wanted: fn(&ChatRequest) -> bool,
    leave_out: fn(&mut ChatRequest),
) -> Row {
    Row {
        default: OnUnsupported::Error,
        ..knob(setting, capability, wanted, leave_out)
    }
}

/// A knob that is one field of the request.
macro_rules! field {
    ($setting:ident, $capability:ident) => {
        knob(
            stringify!($setting),
            Capability::$capability,
            |it| it.$setting.is_some(),
            |it| it.$setting = None,
        )
    };
}

/// What a request can ask for beside media and forms of output, which depend
/// on the host too and are judged where they are written.
static ROWS: &[Row] = &[
    feature(
        "tools",
        Capability::Tools,
        |it| !it.tools.is_empty(),
        |it| {
            it.tools.clear();
            it.tool_choice = None;
            it.parallel_tool_calls = None;
        },
    ),
    feature(
        "tool_choice",
        Capability::ToolChoice,
        |it| it.tool_choice.as_ref().is_some_and(is_forced),
        |it| it.tool_choice = None,
    ),
    knob(
        "parallel_tool_calls",
        Capability::ParallelTools,
        |it| it.parallel_tool_calls == Some(true),
        |it| it.parallel_tool_calls = None,
    ),
    knob("reasoning", Capability::Reasoning, wants_reasoning, |it| {
        it.reasoning = None
    }),
    feature("prefill", Capability::Prefill, is_prefilled, |_| {}),
    field!(temperature, Sampling),
    field!(top_p, Sampling),
    field!(top_k, Sampling),
    field!(frequency_penalty, Penalties),
    field!(presence_penalty, Penalties),
    field!(seed, Seed),
    knob(
        "stop",
        Capability::Stop,
        |it| !it.stop.is_empty(),
        |it| it.stop.clear(),
    ),
    knob(
        "n",
        Capability::MultipleChoices,
        |it| it.n.is_some_and(|n| n > 1),
        |it| it.n = None,
    ),
    field!(logprobs, Logprobs),
    field!(top_logprobs, Logprobs),
    knob(
        "cache",
        Capability::CacheControl,
        has_cache_hint,
        leave_out_cache_hints,
    ),
];

/// The setting that is no field of the request.
const STREAM: &str = "stream";

impl<'a> Policy<'a> {
    /// Whether a stream may be asked for. It isn't where the model is known to
    /// give none and the caller is content with a warning, which is the second
    /// half: then the whole answer is asked for, to be played as a stream.
    ///
    /// # Errors
    /// As [`feature`](Self::feature).
    pub fn streams(request: &ChatRequest, info: &'a ModelInfo) -> Result<(bool, Vec<Warning>)> {
        let mut policy = Self::silent(request, info);
        let streams = policy.allows(true, STREAM, Capability::Streaming)?;
        Ok((streams, policy.warnings))
    }

    /// The request without what the model is known to lack; of each setting
    /// that is left out there is a warning, or the error, under one name
    /// whatever the dialect: the request's field, `stream`, `prefill` for a
    /// last message of the assistant's. What isn't known of a model is asked of
    /// it.
    ///
    /// Media are held to [`ModelInfo::media`]; whether the model reads their kind
    /// at all, and forms of output, are left to the dialect: see
    /// [`allows`](Self::allows).
    ///
    /// # Errors
    /// As [`lacking`](Self::lacking), and as [`media`](Self::media).
    pub fn honour<'r>(
        &mut self,
        request: &'r ChatRequest,
        stream: bool,
    ) -> Result<Cow<'r, ChatRequest>> {
        let capabilities = self.info.capabilities;
        let mut kept = Cow::Borrowed(request);
        // Whoever can play a whole answer as a stream has asked `streams` before.
        self.allows(stream, STREAM, Capability::Streaming)?;
        for row in ROWS {
            if capabilities.lacks(row.capability) && (row.wanted)(&kept) {
                self.lacking(row.setting, row.capability, row.default)?;
                (row.leave_out)(kept.to_mut());
            }
        }
        if capabilities.lacks(Capability::ToolChoice) && kept.tool_choice.is_some() {
            self.choose_by_leaving_out(kept.to_mut());
        }
        self.hold_output(&mut kept);
        self.hold_media(kept)
    }

    /// A client of another dialect asks for the most that its own models give. Whoever asks
    /// this model hears of its bounds from the provider.
    fn hold_output(&mut self, kept: &mut Cow<'_, ChatRequest>) {
        let (wanted, most) = (kept.max_output_tokens, self.info.max_output_tokens);
        if let (true, Some(wanted), Some(most)) = (self.is_foreign, wanted, most)
            && wanted > most
        {
            kept.to_mut().max_output_tokens = Some(most);
            let message = format!("{wanted} tokens are sent as {most}, the model's most");
            self.coerced("max_output_tokens", message);
        }
    }

    /// A choice that forces nothing comes about by what tools are offered.
    fn choose_by_leaving_out(&mut self, request: &mut ChatRequest) {
        let tools = match request.tool_choice.take() {
            Some(ToolChoice::None) => Vec::new(),
            Some(ToolChoice::Allowed { tools, .. }) => tools,
            _ => return,
        };
        request.tools.retain(|tool| match tool {
            ToolDefinition::Function(function) => tools.contains(&function.name),
            _ => false,
        });
        let message = "the model takes no choice: tools that may not be called are left out";
        self.coerced("tool_choice", message);
    }
}

fn is_forced(choice: &ToolChoice) -> bool {
    matches!(
        choice,
        ToolChoice::Required | ToolChoice::Tool(_) | ToolChoice::Allowed { required: true, .. }
    )
}

/// Whether reasoning is asked for; that there be none is granted by a model
/// without.
fn wants_reasoning(request: &ChatRequest) -> bool {
    request
        .reasoning
        .as_ref()
        .is_some_and(|it| it.effort != Some(Effort::Off) && it.budget_tokens != Some(0))
}

/// Whether the assistant's words at the end are to be gone on with. What the
/// provider ran makes it a paused answer, which is another thing.
fn is_prefilled(request: &ChatRequest) -> bool {
    let Some(last) = request.messages.last() else {
        return false;
    };
    let calls = |part: &Part| matches!(part, Part::ToolCall(_) | Part::Native(_));
    last.role == Role::Assistant
        && matches!(last.parts.last(), Some(Part::Text(_)))
        && !last.parts.iter().any(calls)
}

fn has_cache_hint(request: &ChatRequest) -> bool {
    let on_tool = |tool: &ToolDefinition| tool.as_function().is_some_and(|it| it.cache.is_some());
    let mut parts = request.messages.iter().flat_map(|it| &it.parts);
    request.cache.is_some()
        || request.tools.iter().any(on_tool)
        || parts.any(|part| part.cache().is_some())
}

fn leave_out_cache_hints(request: &mut ChatRequest) {
    request.cache = None;
    for tool in &mut request.tools {
        if let ToolDefinition::Function(function) = tool {
            function.cache = None;
        }
    }
    for part in request.messages.iter_mut().flat_map(|it| &mut it.parts) {
        match part {
            Part::Text(part) => part.cache = None,
            Part::Media(part) => part.cache = None,
            Part::ToolCall(part) => part.cache = None,
            Part::ToolResult(part) => part.cache = None,
            _ => {}
        }
    }
}
