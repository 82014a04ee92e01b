//! `cargo xtask abilities`: what is said of providers in shared files, made from the code.
//!
//! The feature for all of them is made from the facade's manifest. The table of providers and
//! abilities and the registry's table of known providers are written by the facade's test.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::cargo;

/// The facade's manifest.
pub(crate) const MANIFEST: &str = "crates/parlor/Cargo.toml";
/// The registry's table of known providers.
pub(crate) const KNOWN: &str = "crates/parlor-registry/src/registry/known/table.rs";

/// Writes what is made anew. The facade with every provider is built for it.
pub(crate) fn run(root: &Path) -> Result<ExitCode, String> {
    let failed = |error: std::io::Error| format!("{MANIFEST}: {error}");
    let manifest = fs::read_to_string(root.join(MANIFEST)).map_err(failed)?;
    let whole = with_all_providers(&manifest).ok_or(format!("{MANIFEST} has no all-providers"))?;
    if whole != manifest {
        fs::write(root.join(MANIFEST), whole).map_err(failed)?;
    }
    let status = cargo::command()
        .args([
            "test",
            "--quiet",
            "-p",
            "parlor",
            "--test",
            "abilities",
            "--test",
            "media",
        ])
        .args(["--features", "rustls,all-providers"])
        .env("PARLOR_WRITE_ABILITIES", "1")
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo can't be run: {error}"))?;
    if !status.success() {
        return Err("the tables weren't written".to_owned());
    }
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", KNOWN]).current_dir(root);
    cargo::output(&mut rustfmt)?;
    Ok(ExitCode::SUCCESS)
}

const FIRST: &str = "# The providers, one by one.";
const ALL: &str = "all-providers = [";

/// The facade's manifest with a feature for all providers that names each feature between the
/// comment for them and itself, in their order; none if it isn't made so.
pub(crate) fn with_all_providers(manifest: &str) -> Option<String> {
    let (_, rest) = manifest.split_once(&format!("\n{FIRST}\n"))?;
    let (each, _) = rest.split_once(&format!("\n{ALL}"))?;
    let features = each.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<String> = features
        .filter_map(|line| Some(format!("\"{}\"", line.split_once(" = ")?.0)))
        .collect();
    let old = manifest.lines().find(|line| line.starts_with(ALL))?;
    let new = format!("{ALL}{}]", names.join(", "));
    Some(manifest.replacen(old, &new, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_providers_are_the_features_before_it() {
        let manifest = |all: &str| {
            format!(
                "[features]\nx = []\n{FIRST}\n# One.\na = [\"b\"]\nc-d = []\n# All.\n{ALL}{all}]\n"
            )
        };
        let whole = with_all_providers(&manifest("\"c-d\", \"gone\"")).unwrap();
        assert_eq!(whole, manifest("\"a\", \"c-d\""));
        assert_eq!(with_all_providers("a = []\nall-providers = []\n"), None);
    }
}
