//! What is written of the layers, held to what there is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use parlor_layers::ORDER;
use std::fs;
use std::path::Path;

const BEGIN: &str = "//! <!-- layers -->\n";
const END: &str = "//! <!-- end of layers -->\n";

fn source(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap()
}

/// The first sentence of a module's docs.
fn caption(module: &str) -> String {
    let first = module.lines().next().and_then(|it| it.strip_prefix("//! "));
    first.expect("a caption").trim_end_matches('.').to_owned()
}

/// The feature that a line of `source` is under.
fn feature(source: &str, line: &str) -> Option<String> {
    let before = source.split_once(line).expect(line).0;
    let last = before.trim_end().lines().last()?;
    let feature = last.trim().strip_prefix("#[cfg(feature = \"")?;
    Some(feature.split_once('"')?.0.to_owned())
}

fn table() -> String {
    let door = source("lib");
    let mut table =
        String::from("//! | | layer | | feature | configuration |\n//! |---|---|---|---|---|\n");
    for (place, slot) in ORDER.iter().enumerate() {
        let name = slot.name;
        let module = source(name);
        let feature = feature(&door, &format!("pub mod {name};"));
        let feature = feature.map_or_else(String::new, |it| format!("`{it}`"));
        let configuration = [format!("[layers.{name}]"), "[routes.".to_owned()];
        let configuration = match configuration.map(|it| module.contains(&it)) {
            [true, _] => format!("`[layers.{name}]`"),
            [_, true] => "`[routes]`".to_owned(),
            _ => "in code only".to_owned(),
        };
        let (place, caption) = (place + 1, caption(&module));
        table.push_str(&format!(
            "//! | {place} | [`{name}`] | {caption} | {feature} | {configuration} |\n"
        ));
    }
    table
}

/// With `PARLOR_WRITE=1` in the environment the table is written anew.
#[test]
fn the_table_of_layers_is_the_order() {
    let door = source("lib");
    let (before, rest) = door.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("PARLOR_WRITE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        fs::write(path, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "write it anew: PARLOR_WRITE=1 cargo test -p parlor-layers --test docs"
    );
}

#[test]
fn every_layer_says_what_it_does_where() {
    let asked = [
        "Place:",
        "`info()`:",
        "A call:",
        "A stream's opening:",
        "A stream's middle:",
        "A drop:",
    ];
    for slot in ORDER {
        let module = source(slot.name);
        let docs: Vec<_> = module
            .lines()
            .take_while(|it| it.starts_with("//!"))
            .collect();
        let docs = docs.join("\n");
        for asked in asked {
            let point = format!("//! - **{asked}** ");
            assert!(docs.contains(&point), "{}: {asked}", slot.name);
        }
        let mut fences = docs.lines().filter(|it| it.starts_with("//! ```"));
        let example = fences.any(|it| it == "//! ```");
        assert!(example, "{}: no example", slot.name);
        let configured = docs.contains(&format!("\n//! [layers.{}]\n", slot.name));
        if slot.is_configurable() {
            assert!(configured, "{}: no configuration", slot.name);
        }
    }
}

/// What a program without a feature says of its layers is in a table of its own.
#[test]
fn the_layers_of_features_are_known_without_them() {
    let stack = source("stack");
    for slot in ORDER.iter().filter(|slot| slot.is_configurable()) {
        let row = stack
            .lines()
            .find(|it| it.ends_with(&format!("(\"{}\"),", slot.name)));
        if let Some(feature) = feature(&stack, row.expect("a row").trim()) {
            let line = format!("    (\"{}\", \"{feature}\"),\n", slot.name);
            assert!(stack.contains(&line), "add to OF_FEATURES: {line}");
        }
    }
}
