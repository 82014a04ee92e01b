//! Requests, in both directions.

mod from_wire;
mod messages;

pub(super) use from_wire::{from_wire, image_part, read_call};
pub(super) use messages::{arguments, wrapped};

use super::wire::{Body, Options};
use super::{NAME, Quirks, Think};
use crate::dialect::{Target, WireRequest};
use crate::verbatim::Passed;
use crate::{Policy, json};
use messages::tool_names;
use parlor_core::{
    Capability, ChatRequest, Effort, FunctionDefinition, Native, Origin, OutputFormat,
    ReasoningConfig, Result, ToolChoice, ToolDefinition, Words,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Writes a request.
pub(super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut policy = Policy::new(request, target, NAME);
    let request = &*policy.honour(request, target.stream)?;
    let mut writer = Writer {
        policy,
        origin: target.origin(NAME),
        quirks,
        target,
        tool_names: tool_names(request),
        warned_name: false,
    };
    let mut messages = Vec::with_capacity(request.messages.len());
    let mut body = Body {
        model: &target.info.model,
        messages: Vec::new(),
        tools: writer.tools(request)?,
        format: writer.format(request)?,
        options: options(request),
        stream: target.stream,
        think: match &request.reasoning {
            Some(config) => writer.think(config)?,
            None => None,
        },
        logprobs: request.logprobs,
        top_logprobs: request.top_logprobs,
    };
    writer.without_place(request)?;
    for message in &request.messages {
        writer.message(message, &mut messages)?;
    }
    body.messages = messages;
    let extra = target.extra(request);
    let bytes = extra.write(&mut body, "messages", |body| &mut body.messages)?;
    let mut wire = WireRequest::new("/api/chat", bytes);
    wire.warnings = writer.policy.into_warnings();
    Ok(wire)
}

/// Passes a client's own body to a present server of this dialect.
pub(super) fn pass(words: &Words, target: &Target<'_>, quirks: &Quirks) -> Option<WireRequest> {
    if *quirks != Quirks::default() {
        return None;
    }
    let body = Passed::new(words)?.streamed(target.stream, true)?;
    let model = Value::from(&*target.info.model).to_string();
    let body = body.beneath(target.extra)?.set("model", model);
    Some(body.into_wire("/api/chat"))
}

fn options(request: &ChatRequest) -> Options<'_> {
    Options {
        num_predict: request.max_output_tokens,
        temperature: request.temperature,
        top_k: request.top_k,
        top_p: request.top_p,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        seed: request.seed,
        stop: &request.stop,
    }
}

struct Writer<'a> {
    policy: Policy<'a>,
    origin: Origin,
    quirks: &'a Quirks,
    target: &'a Target<'a>,
    tool_names: HashMap<&'a str, &'a str>,
    warned_name: bool,
}

impl<'a> Writer<'a> {
    /// Settings that the dialect has no field for.
    fn without_place(&mut self, request: &ChatRequest) -> Result<()> {
        if request.parallel_tool_calls == Some(false) {
            let why = "can't be limited: Ollama has no such setting";
            self.policy.knob("parallel_tool_calls", why)?;
        }
        if request.n.is_some_and(|n| n > 1) {
            let why = "can't be more than 1: Ollama gives one choice";
            self.policy.knob("n", why)?;
        }
        let unknown = [
            ("user", request.user.is_some()),
            ("metadata", !request.metadata.is_empty()),
            ("service_tier", request.service_tier.is_some()),
        ];
        for (setting, _) in unknown.iter().filter(|(_, wanted)| *wanted) {
            self.policy.knob(setting, "is unknown to Ollama")?;
        }
        Ok(())
    }

    /// There is no tool choice; what leaving tools out can do is done.
    fn tools(&mut self, request: &ChatRequest) -> Result<Vec<Value>> {
        let forced = match &request.tool_choice {
            Some(ToolChoice::Required) | Some(ToolChoice::Tool(_)) => true,
            Some(ToolChoice::Allowed { required, .. }) => *required,
            _ => false,
        };
        if forced {
            let why = "can't force a call: Ollama has no such setting";
            self.policy.feature("tool_choice", why)?;
        }
        let offered = |name: &str| match &request.tool_choice {
            Some(ToolChoice::None) => false,
            Some(ToolChoice::Tool(only)) => only == name,
            Some(ToolChoice::Allowed { tools, .. }) => tools.iter().any(|it| it == name),
            _ => true,
        };
        let (mut tools, mut strict) = (Vec::new(), false);
        for tool in &request.tools {
            match tool {
                ToolDefinition::Function(function) if offered(&function.name) => {
                    strict |= function.strict == Some(true);
                    tools.push(self.function(function));
                }
                ToolDefinition::Function(_) => {}
                ToolDefinition::Native(native) if native.origin == self.origin => {
                    tools.push(native.item.clone());
                }
                _ => self
                    .policy
                    .foreign_tool("of another provider are unknown to Ollama")?,
            }
        }
        if strict {
            let why = "can't be enforced: Ollama doesn't hold calls to their schema";
            self.policy.knob("tools.strict", why)?;
        }
        Ok(tools)
    }

