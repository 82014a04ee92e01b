//! What the answer must be like: fields in short, a file, or a JSON Schema itself.

use std::path::Path;

use parlor::{ErrorKind, OutputSchema};
use serde_json::{Map, Value, json};

use crate::attach;
use crate::failure::Failure;

/// The short types and what they are in JSON Schema.
const TYPES: &[(&str, &str)] = &[
    ("str", "string"),
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
];

/// The schema that was asked for. Reads a file.
pub(crate) fn schema(given: &str) -> Result<OutputSchema, Failure> {
    let given = given.trim();
    let is_file = |it: &str| it.ends_with(".json") || Path::new(it).is_file();
    let schema = match given {
        json if json.starts_with('{') => parsed(json.as_bytes(), "the schema")?,
        path if is_file(path) => {
            let file = std::fs::File::open(path).map_err(|error| {
                wrong(format!("cannot read {path}: {error}"))
                    .help("name a file with a JSON Schema, or fields: 'name, age int'")
            })?;
            parsed(&attach::read(file, path)?, path)?
        }
        fields => short(fields)?,
    };
    Ok(named(schema))
}

/// The schema under its title.
pub(crate) fn named(schema: Value) -> OutputSchema {
    let title = schema.get("title").and_then(Value::as_str);
    OutputSchema::new(title.unwrap_or("answer").to_owned(), schema)
}

fn parsed(bytes: &[u8], name: &str) -> Result<Value, Failure> {
    let schema: Value = serde_json::from_slice(bytes).map_err(|error| {
        wrong(format!("{name} is no JSON: {error}"))
            .help("correct it, or name fields: 'name, age int'")
    })?;
    match schema {
        Value::Object(_) => Ok(schema),
        _ => Err(wrong(format!("{name} is no JSON Schema: it must be an object"))
            .help("a schema looks like {\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}}}")),
    }
}

/// Fields by commas, or by lines where there are several: `name [type][: description]`.
pub(crate) fn short(fields: &str) -> Result<Value, Failure> {
    let separator = if fields.contains('\n') { '\n' } else { ',' };
    let mut properties = Map::new();
    for field in fields.split(separator).map(str::trim) {
        if field.is_empty() {
            continue;
        }
        let (field, about) = field.split_once(':').unwrap_or((field, ""));
        let mut words = field.split_whitespace();
        let (name, kind) = match (words.next(), words.next(), words.next()) {
            (Some(name), kind, None) => (name, kind.unwrap_or("str")),
            _ => return Err(misread(format!("`{field}` is no field"))),
        };
        let Some((_, kind)) = TYPES.iter().find(|(short, _)| *short == kind) else {
            return Err(misread(format!("`{name}` has the unknown type `{kind}`")));
        };
        let mut property = json!({ "type": kind });
        if !about.trim().is_empty() {
            property["description"] = about.trim().into();
        }
        if properties.insert(name.to_owned(), property).is_some() {
            return Err(misread(format!("there are two fields `{name}`")));
        }
    }
    if properties.is_empty() {
        return Err(misread("there is no field".to_owned()));
    }
    let required: Vec<&String> = properties.keys().collect();
    Ok(json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    }))
}

fn misread(fact: String) -> Failure {
    wrong(format!("--schema: {fact}"))
        .help("fields are `name [str|int|float|bool][: description]`, by commas or lines")
        .help("a file with a JSON Schema ends with .json")
}

fn wrong(fact: String) -> Failure {
    Failure::bad_input("schema", ErrorKind::InvalidRequest, fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_a_schema_in_their_order() {
        let schema = short("name, age int: in years, weight float,good bool,").unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let names: Vec<_> = properties.keys().collect();
        assert_eq!(names, ["name", "age", "weight", "good"]);
        let age = json!({"type": "integer", "description": "in years"});
        assert_eq!(properties["age"], age);
        assert_eq!(properties["name"], json!({"type": "string"}));
        assert_eq!(schema["required"], json!(["name", "age", "weight", "good"]));
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn fields_on_lines_may_have_commas_in_their_descriptions() {
        let schema = short("\nname: first, then last\n age int \n").unwrap();
        let about = &schema["properties"]["name"]["description"];
        assert_eq!(about, "first, then last");
        assert_eq!(schema["properties"]["age"]["type"], "integer");
    }

    #[test]
    fn what_is_no_field_is_named() {
        for (fields, fact) in [
            ("age integer", "`age` has the unknown type `integer`"),
            ("full name str", "`full name str` is no field"),
            ("a, a", "two fields `a`"),
            (" , ", "no field"),
            (": what", "`` is no field"),
        ] {
            let told = short(fields).unwrap_err().text();
            assert!(told.contains(fact), "{fields}: {told}");
            assert!(told.contains("str|int|float|bool"), "{told}");
        }
    }
}
