//! `generationConfig`, both ways.

use super::family::Family;
use super::tools::subset;
use super::{camel_keys, thinking};
use crate::gemini::Quirks;
use crate::{Policy, Target, schema};
use parlor_core::{Capability, ChatRequest, OutputFormat, OutputSchema, Result};
use serde_json::{Map, Value, json};

/// Writes `generationConfig`.
///
/// # Errors
/// As [`Policy::knob`] and [`Policy::feature`].
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    family: &Family,
    policy: &mut Policy<'_>,
) -> Result<Map<String, Value>> {
    let mut out = Map::new();
    for knob in knobs(request) {
        let Some(mut value) = knob.value else {
            continue;
        };
        if knob.is_sampling && target.profile.fixed_sampling {
            policy.knob(knob.setting, "is fixed for this model")?;
        } else if knob.setting == "seed"
            && value.as_i64().is_some_and(|it| i32::try_from(it).is_err())
        {
            policy.knob(knob.setting, "is beyond the 32 bits that the host takes")?;
        } else {
            if let Value::Array(texts) = &mut value
                && (1..texts.len()).contains(&quirks.max_stop)
            {
                let most = quirks.max_stop;
                texts.truncate(most);
                let message = format!("only the first {most} stop sequences were sent");
                policy.coerced(knob.setting, message);
            }
            out.insert(knob.field.to_owned(), value);
        }
    }
    if let Some(format) = &request.output {
        write_output(format, quirks, policy, &mut out)?;
    }
    if let Some(reasoning) = &request.reasoning {
        let config = match target.info.capabilities.lacks(Capability::Reasoning) {
            true => None,
            false => thinking::write(reasoning, family, policy)?,
        };
        out.extend(config.map(|it| ("thinkingConfig".to_owned(), it)));
    }
    Ok(out)
}

struct Knob {
    setting: &'static str,
    field: &'static str,
    value: Option<Value>,
    is_sampling: bool,
}

/// The settings that are one value here and there.
fn knobs(request: &ChatRequest) -> impl Iterator<Item = Knob> {
    let float = |it: Option<f64>| it.map(|it| json!(it));
    let stop = (!request.stop.is_empty()).then(|| json!(request.stop));
    let rows = [
        (
            "temperature",
            "temperature",
            float(request.temperature),
            true,
        ),
        ("top_p", "topP", float(request.top_p), true),
        ("top_k", "topK", request.top_k.map(|it| json!(it)), true),
        (
            "presence_penalty",
            "presencePenalty",
            float(request.presence_penalty),
            true,
        ),
        (
            "frequency_penalty",
            "frequencyPenalty",
            float(request.frequency_penalty),
            true,
        ),
        ("seed", "seed", request.seed.map(|it| json!(it)), false),
        ("stop", "stopSequences", stop, false),
        ("n", "candidateCount", request.n.map(|it| json!(it)), false),
        (
            "max_output_tokens",
            "maxOutputTokens",
            request.max_output_tokens.map(|it| json!(it)),
            false,
        ),
        (
            "logprobs",
            "responseLogprobs",
            request.logprobs.map(|it| json!(it)),
            true,
        ),
        (
            "top_logprobs",
            "logprobs",
            request.top_logprobs.map(|it| json!(it)),
            true,
        ),
    ];
    rows.into_iter()
        .map(|(setting, field, value, is_sampling)| Knob {
            setting,
            field,
            value,
            is_sampling,
        })
}

