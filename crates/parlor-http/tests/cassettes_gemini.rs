//! The Gemini dialect over recorded exchanges.

mod support;

use parlor_dialect::Profile;
use parlor_dialect::gemini::{Gemini, Quirks, SchemaField};
use parlor_testkit::Cassette;
use serde_json::{Map, Value, json};
use support::{Check, Suite, drop_nulls};

#[test]
fn recorded_exchanges_read_and_write_the_same() {
    Suite {
        dialect: "gemini",
        make,
        profile: |_| Profile::default(),
        normalise: |body| {
            drop_nulls(body);
            camel(body);
            defaults(body);
        },
        exceptions: &[(
            "gemini/simonw-llm-gemini__test_nested_model_optional-0",
            Check::Request,
            "it says null as one of several types, and we say `nullable`, which every model knows",
        )],
    }
    .run();
}

/// The dialect as the recorded client used it: hosts differ in the path, and
/// clients in which of the two fields for schemas they write.
fn make(cassette: &Cassette) -> Gemini {
    let mut quirks = match cassette.provider.as_str() {
        "vertex" => Quirks::vertex(),
        _ => Quirks::default(),
    };
    let body = cassette.request.body.as_ref().map(Value::to_string);
    let openapi = [
        "\"parameters\":",
        "\"responseSchema\":",
        "\"response_schema\":",
    ];
    if body.is_some_and(|body| openapi.iter().any(|field| body.contains(field))) {
        quirks.schemas = SchemaField::OpenApi;
    }
    Gemini::new(quirks)
}

/// What is the caller's own and has names of its own.
const FREE: &[&str] = &["args", "response", "labels"];

/// Schemas, whose types may stand in upper or lower case.
const SCHEMAS: &[&str] = &[
    "parameters",
    "parametersJsonSchema",
    "responseSchema",
    "responseJsonSchema",
];

/// Names in snake_case are the same to the host.
fn camel(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, mut value) in std::mem::take(map) {
                let mut words = name.split('_');
                let mut name = words.next().unwrap_or_default().to_owned();
                for word in words {
                    name.push_str(&word[..1].to_ascii_uppercase());
                    name.push_str(&word[1..]);
                }
                if SCHEMAS.contains(&&*name) {
                    lower_types(&mut value);
                    if let Value::Object(schema) = &mut value {
                        // The schema's own language is no rule for the answer.
                        schema.retain(|name, _| name != "$schema");
                    }
                    // An object without properties is the same as no arguments.
                    let properties = value["properties"].as_object();
                    if name == "parameters" && properties.is_some_and(Map::is_empty) {
                        continue;
                    }
                } else if !FREE.contains(&&*name) {
                    camel(&mut value);
                }
                map.insert(name, value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(camel),
        _ => {}
    }
}

fn lower_types(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(word) if name == "type" => word.make_ascii_lowercase(),
                    value => lower_types(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(lower_types),
        _ => {}
    }
}

/// What the host takes for granted, or takes in several forms.
fn defaults(body: &mut Value) {
    // A list of one may stand as that one.
    for at in ["/systemInstruction/parts", "/tools"] {
        if let Some(one @ Value::Object(_)) = body.pointer_mut(at) {
            *one = Value::Array(vec![one.take()]);
        }
    }
    // One tool may have several fields; it is the same as a tool for each.
    if let Some(Value::Array(tools)) = body.get_mut("tools") {
        let fields = tools.iter().filter_map(Value::as_object).flatten();
        let one = |(name, value): (&String, &Value)| {
            Value::Object(Map::from_iter([(name.clone(), value.clone())]))
        };
        *tools = fields.map(one).collect();
    }
    let config = body.get_mut("generationConfig");
    if let Some(Value::Object(config)) = config {
        if let Some(Value::Object(thinking)) = config.get_mut("thinkingConfig") {
            // False is the default.
            thinking.retain(|name, value| name != "includeThoughts" || value == true);
            // Words of an enumeration are read in any case.
            if let Some(Value::String(level)) = thinking.get_mut("thinkingLevel") {
                level.make_ascii_uppercase();
            }
        }
        config.retain(|_, value| value.as_object().is_none_or(|it| !it.is_empty()));
    }
    if let Value::Object(body) = body {
        body.retain(|name, value| match name.as_str() {
            // An empty configuration says nothing, as an empty instruction does.
            "generationConfig" => value.as_object().is_none_or(|it| !it.is_empty()),
            "systemInstruction" => value["parts"] != json!([{"text": ""}]),
            _ => true,
        });
    }
    let contents = body.get("contents").and_then(Value::as_array);
    let count = contents.map_or(0, Vec::len);
    let mut places: Vec<String> = (0..count)
        .map(|at| format!("/contents/{at}/parts"))
        .collect();
    places.push("/systemInstruction/parts".to_owned());
    for place in places {
        if let Some(Value::Array(parts)) = body.pointer_mut(&place) {
            parts.iter_mut().for_each(part_defaults);
        }
    }
}

fn part_defaults(part: &mut Value) {
    if let Value::Object(fields) = part {
        // A part is no thought unless it says so.
        fields.retain(|name, value| name != "thought" || value == true);
    }
    // Bytes may be in base64's alphabet for URLs.
    if let Some(Value::String(data)) = part.pointer_mut("/inlineData/data") {
        *data = data.replace('-', "+").replace('_', "/");
    }
}
