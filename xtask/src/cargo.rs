//! What cargo knows about the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The parts of `cargo metadata --no-deps` that the chores read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// One crate of the workspace, as its manifest declares it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Absolute as cargo gives it; [`crate::tree::Tree::load`] makes it relative to the root.
    pub(crate) manifest_path: String,
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// One declared dependency, optional ones and those of other targets included.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// Reads the workspace's manifests. Downloads nothing.
pub(crate) fn metadata(root: &Path) -> Result<Metadata, String> {
    let json = run(
        root,
        &["metadata", "--format-version", "1", "--no-deps", "--locked"],
    )?;
    serde_json::from_str(&json).map_err(|error| format!("cargo metadata: {error}"))
}

/// Names and versions of the crates that `package` pulls in on this host, itself included.
///
/// `arguments` selects features. Development and build dependencies don't count; the crates that
/// a procedural macro needs do, since they are built too.
pub(crate) fn dependency_tree(
    root: &Path,
    package: &str,
    arguments: &[&str],
) -> Result<BTreeSet<String>, String> {
    let mut line = vec![
        "tree", "--locked", "-e", "normal", "--prefix", "none", "-p", package,
    ];
    line.extend_from_slice(arguments);
    Ok(read_tree(&run(root, &line)?))
}

/// Reads what `cargo tree --prefix none` prints: `name vX.Y.Z (extras)`, repeats marked `(*)`.
fn read_tree(printed: &str) -> BTreeSet<String> {
    printed
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            let version = words.next()?;
            Some(format!("{name} {version}"))
        })
        .collect()
}

fn run(root: &Path, arguments: &[&str]) -> Result<String, String> {
    output(command().args(arguments).current_dir(root))
}

/// The cargo that runs this program, without what it told this program of itself: build scripts look
/// at the same variables, and would run again with all that depends on them.
pub(crate) fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        if (name.to_str()).is_some_and(|name| told.iter().any(|it| name.starts_with(it))) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command and gives its standard output; a failure carries what it said.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name} can't be run: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name} failed: {}", said.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_counts_each_crate_once() {
        let printed = "a v1.0.0 (here)\nb v2.0.0\nb v2.0.0 (*)\n\nb v3.0.0 (proc-macro)\n";
        let tree = read_tree(printed);
        assert_eq!(
            tree.into_iter().collect::<Vec<_>>(),
            ["a v1.0.0", "b v2.0.0", "b v3.0.0"]
        );
    }

    #[test]
    fn metadata_tells_the_kinds_of_dependency_apart() {
        let json = r#"{"packages":[{"name":"a","manifest_path":"/x/a/Cargo.toml","features":{},
            "dependencies":[{"name":"b","kind":null},{"name":"c","kind":"dev"}]}]}"#;
        let metadata: Metadata = serde_json::from_str(json).unwrap();
        let kinds: Vec<bool> = metadata.packages[0]
            .dependencies
            .iter()
            .map(Dependency::is_dev)
            .collect();
        assert_eq!(kinds, [false, true]);
    }
}
