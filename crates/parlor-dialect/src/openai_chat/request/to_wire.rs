//! From core's request to a body.

use super::super::NAME;
use super::super::quirks::{JsonOutput, Quirks};
use super::super::wire::request::Request;
use super::messages::MessageWriter;
use super::{knobs, reasoning, tools};
use crate::dialect::{Target, WireRequest};
use crate::foreign;
use crate::path::with_model;
use crate::policy::Policy;
use parlor_core::{Capability, ChatRequest, OutputFormat, OutputSchema, Result};
use serde_json::{Map, Value, json};

/// Writes a request for a host and a model.
pub(in super::super) fn to_wire(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Result<WireRequest> {
    let mut policy = Policy::new(request, target, NAME);
    let request = &*policy.honour(request, target.stream)?;
    let origin = target.origin(NAME);
    let extra = target.extra(request).over(&quirks.body);
    let extra = extra.settled(&quirks.foreign);
    foreign::refuse(&quirks.foreign, &extra, &mut policy)?;
    let kept = !quirks.keeps_reasoning.is_empty() && {
        let mut said = Map::new();
        extra.merge_into(&mut said);
        holds(&said, &quirks.keeps_reasoning)
    };
    let mut body = Request {
        model: target.info.model.as_str().into(),
        messages: MessageWriter::new(quirks, target, &origin, kept, &mut policy).write(request)?,
        ..Request::default()
    };
    if target.stream || reasoning::wants_stream(request, quirks) {
        body.stream = Some(true);
        body.stream_options = quirks
            .stream_usage
            .then(|| Map::from_iter([("include_usage".to_owned(), true.into())]));
    }
    tools::write(request, target, quirks, &origin, &mut policy, &mut body)?;
    output(request, quirks, &mut policy, &mut body)?;
    reasoning::write(request, target, quirks, &mut policy, &mut body)?;
    knobs::write(request, target, quirks, &mut policy, &mut body)?;

    let bytes = extra.write(&mut body, "messages", |body| &mut body.messages)?;
    let path = with_model(&quirks.path, &target.info.model, "");
    let mut wire = WireRequest::new(path, bytes);
    wire.headers = quirks.headers.clone().into_iter().collect();
    wire.warnings = policy.into_warnings();
    Ok(wire)
}

/// Whether fields have all of these among them, objects within likewise.
fn holds(fields: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted
        .iter()
        .all(|(key, wanted)| match (fields.get(key), wanted) {
            (Some(Value::Object(fields)), Value::Object(wanted)) => holds(fields, wanted),
            (field, wanted) => field == Some(wanted),
        })
}

fn output(
    request: &ChatRequest,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    body: &mut Request<'_>,
) -> Result<()> {
    body.response_format = match &request.output {
        None => None,
        Some(OutputFormat::Text) => Some(json!({"type": "text"})),
        Some(OutputFormat::JsonSchema(schema)) => {
            let known = quirks.output == JsonOutput::Schema;
            if !known {
                policy.feature("output", "can't be a JSON Schema at this host")?;
            }
            match known && policy.allows(true, "output", Capability::JsonSchema)? {
                true => Some(json_schema(schema, quirks, policy)?),
                false if quirks.output == JsonOutput::Object => {
                    Some(json!({"type": "json_object"}))
                }
                false => None,
            }
        }
        Some(_) => {
            let known = quirks.output != JsonOutput::None;
            if !known {
                policy.feature("output", "can't be JSON at this host")?;
            }
            let wanted = known && policy.allows(true, "output", Capability::Json)?;
            wanted.then(|| json!({"type": "json_object"}))
        }
    };
    Ok(())
}

fn json_schema(schema: &OutputSchema, quirks: &Quirks, policy: &mut Policy<'_>) -> Result<Value> {
    let mut form = Map::new();
    form.insert("name".to_owned(), schema.name.as_str().into());
    if let Some(description) = &schema.description {
        form.insert("description".to_owned(), description.as_str().into());
    }
    let inner = tools::fitted(
        &schema.schema,
        schema.strict,
        quirks,
        "output.schema",
        policy,
    );
    form.insert("schema".to_owned(), inner.into_owned());
    match schema.strict {
        Some(strict) if quirks.strict => {
            form.insert("strict".to_owned(), strict.into());
        }
        Some(true) => policy.knob("output.strict", "is not known to this host")?,
        _ => {}
    }
    Ok(json!({"type": "json_schema", "json_schema": form}))
}
