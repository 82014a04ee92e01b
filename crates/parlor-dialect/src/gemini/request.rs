//! Requests, written and read.

mod config;
mod contents;
mod family;
mod from_wire;
mod thinking;
mod tools;

pub(super) use from_wire::from_wire;

use super::wire::camel;
use super::{NAME, Quirks};
use crate::path::segment;
use crate::verbatim::Passed;
use crate::{Policy, Target, WireRequest};
use contents::{Content, Contents};
use family::Family;
use parlor_core::{ChatRequest, Result, Words};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The classes of service.
const TIERS: [&str; 3] = ["flex", "standard", "priority"];

/// What a model id begins with that is a path of its own.
static RESOURCES: &[&str] = &[
    "models/",
    "tunedModels/",
    "publishers/",
    "endpoints/",
    "projects/",
];

/// A request as it is written.
#[derive(Serialize)]
struct Body<'a> {
    contents: Vec<Content<'a>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Writes a request.
pub(super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut policy = Policy::new(request, target, NAME);
    let request = &*policy.honour(request, target.stream)?;
    let family = Family::of(&target.info.model, quirks);
    let origin = target.origin(NAME);
    let mut contents = Contents::new(&origin, target.profile, quirks, &family);
    for message in &request.messages {
        contents.message(message, &mut policy)?;
    }
    let (system, contents) = contents.finish();
    let mut written = Body {
        contents,
        rest: Map::new(),
    };
    let body = &mut written.rest;
    body.extend(system.map(|it| ("systemInstruction".to_owned(), it)));

    if !request.tools.is_empty() {
        let tools = tools::write(&request.tools, &origin, quirks, &mut policy)?;
        if !tools.is_empty() {
            body.insert("tools".to_owned(), tools.into());
        }
        // Without functions it is refused.
        let functions = request.tools.iter().any(|it| it.as_function().is_some());
        if functions && let Some(choice) = tools::write_choice(request, &family, &mut policy)? {
            body.insert(
                "toolConfig".to_owned(),
                json!({ "functionCallingConfig": choice }),
            );
        }
    }
    let config = config::write(request, target, quirks, &family, &mut policy)?;
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), config.into());
    }
    if let Some(tier) = policy.service_tier(request.service_tier.as_deref(), &TIERS)? {
        body.insert("serviceTier".to_owned(), json!(tier));
    }
    if !request.metadata.is_empty() {
        match quirks.labels {
            true => {
                body.insert("labels".to_owned(), json!(request.metadata));
            }
            false => policy.knob("metadata", "has no place at this host")?,
        }
    }
    if request.parallel_tool_calls == Some(false) {
        policy.knob("parallel_tool_calls", "can't be turned off")?;
    }
    if request.user.is_some() {
        policy.knob("user", "has no place at this host")?;
    }
    if request.cache.is_some() {
        policy.knob(
            "cache",
            "is the host's own affair; name a `cachedContent` instead",
        )?;
    }
    let extra = target.extra(request);
    let bytes = extra.write(&mut written, "contents", |it| &mut it.contents)?;
    let mut out = WireRequest::new(path(target, quirks), bytes);
    out.warnings = policy.into_warnings();
    Ok(out)
}

/// Passes a client's own body, which names no model, to a host of this dialect.
pub(super) fn pass(words: &Words, target: &Target<'_>, quirks: &Quirks) -> Option<WireRequest> {
    let body = Passed::new(words)?.beneath(target.extra)?;
    Some(body.into_wire(path(target, quirks)))
}

fn path(target: &Target<'_>, quirks: &Quirks) -> String {
    let model = &*target.info.model;
    let prefix = match RESOURCES.iter().any(|it| model.starts_with(it)) {
        true => "/",
        false => &*quirks.model_prefix,
    };
    let kept = if prefix == "/" { "/" } else { "" };
    let method = match target.stream {
        true => ":streamGenerateContent?alt=sse",
        false => ":generateContent",
    };
    format!("{prefix}{}{method}", segment(model, kept))
}

/// The same fields with their names in camelCase, without null ones: many
/// clients write snake_case, or null for nothing.
fn camel_keys(map: Map<String, Value>) -> Map<String, Value> {
    let fields = map.into_iter().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| (camel(&name), value)).collect()
}