fn write_output(
    format: &OutputFormat,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let (media_type, capability) = match format {
        OutputFormat::Text => ("text/plain", None),
        OutputFormat::Json => ("application/json", Some(Capability::Json)),
        OutputFormat::JsonSchema(_) => ("application/json", Some(Capability::JsonSchema)),
        _ => return policy.feature("output", "is of a kind that has no form here"),
    };
    if let Some(capability) = capability
        && !policy.allows(true, "output", capability)?
    {
        return Ok(());
    }
    out.insert("responseMimeType".to_owned(), json!(media_type));
    let OutputFormat::JsonSchema(output) = format else {
        return Ok(());
    };
    let restricted = schema::restrict(&output.schema, subset(quirks));
    for note in restricted.notes {
        policy.coerced("output", note);
    }
    let mut schema = restricted.schema;
    if let (Some(description), Value::Object(schema)) = (&output.description, &mut schema) {
        schema
            .entry("description")
            .or_insert_with(|| json!(description));
    }
    let field = match quirks.schemas {
        crate::gemini::SchemaField::JsonSchema => "responseJsonSchema",
        crate::gemini::SchemaField::OpenApi => "responseSchema",
    };
    out.insert(field.to_owned(), schema);
    Ok(())
}

/// Reads `generationConfig` into a request, and gives back what it says beyond
/// that.
pub(super) fn read(config: Map<String, Value>, out: &mut ChatRequest) -> Map<String, Value> {
    let mut rest = camel_keys(config);
    let float = |it: &Value| it.as_f64();
    out.temperature = take(&mut rest, "temperature", float);
    out.top_p = take(&mut rest, "topP", float);
    out.presence_penalty = take(&mut rest, "presencePenalty", float);
    out.frequency_penalty = take(&mut rest, "frequencyPenalty", float);
    // Some clients write whole numbers as 40.0.
    let count = |it: &Value| {
        let whole = |it: &f64| *it >= 0.0 && it.fract() == 0.0;
        it.as_u64()
            .or(it.as_f64().filter(whole).map(|it| it as u64))
    };
    let small = |it: &Value| count(it).and_then(|it| u32::try_from(it).ok());
    out.top_k = take(&mut rest, "topK", small);
    out.n = take(&mut rest, "candidateCount", small);
    out.top_logprobs = take(&mut rest, "logprobs", small);
    out.max_output_tokens = take(&mut rest, "maxOutputTokens", count);
    out.seed = take(&mut rest, "seed", Value::as_i64);
    out.logprobs = take(&mut rest, "responseLogprobs", Value::as_bool);
    let texts = |it: &Value| -> Option<Vec<String>> {
        let texts = it.as_array()?.iter();
        texts.map(|it| it.as_str().map(str::to_owned)).collect()
    };
    out.stop = take(&mut rest, "stopSequences", texts).unwrap_or_default();
    read_output(&mut rest, out);
    if let Some(Value::Object(config)) = rest.shift_remove("thinkingConfig") {
        out.reasoning = Some(thinking::read(&camel_keys(config)));
    }
    rest
}

/// Takes a field out if it has the form looked for.
fn take<T>(
    map: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    let value = read(map.get(name)?)?;
    map.shift_remove(name);
    Some(value)
}

fn read_output(rest: &mut Map<String, Value>, out: &mut ChatRequest) {
    let media_type = rest.get("responseMimeType").and_then(Value::as_str);
    let is_json = match media_type {
        Some("application/json") => true,
        Some("text/plain") => false,
        Some(_) => return,
        None if rest.contains_key("responseSchema") => true,
        None if rest.contains_key("responseJsonSchema") => true,
        None => return,
    };
    rest.shift_remove("responseMimeType");
    if !is_json {
        out.output = Some(OutputFormat::Text);
        return;
    }
    let openapi = rest.shift_remove("responseSchema");
    let openapi = openapi.map(|it| schema::from_openapi(&it));
    out.output = Some(match rest.shift_remove("responseJsonSchema").or(openapi) {
        Some(schema) => OutputFormat::JsonSchema(OutputSchema::new(name(&schema), schema)),
        None => OutputFormat::Json,
    });
}

/// A name for a schema: its title, if that can be one.
fn name(schema: &Value) -> String {
    let title = schema["title"].as_str().unwrap_or_default();
    let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    match !title.is_empty() && title.len() <= 64 && title.chars().all(fits) {
        true => title.to_owned(),
        false => "response".to_owned(),
    }
}
