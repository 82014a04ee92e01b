//! The lower floors do no I/O: nothing they depend on does.

use super::{Report, Rule};
use crate::cargo;
use crate::tree::Tree;

pub(super) const RULE: Rule = Rule {
    name: "purity",
    caption: "the core and the dialects pull in no runtime, no sockets and no TLS",
    check,
};

/// Crates whose whole dependency tree is free of I/O, whatever features are on.
const PURE: &[&str] = &["parlor-core", "parlor-dialect"];

/// What gives I/O away.
const IO: &[&str] = &[
    "async-io",
    "async-std",
    "axum",
    "curl",
    "h2",
    "hyper",
    "hyper-util",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "polling",
    "quinn",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-util",
    "ureq",
];

fn check(tree: &Tree, report: &mut Report) {
    for name in PURE {
        let manifest = format!("crates/{name}/Cargo.toml");
        match cargo::dependency_tree(&tree.root, name, &["--all-features"]) {
            Ok(crates) => judge(name, &manifest, crates.iter().map(String::as_str), report),
            Err(error) => report.fail(manifest, 1, error, "cargo tree must work"),
        }
    }
}

fn judge<'a>(
    name: &str,
    manifest: &str,
    crates: impl Iterator<Item = &'a str>,
    report: &mut Report,
) {
    for found in crates {
        let bare = found.split(' ').next().unwrap_or(found);
        if IO.contains(&bare) {
            report.fail(
                manifest,
                1,
                format!("{name} pulls in {found}"),
                format!("see `cargo tree -p {name} -i {bare}`; I/O belongs to floor 3 and above"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_in_the_tree_fails_and_its_name_in_another_does_not() {
        let crates = ["serde v1.0.0", "tokio-stream v0.1.0", "tokio v1.0.0"];
        let mut report = Report::default();
        judge("a", "a/Cargo.toml", crates.into_iter(), &mut report);
        assert_eq!(report.failures.len(), 1);
        assert_eq!(report.failures[0].problem, "a pulls in tokio v1.0.0");
    }
}
