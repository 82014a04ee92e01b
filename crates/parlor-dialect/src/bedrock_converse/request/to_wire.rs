//! Core's request written as a body.

use super::super::wire::{Body, InferenceConfig, Object, block, key_of, keys};
use super::super::{Family, NAME, Quirks};
use super::reasoning::Plan;
use super::writer::Writer;
use super::{messages, reasoning, tools};
use crate::dialect::{Target, WireRequest};
use crate::path::with_model;
use crate::sampling::{BOTH, both};
use crate::schema::{ANTHROPIC_OUTPUT, restrict};
use parlor_core::{Capability, ChatRequest, OutputFormat, Result};
use serde_json::json;

/// The classes of service.
const TIERS: [&str; 4] = ["priority", "default", "flex", "reserved"];

/// Writes a request.
pub(in super::super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut writer = Writer::new(request, target, quirks, target.origin(NAME));
    let request = &*writer.policy.honour(request, target.stream)?;
    let plan = reasoning::plan(request, &mut writer)?;
    let (system, messages) = messages::write(request, &mut writer)?;
    let mut body = Body {
        system: (!system.is_empty()).then_some(system),
        messages,
        ..Body::default()
    };
    if let Some(point) = writer.cache_point(request.cache.as_ref())?
        && let Some(last) = body.messages.last_mut()
        && last
            .content
            .last()
            .is_some_and(|it| key_of(it) != keys::CACHE_POINT)
    {
        last.content.push(point);
    }
    body.tool_config = tools::write(request, &body.messages, plan.thinks, &mut writer)?;
    bound_points(&mut body, &mut writer)?;
    let mut fields = plan.fields.clone();
    let config = sampling(request, &plan, &mut fields, &mut writer)?;
    body.inference_config = (config != InferenceConfig::default()).then_some(config);
    body.additional_model_request_fields = (!fields.is_empty()).then_some(fields);
    body.output_config = output(request, &plan, &mut writer)?;
    let tier = request.service_tier.as_deref();
    let tier = writer.policy.service_tier(tier, &TIERS)?;
    body.service_tier = tier.map(|tier| block("type", tier));
    if !request.metadata.is_empty() {
        let pairs = request.metadata.iter();
        let pairs = pairs.map(|(key, value)| (key.clone(), value.as_str().into()));
        body.request_metadata = Some(pairs.collect());
    }
    if request.user.is_some() {
        writer.knob("user", "has no place in this dialect; `metadata` has")?;
    }
    let path = match target.stream {
        true => &quirks.stream_path,
        false => &quirks.path,
    };
    let path = with_model(path, &target.info.model, "");
    let extra = target.extra(request);
    let bytes = extra.write(&mut body, "messages", |body| &mut body.messages)?;
    let mut wire = WireRequest::new(path, bytes);
    wire.warnings = writer.policy.into_warnings();
    Ok(wire)
}

/// Leaves out cache points beyond the most there may be: those of the
/// conversation first, from its beginning on, since a later one holds more.
fn bound_points(body: &mut Body, writer: &mut Writer<'_>) -> Result<()> {
    let most = writer.quirks.limits.cache_points;
    let is_point = |it: &Object| key_of(it) == keys::CACHE_POINT;
    let messages = body.messages.iter_mut().map(|it| &mut it.content);
    let tools = body.tool_config.as_mut().map(|it| &mut it.tools);
    let mut places: Vec<&mut Vec<Object>> =
        messages.chain(body.system.as_mut()).chain(tools).collect();
    let blocks = places.iter().flat_map(|it| it.iter());
    let count = blocks.filter(|it| is_point(it)).count();
    let mut surplus = count.saturating_sub(most);
    if surplus == 0 {
        return Ok(());
    }
    let why = format!("marks {count} places, and {most} at most may be");
    writer.policy.knob("cache", &why)?;
    for place in &mut places {
        place.retain(|it| {
            let dropped = surplus > 0 && is_point(it);
            surplus -= usize::from(dropped);
            !dropped
        });
    }
    Ok(())
}

