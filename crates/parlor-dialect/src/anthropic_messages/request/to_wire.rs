//! Core's request written as a body.

use super::super::wire::{Body, Content, Object};
use super::super::{Betas, NAME, Quirks};
use super::writer::Writer;
use super::{messages, tools};
use crate::dialect::{Target, WireRequest};
use crate::extra::Extra;
use crate::path::with_model;
use crate::sampling::{BOTH, both};
use crate::schema::{ANTHROPIC_OUTPUT, restrict};
use crate::thinking::{self, Plan, Terms};
use parlor_core::{Capability, ChatRequest, OutputFormat, Result};
use serde_json::Value;

/// The beta feature that file ids belong to.
const FILES_BETA: &str = "files-api-2025-04-14";

/// The classes of service.
const TIERS: [&str; 2] = ["auto", "standard_only"];

/// Writes a request.
pub(in super::super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut writer = Writer::new(request, target, quirks, target.origin(NAME));
    let request = &*writer.policy.honour(request, target.stream)?;
    let terms = Terms {
        style: quirks.thinking,
        default_max_tokens: Some(quirks.default_max_tokens),
        whole_max_tokens: quirks.whole_max_tokens,
    };
    let plan = thinking::plan(request, target, terms, &mut writer.policy)?;
    let (system, messages) = messages::write(request, &mut writer)?;
    let mut body = Body {
        max_tokens: plan.max_tokens,
        system: (!system.is_empty()).then(|| Content::shortest(system)),
        messages,
        ..Body::default()
    };
    if quirks.model_in_body {
        body.model = Some(target.info.model.clone());
    }
    body.stream = (target.stream && quirks.stream_in_body).then_some(true);
    tools::write(request, plan.thinks, &mut writer, &mut body)?;
    sampling(request, &plan, &mut writer, &mut body)?;
    output(request, &plan, &mut writer, &mut body)?;
    body.thinking = plan.thinking;
    if let Some(user) = &request.user {
        let id = Value::String(user.clone());
        body.metadata = Some(Object::from_iter([("user_id".to_owned(), id)]));
    }
    if !request.metadata.is_empty() {
        writer.knob("metadata", "has no place in this dialect")?;
    }
    let tier = request.service_tier.as_deref();
    let tier = writer.policy.service_tier(tier, &TIERS)?;
    body.service_tier = tier.map(str::to_owned);
    if let Some(hint) = request.cache {
        body.cache_control = writer.cache_mark(hint)?;
    }
    if let Some(version) = &quirks.body_version {
        let version = Value::String(version.clone());
        body.rest.insert("anthropic_version".to_owned(), version);
    }
    let extra = target.extra(request).without("betas");
    let betas = betas(&extra, &mut writer, &mut body)?;
    let path = match (&quirks.stream_path, target.stream) {
        (Some(path), true) => path,
        _ => &quirks.path,
    };
    let path = with_model(path, &target.info.model, "@:");
    let bytes = extra.write(&mut body, "messages", |body| &mut body.messages)?;
    let mut wire = WireRequest::new(path, bytes);
    let headers = [
        ("anthropic-version", quirks.version.clone()),
        ("anthropic-beta", betas),
    ];
    let headers = headers.into_iter();
    wire.headers = headers
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    wire.warnings = writer.into_warnings();
    Ok(wire)
}

/// The beta features, from `extra` and from what the request uses: for the
/// header, or put in the body.
fn betas(extra: &Extra<'_>, writer: &mut Writer<'_>, body: &mut Body) -> Result<Option<String>> {
    let mut names: Vec<String> = writer.quirks.named_betas.clone();
    match extra.get("betas") {
        Some(Value::String(text)) => {
            names.extend(text.split(',').map(|it| it.trim().to_owned()));
        }
        Some(Value::Array(items)) => {
            let texts = items.iter().filter_map(Value::as_str);
            names.extend(texts.map(str::to_owned));
        }
        _ => {}
    }
    if writer.uses_files && writer.quirks.betas != Betas::None {
        names.push(FILES_BETA.to_owned());
    }
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && !kept.contains(&name) {
            kept.push(name);
        }
    }
    match writer.quirks.betas {
        _ if kept.is_empty() => {}
        Betas::Header => return Ok(Some(kept.join(","))),
        Betas::Body => {
            body.rest.insert("anthropic_beta".to_owned(), kept.into());
        }
        Betas::None => writer.knob("extra.betas", "is not supported here")?,
    }
    Ok(None)
}

fn sampling(
    request: &ChatRequest,
    plan: &Plan,
    writer: &mut Writer<'_>,
    body: &mut Body,
) -> Result<()> {
    let fixed = writer.target.profile.fixed_sampling;
    // While it thinks, temperature must be 1, top_p at least 0.95, and top_k
    // may not be set.
    let temperature = request.temperature.filter(|it| it.is_finite());
    let settings = [
        (
            "temperature",
            temperature.is_some(),
            temperature == Some(1.0),
        ),
        (
            "top_p",
            request.top_p.is_some(),
            request.top_p.is_some_and(|it| it >= 0.95),
        ),
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
    if allowed[0] {
        if temperature.is_some_and(|it| it > 1.0) {
            writer.coerced(
                "temperature",
                "temperature was sent as 1, the most there is",
            );
        }
        body.temperature = temperature.map(|it| it.min(1.0));
    }
    body.top_p = request.top_p.filter(|_| allowed[1]);
    body.top_k = request.top_k.filter(|_| allowed[2]);
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
    // The server refuses stop texts of nothing but white space.
    let is_said = |it: &&String| !it.trim().is_empty();
    let kept: Vec<String> = request.stop.iter().filter(is_said).cloned().collect();
    if kept.len() < request.stop.len() {
        writer.knob("stop", "may not be white space alone")?;
    }
    body.stop_sequences = (!kept.is_empty()).then_some(kept);
    Ok(())
}

fn output(
    request: &ChatRequest,
    plan: &Plan,
    writer: &mut Writer<'_>,
    body: &mut Body,
) -> Result<()> {
    let mut config = Object::new();
    if let Some(effort) = &plan.effort {
        config.insert("effort".to_owned(), effort.as_str().into());
    }
    match &request.output {
        None | Some(OutputFormat::Text) => {}
        Some(OutputFormat::JsonSchema(_)) if !writer.quirks.output_format => {
            writer.feature("output", "by a schema is not supported here")?;
        }
        Some(OutputFormat::JsonSchema(wanted)) => {
            if writer.allows("output", Capability::JsonSchema)? {
                let restricted = restrict(&wanted.schema, &ANTHROPIC_OUTPUT);
                for note in restricted.notes {
                    writer.changed("output.schema", note);
                }
                let mut format = super::super::wire::block("json_schema");
                format.insert("schema".to_owned(), restricted.schema);
                config.insert("format".to_owned(), Value::Object(format));
            }
        }
        Some(_) => {
            if writer.allows("output", Capability::Json)? {
                let why = "as JSON without a schema is not known to this dialect";
                writer.feature("output", why)?;
            }
        }
    }
    body.output_config = (!config.is_empty()).then_some(config);
    Ok(())
}
