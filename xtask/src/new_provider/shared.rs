//! The lines of a provider in files that all providers share.

use std::fs;
use std::path::Path;

use super::PRESETS;
use super::name::Name;
use super::plan::Plan;
use crate::abilities::{KNOWN, MANIFEST, with_all_providers};

const TABLE: &str = "crates/parlor/src/providers.rs";
const MAP: &str = "crates/README.md";

/// Refuses a name that something else has.
pub(super) fn refuse_taken(root: &Path, name: &Name) -> Result<(), String> {
    let id = name.id();
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let known = read(KNOWN)?;
    if id == "echo" || known.contains(&format!("\"{id}\"")) {
        return Err(format!(
            "`{id}` is the id or the alias of a provider already ({KNOWN}); choose another name"
        ));
    }
    let manifest = read(MANIFEST)?;
    if manifest
        .lines()
        .any(|line| line.starts_with(&format!("{id} =")))
    {
        return Err(format!(
            "`{id}` is a feature of the facade already ({MANIFEST}); choose another name"
        ));
    }
    let package = name.package();
    if root.join("crates").join(&package).exists() {
        return Err(format!(
            "crates/{package} exists already; choose another name"
        ));
    }
    Ok(())
}

/// The two lines of a preset: its module and its place in the list.
pub(super) fn preset(root: &Path, name: &Name, plan: &mut Plan) -> Result<(), String> {
    let module = name.module();
    plan.edit(root, &format!("{PRESETS}/mod.rs"), |text| {
        let text = sorted(text, |it| it.starts_with("mod "), &format!("mod {module};"))?;
        let line = format!("    &{module}::PRESET,");
        sorted(&text, |it| it.starts_with("    &"), &line)
    })?;
    made(root, name.id(), "compatible", plan)
}

/// The three lines of a crate: its feature, its dependency and its place in the facade's table.
pub(super) fn native(root: &Path, name: &Name, plan: &mut Plan) -> Result<(), String> {
    let (id, package, module) = (name.id(), name.package(), name.module());
    plan.edit(root, MANIFEST, |text| {
        let feature = format!("{id} = [\"dep:{package}\", \"dep:parlor-http\", \"layers\"]");
        let text = before(text, "compatible = [", &feature)?;
        let like = |it: &&str| it.starts_with("parlor-compatible = ");
        let line = text.lines().find(like)?;
        let line = line.replace("parlor-compatible", &package);
        let optional = |it: &str| it.starts_with("parlor-") && it.contains("optional");
        with_all_providers(&sorted(&text, optional, &line)?)
    })?;
    plan.edit(root, TABLE, |text| {
        let what = name.fill("Acme");
        let row = format!("    \"{id}\" | parlor_{module} as {module} | \"{what}\",");
        let text = before(text, "    \"compatible\" | ", &row)?;
        super::formatted(TABLE, &text).ok()
    })?;
    made(root, id, id, plan)
}

/// What `cargo xtask abilities` makes of a provider as the templates have it, so that all holds
/// before it is run.
fn made(root: &Path, id: &str, feature: &str, plan: &mut Plan) -> Result<(), String> {
    plan.edit(root, KNOWN, |text| {
        let line = format!("    known(\"{id}\", &[], \"{feature}\", &[]),");
        let entries = || text.match_indices("    known(");
        let (at, _) = entries().find(|(at, _)| {
            let known = text.get(*at..).and_then(|it| it.split('"').nth(1));
            known.is_some_and(|known| known > id || known == "openai-compatible")
        })?;
        // A long name breaks the line.
        super::formatted(KNOWN, &insert(text, at, &line)?).ok()
    })?;
    plan.edit(root, MAP, |text| row(text, id, feature))
}

/// The table of abilities with a provider as the templates make it: a host of which nothing is
/// said. `cargo xtask abilities` puts in what the code says later on.
fn row(map: &str, id: &str, feature: &str) -> Option<String> {
    let cells =
        "|  | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes | – |";
    let (head, table) = map.split_once("<!-- abilities:")?;
    let others = |it: &str| it.starts_with("| `") && !it.starts_with("| `openai-compatible`");
    let table = sorted(table, others, &format!("| `{id}` | `{feature}` {cells}"))?;
    Some(format!("{head}<!-- abilities:{table}"))
}

/// The text with lines put in before the first line that begins so.
fn before(text: &str, begin: &str, lines: &str) -> Option<String> {
    let at = match text.starts_with(begin) {
        true => 0,
        false => text.find(&format!("\n{begin}"))? + 1,
    };
    insert(text, at, lines)
}

/// The text with a line put where it belongs by the alphabet among its neighbours: before the
/// first of them that is greater, or after the last.
fn sorted(text: &str, neighbour: impl Fn(&str) -> bool, line: &str) -> Option<String> {
    let mut at = 0;
    let mut after_last = None;
    for known in text.split_inclusive('\n') {
        if neighbour(known) {
            if known > line {
                return insert(text, at, line);
            }
            after_last = Some(at + known.len());
        }
        at += known.len();
    }
    insert(text, after_last?, line)
}

fn insert(text: &str, at: usize, lines: &str) -> Option<String> {
    let (head, tail) = text.split_at_checked(at)?;
    Some(format!("{head}{lines}\n{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_where_the_alphabet_has_it() {
        let module = |it: &str| it.starts_with("mod ");
        let text = "x\nmod a;\nmod c;\n\ny\n";
        assert_eq!(
            sorted(text, module, "mod b;").unwrap(),
            "x\nmod a;\nmod b;\nmod c;\n\ny\n"
        );
        assert_eq!(
            sorted(text, module, "mod d;").unwrap(),
            "x\nmod a;\nmod c;\nmod d;\n\ny\n"
        );
        assert_eq!(sorted("x\n", module, "mod d;"), None);
    }

    #[test]
    fn lines_go_before_a_line_that_begins_so() {
        assert_eq!(before("a\nb c\n", "b", "x\ny").unwrap(), "a\nx\ny\nb c\n");
        assert_eq!(before("a\n", "b", "x"), None);
    }
}