fn sampling(
    request: &ChatRequest,
    plan: &Plan,
    fields: &mut Object,
    writer: &mut Writer<'_>,
) -> Result<InferenceConfig> {
    let mut config = InferenceConfig {
        max_tokens: request.max_output_tokens,
        ..InferenceConfig::default()
    };
    let fixed = writer.target.profile.fixed_sampling;
    let temperature = request.temperature.filter(|it| it.is_finite());
    let top_p = request.top_p.filter(|it| it.is_finite());
    // While it thinks, temperature must be 1, top_p at least 0.95, and top_k
    // may not be set.
    let settings = [
        (
            "temperature",
            temperature.is_some(),
            temperature == Some(1.0),
        ),
        ("top_p", top_p.is_some(), top_p.is_some_and(|it| it >= 0.95)),
        ("top_k", request.top_k.is_some(), false),
    ];
    let mut allowed = [false; 3];
    for (allowed, (setting, wanted, fits)) in allowed.iter_mut().zip(settings) {
        if wanted && fixed {
            writer.knob(setting, "is not taken by this model")?;
        } else if wanted && plan.thinks && !fits {
            writer.knob(setting, "does not go with thinking")?;
        } else {
            *allowed = wanted;
        }
    }
    if both(&mut allowed, temperature, writer.target.profile) {
        writer.knob("top_p", BOTH)?;
    }
    let [with_temperature, with_top_p, with_top_k] = allowed;
    config.temperature = temperature.filter(|_| with_temperature);
    if config.temperature.is_some_and(|it| it > 1.0) {
        writer.coerced(
            "temperature",
            "temperature was sent as 1, the most there is",
        );
        config.temperature = Some(1.0);
    }
    config.top_p = top_p.filter(|_| with_top_p);
    if let Some(top_k) = request.top_k.filter(|_| with_top_k) {
        match writer.family {
            Family::Claude | Family::Mistral => {
                fields.insert("top_k".to_owned(), top_k.into());
            }
            Family::Nova => {
                let config = json!({ "topK": top_k });
                fields.insert("inferenceConfig".to_owned(), config);
            }
            _ => writer.knob("top_k", "can't be set for this model on this host")?,
        }
    }
    let unknown = [
        ("n", request.n.is_some_and(|it| it > 1)),
        ("seed", request.seed.is_some()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
        ("logprobs", request.logprobs == Some(true)),
        ("top_logprobs", request.top_logprobs.is_some()),
    ];
    for (setting, wanted) in unknown {
        if wanted {
            writer.knob(setting, "is not known to this dialect")?;
        }
    }
    let is_said = |it: &&String| !it.trim().is_empty();
    let kept: Vec<String> = request.stop.iter().filter(is_said).cloned().collect();
    if kept.len() < request.stop.len() {
        writer.knob("stop", "may not be white space alone")?;
    }
    if !kept.is_empty() && writer.target.profile.no_stop {
        writer.knob("stop", "is not taken by this model")?;
    } else {
        config.stop_sequences = (!kept.is_empty()).then_some(kept);
    }
    Ok(config)
}

fn output(request: &ChatRequest, plan: &Plan, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let mut config = Object::new();
    match &request.output {
        None | Some(OutputFormat::Text) => {}
        Some(OutputFormat::JsonSchema(wanted)) => {
            let policy = &mut writer.policy;
            if !policy.allows(true, "output", Capability::JsonSchema)? {
                return Ok(effort(plan));
            }
            let mut schema = wanted.schema.clone();
            if writer.family == Family::Claude {
                let restricted = restrict(&schema, &ANTHROPIC_OUTPUT);
                for note in restricted.notes {
                    writer.policy.coerced("output.schema", note);
                }
                schema = restricted.schema;
            }
            // The service wants the schema as a text.
            let mut said = block("schema", schema.to_string());
            said.insert("name".to_owned(), wanted.name.as_str().into());
            if let Some(description) = &wanted.description {
                said.insert("description".to_owned(), description.as_str().into());
            }
            let format = json!({ "type": "json_schema", "structure": { "jsonSchema": said } });
            config.insert("textFormat".to_owned(), format);
        }
        Some(_) => {
            if writer.policy.allows(true, "output", Capability::Json)? {
                let why = "as JSON without a schema is not known to this dialect";
                writer.feature("output", why)?;
            }
        }
    }
    config.extend(effort(plan).unwrap_or_default());
    Ok((!config.is_empty()).then_some(config))
}

fn effort(plan: &Plan) -> Option<Object> {
    let effort = plan.effort.as_ref()?;
    Some(block("effort", effort.as_str()))
}
