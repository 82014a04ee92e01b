//! The map names every crate, and every crate is set up alike.

use std::collections::BTreeSet;

use super::{Report, Rule};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "map",
    caption: "crates/README.md names every crate but single providers', and all inherit alike",
    check,
};

const MAP: &str = "crates/README.md";

/// What every manifest takes from the workspace: a section and a line in it.
const INHERITED: &[(&str, &str)] = &[
    ("[package]", "version.workspace = true"),
    ("[package]", "edition.workspace = true"),
    ("[package]", RUST_VERSION),
    ("[package]", "license.workspace = true"),
    ("[lints]", "workspace = true"),
];

const RUST_VERSION: &str = "rust-version.workspace = true";

/// Crates whose libraries want a later compiler than the workspace's: a program and what only
/// programs use.
const LATER: &[&str] = &["parlor-cli", "parlor-server", "parlor-store"];

fn check(tree: &Tree, report: &mut Report) {
    let Some(map) = tree.text(MAP) else {
        report.fail(MAP, 1, "there is no map", "write one");
        return;
    };
    let named = crates_named(map);
    // They stand in the table of abilities, by their features.
    let providers = tree.provider_crates();
    for package in &tree.packages {
        let folder = package.folder();
        let manifest = package.manifest_path.as_str();
        let last = folder.rsplit('/').next().unwrap_or(folder);
        if last != package.name {
            report.fail(
                manifest,
                1,
                format!("the folder {last} holds the crate {}", package.name),
                "give both one name",
            );
        }
        let name = package.name.as_str();
        let is_named = providers.contains(&name) || named.iter().any(|(_, it)| *it == name);
        if folder.starts_with("crates/") && !is_named {
            report.fail(
                MAP,
                1,
                format!("{} is not on the map", package.name),
                "say what stands there and what must never",
            );
        }
        let text = tree.text(manifest).unwrap_or_default();
        for (section, line) in INHERITED {
            let may_differ = *line == RUST_VERSION && LATER.contains(&name);
            if !may_differ && !has_line(text, section, line) {
                report.fail(
                    manifest,
                    1,
                    format!("`{line}` is missing under {section}"),
                    "inherit it from the workspace",
                );
            }
        }
    }
    for (line, name) in named {
        let exists = tree.packages.iter().any(|package| package.name == name);
        if !exists {
            report.fail(
                MAP,
                line,
                format!("{name} is on the map and doesn't exist"),
                "the map shows what is there; take it off",
            );
        }
    }
}

/// The crates a text names, with the line of each first mention: words that begin with `parlor-`,
/// and `parlor` where it stands as code.
fn crates_named(text: &str) -> Vec<(usize, &str)> {
    let mut seen = BTreeSet::new();
    let mut named = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = line
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .map(|word| word.trim_matches('-'))
            .filter(|word| word.starts_with("parlor-"));
        let facade = line.contains("`parlor`").then_some("parlor");
        for word in words.chain(facade) {
            if seen.insert(word) {
                named.push((index + 1, word));
            }
        }
    }
    named
}

fn has_line(manifest: &str, section: &str, wanted: &str) -> bool {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::{files, package};

    const MANIFEST: &str = "[package]\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n";

    fn problems(map: &str, manifest: &str, packages: &[&str]) -> Vec<String> {
        let mut list = vec![(MAP.to_owned(), map.to_owned())];
        for name in packages {
            list.push((format!("crates/{name}/Cargo.toml"), manifest.to_owned()));
        }
        let list: Vec<(&str, &str)> = list
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let mut tree = files(&list);
        tree.packages = packages.iter().map(|name| package(name, &[])).collect();
        report(check, &tree)
            .failures
            .into_iter()
            .map(|finding| finding.problem)
            .collect()
    }

    #[test]
    fn a_true_map_holds() {
        let map = "`parlor` is the door, parlor-core the words; see parlor-core/src.\n";
        let found = problems(map, MANIFEST, &["parlor", "parlor-core"]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_missing_and_a_phantom_crate_fail() {
        let found = problems("parlor-attic\n", MANIFEST, &["parlor-core"]);
        assert_eq!(
            found,
            [
                "parlor-core is not on the map",
                "parlor-attic is on the map and doesn't exist"
            ]
        );
    }

    #[test]
    fn a_folder_bears_its_crate_s_name() {
        let mut odd = package("parlor-core", &[]);
        odd.manifest_path = "crates/core/Cargo.toml".to_owned();
        let mut tree = files(&[(MAP, "parlor-core"), ("crates/core/Cargo.toml", MANIFEST)]);
        tree.packages = vec![odd];
        let report = report(check, &tree);
        assert_eq!(
            report.failures[0].problem,
            "the folder core holds the crate parlor-core"
        );
        assert_eq!(report.failures.len(), 1);
    }

    #[test]
    fn what_is_not_inherited_fails() {
        let own = MANIFEST.replace("edition.workspace = true", "edition = \"2021\"");
        let no_lints = MANIFEST.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(problems("parlor-core", &own, &["parlor-core"]).len(), 1);
        assert_eq!(
            problems("parlor-core", &no_lints, &["parlor-core"]).len(),
            1
        );
    }
}
