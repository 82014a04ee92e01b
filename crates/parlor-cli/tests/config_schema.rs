//! The schema of the configuration is what the parser takes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;

use common::Home;
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
            taken.extend(["mcp", "terminal", "tools"].map(str::to_owned));
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
