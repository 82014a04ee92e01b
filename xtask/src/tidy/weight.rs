//! A program that talks to one provider stays light.

use super::{Report, Rule};
use crate::cargo;
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "weight",
    caption: "the facade with one provider stays under its number of crates",
    check,
};

const FACADE: &str = "parlor";
/// What a minimal chat over the network turns on.
const FEATURES: &[&str] = &["rustls", "openai"];
/// The tree has fewer crates than this, the workspace's own and procedural macros included.
const LIMIT: usize = 100;

fn check(tree: &Tree, report: &mut Report) {
    let Some(package) = tree.packages.iter().find(|package| package.name == FACADE) else {
        report.note(format!("not measured: there is no crate {FACADE}"));
        return;
    };
    if let Some(missing) = FEATURES
        .iter()
        .find(|feature| !package.features.contains_key(**feature))
    {
        report.note(format!("not measured: {FACADE} has no feature {missing}"));
        return;
    }
    let features = FEATURES.join(",");
    let manifest = package.manifest_path.as_str();
    let selection = ["--no-default-features", "--features", &features];
    match cargo::dependency_tree(&tree.root, FACADE, &selection) {
        Ok(crates) => judge(crates.len(), manifest, report),
        Err(error) => report.fail(manifest, 1, error, "cargo tree must work"),
    }
}

fn judge(crates: usize, manifest: &str, report: &mut Report) {
    let features = FEATURES.join(",");
    report.note(format!("{FACADE} with {features}: {crates} crates"));
    if crates >= LIMIT {
        report.fail(
            manifest,
            1,
            format!("{FACADE} with {features} builds {crates} crates, the limit is {LIMIT}"),
            "see `cargo tree -e normal`; turn off a default feature or drop a dependency",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::report;
    use crate::tree::made_up::package;

    #[test]
    fn the_limit_itself_is_too_many() {
        for (crates, failures) in [(LIMIT - 1, 0), (LIMIT, 1)] {
            let mut report = Report::default();
            judge(crates, "Cargo.toml", &mut report);
            assert_eq!(report.failures.len(), failures);
        }
    }

    #[test]
    fn without_the_features_there_is_a_note() {
        let tree = Tree {
            packages: vec![package(FACADE, &[])],
            ..Tree::default()
        };
        let report = report(check, &tree);
        assert!(report.failures.is_empty());
        assert_eq!(report.notes, ["not measured: parlor has no feature rustls"]);
    }
}
