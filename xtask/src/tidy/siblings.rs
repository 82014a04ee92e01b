//! Siblings are isomorphic: who knows one provider or dialect finds the way in all.

use std::collections::BTreeSet;

use super::{Report, Rule};
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "siblings",
    caption: "provider crates have the same files, and so have dialect folders",
    check,
};

const PROVIDER_FILES: &[&str] = &[
    "src/lib.rs",
    "src/config.rs",
    "src/model.rs",
    "src/options.rs",
    "tests/conformance.rs",
];

const DIALECTS: &str = "crates/parlor-dialect/src/";

/// The folder of a dialect is told by the first of these.
const DIALECT_FILES: &[&str] = &[
    "wire.rs",
    "mod.rs",
    "request.rs",
    "response.rs",
    "stream.rs",
    "error.rs",
];

/// The native provider crate in whose `part` folder (`src/`, `tests/`) a file stands.
pub(super) fn provider_of<'a>(providers: &[&'a str], path: &str, part: &str) -> Option<&'a str> {
    let rest = path.strip_prefix("crates/")?;
    providers.iter().copied().find(|name| {
        rest.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| rest.starts_with(part))
    })
}

fn check(tree: &Tree, report: &mut Report) {
    let providers = tree.provider_crates();
    for name in &providers {
        let grown = tree.rust().any(|(path, _)| {
            provider_of(&providers, path, "") == Some(*name) && !path.ends_with("/src/lib.rs")
        });
        if grown {
            require(tree, &format!("crates/{name}/"), PROVIDER_FILES, report);
        }
    }
    let folders: BTreeSet<&str> = tree
        .rust()
        .filter_map(|(path, _)| path.strip_prefix(DIALECTS)?.strip_suffix("/wire.rs"))
        .collect();
    for folder in folders {
        require(tree, &format!("{DIALECTS}{folder}/"), DIALECT_FILES, report);
    }
}

/// Every file must be there; `name.rs` may have grown into `name/mod.rs`.
fn require(tree: &Tree, folder: &str, names: &[&str], report: &mut Report) {
    for name in names {
        let path = format!("{folder}{name}");
        let grown = path.replace(".rs", "/mod.rs");
        if !tree.has(&path) && !tree.has(&grown) {
            report.fail(
                path,
                1,
                "the file is missing, its siblings have it",
                "put there what they keep there",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::{facade, files};

    fn missing(paths: &[String]) -> Vec<String> {
        let list: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let mut tree = files(&list);
        tree.packages.push(facade(&["openai"]));
        report(check, &tree)
            .failures
            .into_iter()
            .map(|finding| finding.path)
            .collect()
    }

    fn within(folder: &str, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("{folder}{name}")).collect()
    }

    #[test]
    fn complete_siblings_hold() {
        assert!(missing(&within("crates/parlor-openai/", PROVIDER_FILES)).is_empty());
        let dialect = format!("{DIALECTS}ollama/");
        assert!(missing(&within(&dialect, DIALECT_FILES)).is_empty());
    }

    #[test]
    fn each_missing_file_is_named() {
        let found = missing(&within(
            "crates/parlor-openai/",
            &["src/lib.rs", "src/model.rs", "tests/conformance.rs"],
        ));
        assert_eq!(
            found,
            [
                "crates/parlor-openai/src/config.rs",
                "crates/parlor-openai/src/options.rs"
            ]
        );
    }

    #[test]
    fn a_bare_crate_may_still_grow() {
        assert!(missing(&within("crates/parlor-openai/", &["src/lib.rs"])).is_empty());
    }

    #[test]
    fn a_file_may_become_a_folder_and_a_shared_folder_is_no_dialect() {
        let dialect = format!("{DIALECTS}ollama/");
        let mut paths = within(&dialect, DIALECT_FILES);
        paths.retain(|path| !path.ends_with("stream.rs"));
        paths.push(format!("{dialect}stream/mod.rs"));
        paths.push(format!("{DIALECTS}shared/mod.rs"));
        assert!(missing(&paths).is_empty());
    }
}
