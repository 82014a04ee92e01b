//! `cargo xtask record`: exchanges with a provider, recorded by the facade's example of that name.

use std::path::Path;
use std::process::ExitCode;

/// Runs the example with these arguments. Relative folders are those of the caller.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<ExitCode, String> {
    let status = crate::cargo::command()
        .args(["run", "--quiet", "-p", "parlor", "--example", "record"])
        .args(["--features", "rustls,all-providers", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--")
        .args(arguments)
        .status()
        .map_err(|error| format!("cargo can't be run: {error}"))?;
    match status.success() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}
