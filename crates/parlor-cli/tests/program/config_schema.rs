//! The schema of the configuration is what the parser takes.

use std::collections::BTreeSet;

use crate::common::Home;
use parlor::{Config, PROGRAM_TABLES};
use serde_json::Value;

/// A table of the configuration, and where the schema has it.
const TABLES: &[(&str, &str)] = &[
    ("", ""),
    ("[providers.a]", "/$defs/provider"),
    ("[providers.a.timeouts]", "/$defs/limits"),
    ("[models.a]", "/$defs/model"),
    ("[routes.a]\nmodels = [\"echo\"]", "/$defs/route"),
    ("[layers.retry]", "/$defs/retry"),
    ("[layers.timeout]", "/$defs/limits"),
];

/// The settings that the parser takes in a table, as it tells them.
fn taken(home: &Home, table: &str) -> BTreeSet<String> {
    home.config(&format!("{table}\nno_such_setting = 1\n"));
    let told = home.run(&["config", "check"]).stderr;
    let (_, expected) = told.split_once("expected one of ").unwrap();
    let line = expected.lines().next().unwrap();
    let names = line
        .split(", ")
        .map(|name| name.trim_matches('`').to_owned());
    names.collect()
}

#[test]
fn the_schema_has_what_the_parser_takes() {
    let home = Home::new();
    let schema: Value = serde_json::from_str(&home.run(&["config", "schema"]).stdout).unwrap();
    for (table, place) in TABLES {
        let at = schema.pointer(place).unwrap();
        let listed = at["properties"].as_object().unwrap().keys().cloned();
        let mut taken = taken(&home, table);
        if table.is_empty() {
            // The program's own, which the library leaves to it.
            taken.extend(["mcp", "serve", "terminal", "tools"].map(str::to_owned));
        }
        assert_eq!(listed.collect::<BTreeSet<_>>(), taken, "{table}");
        assert_eq!(at["additionalProperties"], false, "{table}");
    }
    let mut profile: BTreeSet<String> = taken(&home, "[profiles.a]");
    profile.remove("profiles");
    let listed = schema["$defs"]["profile"]["properties"]
        .as_object()
        .unwrap();
    assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), profile);
}

/// A value of each type, in TOML.
const SAMPLES: &[(&str, &str)] = &[
    ("string", "\"x\""),
    ("integer", "7"),
    ("number", "0.5"),
    ("boolean", "true"),
    ("array", "[]"),
    ("object", "{}"),
];

/// Whether a schema takes values of a type.
fn takes(schema: &Value, whole: &Value, kind: &str) -> bool {
    let list = |name: &str| schema[name].as_array().into_iter().flatten();
    if let Some(place) = schema["$ref"].as_str() {
        return takes(whole.pointer(&place[1..]).unwrap(), whole, kind);
    }
    let is_named = match schema["type"].as_str() {
        Some("number") => kind == "number" || kind == "integer",
        Some(name) => name == kind,
        None => false,
    };
    let is_listed = list("enum").any(|value| value.is_string()) && kind == "string";
    is_named || is_listed || list("anyOf").any(|it| takes(it, whole, kind))
}

/// What the parser makes of a value: nothing is wrong with it, its type is, or only the value.
#[derive(Debug, PartialEq)]
enum Read {
    Fine,
    OfWrongType(String),
    Wrong,
}

fn read(table: &str, name: &str, sample: &str) -> Read {
    // A route names its models above.
    let table = match name {
        "models" => table.lines().next().unwrap_or_default(),
        _ => table,
    };
    let text = format!("{table}\n{name} = {sample}\n");
    let Err(wrong) = Config::from_toml_beside(&text, PROGRAM_TABLES) else {
        return Read::Fine;
    };
    let of_type = ["invalid type", "did not match any variant", "must be a "];
    let wrong = wrong.to_string();
    match of_type.iter().any(|it| wrong.contains(it)) {
        true => Read::OfWrongType(wrong),
        false => Read::Wrong,
    }
}

#[test]
fn the_schema_has_the_types_that_the_parser_takes() {
    let home = Home::new();
    let schema: Value = serde_json::from_str(&home.run(&["config", "schema"]).stdout).unwrap();
    let mut differing = Vec::new();
    for (table, place) in TABLES {
        let at = schema.pointer(place).unwrap();
        for (name, property) in at["properties"].as_object().unwrap() {
            if PROGRAM_TABLES.contains(&name.as_str()) {
                continue;
            }
            for (kind, sample) in SAMPLES {
                let read = read(table, name, sample);
                // Quirks are read once the dialect is known, and a table may be written as
                // the list of its values, which nobody is told of.
                let is_lenient =
                    name == "quirks" || (*kind == "array" && takes(property, &schema, "object"));
                let differs = match takes(property, &schema, kind) {
                    true => matches!(read, Read::OfWrongType(_)),
                    false => read == Read::Fine && !is_lenient,
                };
                if differs {
                    differing.push(format!("{table} {name} of the type {kind}: {read:?}"));
                }
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    let keys = &schema["$defs"]["terminal"]["properties"]["keys"]["enum"];
    for named in keys.as_array().unwrap() {
        home.config(&format!("[terminal]\nkeys = {named}\n"));
        assert_eq!(home.run(&["config", "check"]).code, Some(0), "{named}");
    }
}

#[cfg(unix)]
#[test]
fn a_first_file_names_its_schema() {
    let home = Home::new();
    let mut command = home.parlor(&["config", "edit"]);
    let ran = command.env("EDITOR", "/bin/true").output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let folder = home.path().join(".config/parlor");
    let made = std::fs::read_to_string(folder.join("config.toml")).unwrap();
    assert_eq!(made, "#:schema ./config.schema.json\n");
    let schema = std::fs::read_to_string(folder.join("config.schema.json")).unwrap();
    assert_eq!(schema, home.run(&["config", "schema"]).stdout);
}
