//! Files and crates keep to their number of lines.

use std::collections::BTreeMap;

use super::{Report, Rule, siblings, vendors};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "budgets",
    caption: "source files, presets and provider crates keep to their number of lines",
    check,
};

/// Above this a source file wants a reason.
const FILE_WARNS: usize = 400;
/// Above this a source file must be split. Tests count likewise.
const FILE_FAILS: usize = 600;
/// A vendor's file in `parlor-compatible`.
const PRESET: usize = 60;
/// The lines of code of a native provider, beside its dialect: documentation and blank lines are
/// free, since every item wants an example.
const PROVIDER: usize = 600;

const PRESETS: &str = "crates/parlor-compatible/src/";

fn check(tree: &Tree, report: &mut Report) {
    let known = tree.provider_crates();
    let mut providers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (path, text) in tree.rust() {
        let lines = text.lines().count();
        if lines > FILE_FAILS {
            report.fail(
                path,
                FILE_FAILS,
                format!("{lines} lines, the limit is {FILE_FAILS}"),
                "split it where the subject changes",
            );
        } else if lines > FILE_WARNS {
            report.warn(
                path,
                FILE_WARNS,
                format!("{lines} lines"),
                format!("above {FILE_WARNS} a file wants a reason"),
            );
        }
        if is_preset(path) && lines > PRESET {
            report.fail(
                path,
                PRESET,
                format!("a preset of {lines} lines, the limit is {PRESET}"),
                "move what is not data into the shared part, or give the vendor its own crate",
            );
        }
        if let Some(name) = siblings::provider_of(&known, path, "src/") {
            let folder = own_folder(tree, path).unwrap_or_default();
            *providers.entry((name, folder)).or_default() += text.lines().filter(is_code).count();
        }
    }
    for ((name, folder), lines) in providers {
        if lines > PROVIDER {
            let place = match folder {
                "" => format!("crates/{name}/src/lib.rs"),
                folder => format!("{folder}mod.rs"),
            };
            report.fail(
                place,
                1,
                format!("{name} has {lines} lines of code, the limit is {PROVIDER}"),
                "move what other providers need too down a floor",
            );
        }
    }
}

/// Whether a line is more than a comment.
fn is_code(line: &&str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

/// The folder of a second provider in a crate that a file stands in: one with its own `config.rs`.
fn own_folder<'a>(tree: &Tree, path: &'a str) -> Option<&'a str> {
    let (at, _) = path.match_indices('/').nth(3)?;
    let folder = path.get(..=at)?;
    tree.text(&format!("{folder}config.rs")).map(|_| folder)
}

/// A file of the presets' crate that stands among the presets or bears a vendor's name.
fn is_preset(path: &str) -> bool {
    let file = path
        .strip_prefix(PRESETS)
        .and_then(|rest| rest.strip_suffix(".rs"));
    file.is_some_and(|file| match file.strip_prefix("presets/") {
        Some(stem) => stem != "mod",
        None => vendors::is_vendor(file.rsplit('/').next().unwrap_or(file)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::{facade, files};

    fn counts(path: &str, lines: usize) -> (usize, usize) {
        let text = "x\n".repeat(lines);
        let report = report(check, &files(&[(path, &text)]));
        (report.failures.len(), report.warnings.len())
    }

    #[test]
    fn a_file_warns_and_then_fails() {
        let path = "crates/parlor-core/src/a.rs";
        assert_eq!(counts(path, FILE_WARNS), (0, 0));
        assert_eq!(counts(path, FILE_WARNS + 1), (0, 1));
        assert_eq!(counts(path, FILE_FAILS), (0, 1));
        assert_eq!(counts(path, FILE_FAILS + 1), (1, 0));
        assert_eq!(counts("crates/parlor-core/README.md", 9000), (0, 0));
    }

    #[test]
    fn a_preset_is_small_and_the_shared_part_is_not_a_preset() {
        let deepseek = "crates/parlor-compatible/src/deepseek.rs";
        assert_eq!(counts(deepseek, PRESET), (0, 0));
        assert_eq!(counts(deepseek, PRESET + 1), (1, 0));
        let in_folder = "crates/parlor-compatible/src/presets/lm_studio.rs";
        assert_eq!(counts(in_folder, PRESET + 1), (1, 0));
        let new = "crates/parlor-compatible/src/presets/nobody_knows_it.rs";
        assert_eq!(counts(new, PRESET + 1), (1, 0));
        let list = "crates/parlor-compatible/src/presets/mod.rs";
        assert_eq!(counts(list, PRESET + 1), (0, 0));
        let shared = "crates/parlor-compatible/src/preset.rs";
        assert_eq!(counts(shared, PRESET + 1), (0, 0));
    }

    fn failures(list: &[(&str, &str)]) -> usize {
        let mut tree = files(list);
        tree.packages.push(facade(&["openai", "gemini"]));
        report(check, &tree).failures.len()
    }

    #[test]
    fn a_provider_counts_all_its_source_and_no_tests() {
        let half = "x\n".repeat(PROVIDER / 2 + 1);
        let source = [
            ("crates/parlor-openai/src/config.rs", half.as_str()),
            ("crates/parlor-openai/src/model.rs", half.as_str()),
        ];
        assert_eq!(failures(&source), 1);
        let tests = [
            ("crates/parlor-openai/src/config.rs", half.as_str()),
            ("crates/parlor-openai/tests/model.rs", half.as_str()),
        ];
        assert_eq!(failures(&tests), 0);
    }

    #[test]
    fn documentation_is_free_and_a_second_provider_counts_for_itself() {
        let half = "x\n".repeat(PROVIDER / 2 + 1);
        let documented = half.clone() + &"/// x\n\n    // x\n".repeat(PROVIDER);
        let with = |second: &str| {
            let source = [
                ("crates/parlor-gemini/src/config.rs", half.as_str()),
                (second, documented.as_str()),
            ];
            failures(&source)
        };
        assert_eq!(with("crates/parlor-gemini/src/files/mod.rs"), 2);
        assert_eq!(with("crates/parlor-gemini/src/vertex/config.rs"), 1);
    }
}
