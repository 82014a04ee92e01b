//! Core's request written as a body.

use super::super::NAME;
use super::super::forms;
use super::super::quirks::{EncryptedReasoning, Quirks};
use super::super::wire::{Body, Input, Object, block};
use super::{input, knobs, tools};
use crate::dialect::{Target, WireRequest};
use crate::extra::Extra;
use crate::policy::Policy;
use crate::schema::closed_if_strict;
use crate::{effort, foreign};
use parlor_core::{Capability, ChatRequest, Effort, OutputFormat, OutputSchema, Result};
use serde_json::Value;

/// What asks for thoughts in their encrypted form.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// What asks for log probabilities.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// Fields that need an answer to be kept, or continue one that was.
const KEEPERS: &[&str] = &["previous_response_id", "conversation", "background"];

/// Writes a request for a host and a model.
pub(in super::super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut policy = Policy::new(request, target, NAME);
    let request = &*policy.honour(request, target.stream)?;
    let extra = target.extra(request).over(&quirks.body);
    let extra = extra.settled(&quirks.foreign).without("include");
    foreign::refuse(&quirks.foreign, &extra, &mut policy)?;
    let mut body = Body {
        model: Some(target.info.model.clone()),
        stream: target.stream.then_some(true),
        ..Body::default()
    };
    body.store = store(&extra, quirks);
    let kept = extra.get("store").and_then(Value::as_bool).or(body.store) != Some(false);
    // What `extra` asks for is joined by what is asked for here.
    if let Some(Value::Array(names)) = extra.get("include") {
        let names = names.iter().filter_map(Value::as_str);
        names.for_each(|name| want(&mut body, name));
    }
    let origin = target.origin(NAME);
    let tools = forms::client_tools(&request.tools, |it| tools::is_own(it, target));
    let mut writer = input::Writer::new(target, quirks, origin, kept, &tools, &mut policy);
    let (instructions, items) = writer.write(request)?;
    body.instructions = instructions.map(Value::String);
    let additional = tools::write(request, target, quirks, &tools, &mut policy, &mut body)?;
    body.input = Input::Items(forms::with_additional(items, additional));
    output(request, quirks, &mut policy, &mut body)?;
    reasoning(request, target, quirks, &mut policy, &mut body)?;
    knobs::write(request, target, quirks, &mut policy, &mut body)?;
    include(target, quirks, kept, &mut body);
    let bytes = extra.write(&mut body, "input", |body| &mut body.input)?;
    let mut wire = WireRequest::new(quirks.path.clone(), bytes);
    wire.headers = quirks.headers.clone().into_iter().collect();
    wire.warnings = policy.into_warnings();
    Ok(wire)
}

/// What `store` says where `extra` doesn't: the host's habit, unless the
/// request needs the answer to be kept.
fn store(extra: &Extra<'_>, quirks: &Quirks) -> Option<bool> {
    let said = |key: &&str| {
        extra
            .get(key)
            .is_some_and(|it| !it.is_null() && it != false)
    };
    let keeps = KEEPERS.iter().any(said);
    quirks
        .store
        .filter(|_| !keeps && extra.get("store").is_none())
}

/// What the answer is to include, beside what `extra` asks for.
fn include(target: &Target<'_>, quirks: &Quirks, kept: bool, body: &mut Body) {
    let info = target.info;
    let lacks = info.capabilities.lacks(Capability::Reasoning);
    // A model of which nothing is known reasons if its family does.
    let reasons = info.capabilities.has(Capability::Reasoning) || target.profile.fixed_sampling;
    let encrypted = match quirks.encrypted_reasoning {
        EncryptedReasoning::Never => false,
        EncryptedReasoning::Always => !kept,
        EncryptedReasoning::ByModel => !kept && reasons && !lacks,
    };
    if encrypted {
        want(body, ENCRYPTED);
    }
}

/// Asks for something to be included.
pub(super) fn want(body: &mut Body, name: &str) {
    let all = body.include.get_or_insert_default();
    if !all.iter().any(|it| it == name) {
        all.push(name.to_owned());
    }
}

fn output(
    request: &ChatRequest,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Body,
) -> Result<()> {
    let format = match &request.output {
        None => return Ok(()),
        Some(OutputFormat::Text) => block("text"),
        Some(OutputFormat::JsonSchema(schema)) => {
            if !policy.allows(true, "output", Capability::JsonSchema)? {
                return Ok(());
            }
            json_schema(schema, quirks, policy)
        }
        Some(_) => {
            if !policy.allows(true, "output", Capability::Json)? {
                return Ok(());
            }
            block("json_object")
        }
    };
    body.text = Some(Object::from_iter([("format".to_owned(), format.into())]));
    Ok(())
}

fn json_schema(schema: &OutputSchema, quirks: &Quirks, policy: &mut Policy<'_>) -> Object {
    let mut format = block("json_schema");
    format.insert("name".to_owned(), schema.name.as_str().into());
    if let Some(description) = &schema.description {
        format.insert("description".to_owned(), description.as_str().into());
    }
    let strict = schema.strict == Some(true) && quirks.closed_schemas;
    let inner = closed_if_strict(&schema.schema, strict, "output.schema", policy);
    format.insert("schema".to_owned(), inner.into_owned());
    if let Some(strict) = schema.strict {
        format.insert("strict".to_owned(), strict.into());
    }
    format
}

fn reasoning(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Body,
) -> Result<()> {
    let Some(config) = &request.reasoning else {
        return Ok(());
    };
    let off = config.effort == Some(Effort::Off);
    if target.info.capabilities.lacks(Capability::Reasoning) {
        return Ok(());
    }
    if !quirks.reasoning {
        return policy.knob("reasoning", "can't be switched at this host");
    }
    let known = match quirks.efforts.as_slice() {
        [] => target.profile.efforts,
        own => own,
    };
    let mut fields = Object::new();
    let effort = config.effort.as_ref();
    if let Some(effort) = effort::alone(effort, config.budget_tokens, known, policy)? {
        fields.insert("effort".to_owned(), effort::word(&effort).into());
    }
    if let Some(summary) = config.summary.as_deref().filter(|_| !off) {
        let word = match summary {
            "summarized" => "auto",
            word => word,
        };
        match word {
            "omitted" => {}
            word => {
                fields.insert("summary".to_owned(), word.into());
            }
        }
    }
    body.reasoning = (!fields.is_empty()).then_some(fields);
    Ok(())
}