    fn function(&self, function: &FunctionDefinition) -> Value {
        let mut inner = Map::new();
        inner.insert("name".to_owned(), json!(function.name));
        if let Some(description) = &function.description {
            inner.insert("description".to_owned(), json!(description));
        }
        // Templates expect an object even where there are no arguments.
        let parameters = function.parameters.clone();
        let parameters = parameters.unwrap_or_else(no_arguments);
        inner.insert("parameters".to_owned(), parameters);
        let mut tool = Map::new();
        tool.insert("type".to_owned(), json!("function"));
        tool.insert("function".to_owned(), Value::Object(inner));
        if let Some(more) = self.own(function.native.as_deref()) {
            json::merge(&mut tool, more);
        }
        Value::Object(tool)
    }

    /// The item of a native that may go to this origin, if it is an object.
    fn own<'n>(&self, native: Option<&'n Native>) -> Option<&'n Map<String, Value>> {
        native
            .filter(|it| it.origin == self.origin)?
            .item
            .as_object()
    }

    fn format(&mut self, request: &ChatRequest) -> Result<Option<Value>> {
        match &request.output {
            Some(OutputFormat::Json) => {
                let allowed = self.policy.allows(true, "output", Capability::Json)?;
                Ok(allowed.then(|| json!("json")))
            }
            Some(OutputFormat::JsonSchema(schema)) => {
                if !self.policy.allows(true, "output", Capability::JsonSchema)? {
                    return Ok(None);
                }
                if schema.description.is_some() {
                    let why = "has no place: Ollama takes the bare schema";
                    self.policy.knob("output.description", why)?;
                }
                Ok(Some(schema.schema.clone()))
            }
            _ => Ok(None),
        }
    }

    fn think(&mut self, config: &ReasoningConfig) -> Result<Option<Value>> {
        if config.summary.is_some() {
            let why = "is unknown to Ollama, which gives the thoughts themselves";
            self.policy.knob("reasoning.summary", why)?;
        }
        let effort = match (&config.effort, config.budget_tokens) {
            (None, None) => return Ok(None),
            (Some(effort), None) => effort.clone(),
            (effort, Some(tokens)) => {
                let why = "can't be limited: Ollama has no token budget for thoughts";
                self.policy.knob("reasoning.budget_tokens", why)?;
                let implied = if tokens == 0 {
                    Effort::Off
                } else {
                    Effort::Auto
                };
                effort.clone().unwrap_or(implied)
            }
        };
        if effort != Effort::Off && self.quirks.think == Think::None {
            self.policy.knob("reasoning", "is unknown to this server")?;
            return Ok(None);
        }
        if self.quirks.think == Think::None {
            return Ok(None);
        }
        Ok(self.level(&effort))
    }

    /// The value of `think`. A level counts as `true` for a model that knows
    /// none.
    fn level(&mut self, effort: &Effort) -> Option<Value> {
        const LEVELS: [Effort; 4] = [Effort::Low, Effort::Medium, Effort::High, Effort::Max];
        let known = self.target.profile.efforts;
        // A family that can't stop reasoning has no switch either.
        let has_switch = known.is_empty() || known.contains(&Effort::Off);
        match effort {
            Effort::Off if has_switch => return Some(json!(false)),
            Effort::Auto if has_switch => return Some(json!(true)),
            // What the family does unasked.
            Effort::Auto => return None,
            Effort::Other(word) => return Some(json!(word)),
            _ => {}
        }
        if self.quirks.think == Think::Switch {
            let message = format!("`{effort}` was taken as on: this server knows no levels");
            self.policy.coerced("reasoning.effort", message);
            return Some(json!(true));
        }
        let takes = |level: &&Effort| match **level {
            Effort::Max => self.quirks.think == Think::Max && has_switch,
            _ => has_switch || known.contains(level),
        };
        // Of two as near the greater, as Ollama's own `/v1` does.
        let level = LEVELS
            .iter()
            .filter(takes)
            .rev()
            .min_by_key(|level| rank(level).abs_diff(rank(effort)))?;
        if level != effort {
            let message = format!("`{effort}` was taken as `{level}`, the nearest level");
            self.policy.coerced("reasoning.effort", message);
        }
        Some(json!(level.as_str()))
    }
}

/// The place of an effort among the others.
fn rank(effort: &Effort) -> u8 {
    match effort {
        Effort::Off => 0,
        Effort::Minimal => 1,
        Effort::Low => 2,
        Effort::Medium => 3,
        Effort::High => 4,
        Effort::XHigh => 5,
        _ => 6,
    }
}

/// The schema of a tool without arguments.
fn no_arguments() -> Value {
    json!({ "type": "object", "properties": {} })
}
