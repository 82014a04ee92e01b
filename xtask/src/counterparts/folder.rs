//! A server's own folder, and what is installed in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::output;

/// The folder of one server. It stays from run to run.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    /// How many seconds installing may take, where that has a limit.
    pub(crate) within: Option<u32>,
}

impl Folder {
    /// The folder of this name, made where there is none.
    pub(crate) fn open(parent: &Path, name: &str) -> Result<Self, String> {
        let path = parent.join(name);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, within: None })
    }

    /// The path of a file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Installs packages from npm, each with its version after an `@`; their scripts don't run.
    pub(crate) fn npm(&self, packages: &[&str]) -> Result<(), String> {
        self.once(&packages.join(" "), || {
            let options = ["--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
            let mut npm = self.bounded("npm".as_ref());
            npm.args(["install", "--loglevel=error", "--prefix"])
                .arg(&self.path)
                .args(options)
                .args(packages);
            output(&mut npm).map(drop)
        })
    }

    /// Installs packages from PyPI in an environment of their own; `more` are options for pip.
    pub(crate) fn pip(
        &self,
        packages: &[&str],
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<(), String> {
        self.once(&packages.join(" "), || {
            let environment = self.file("venv");
            output(
                Command::new("python3")
                    .args(["-m", "venv"])
                    .arg(&environment),
            )?;
            let mut pip = self.bounded(&environment.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check"])
                .args(more)
                .args(packages)
                .envs(variables.iter().copied());
            output(&mut pip).map(drop)
        })
    }

    /// Installs a program from crates.io, with its version after an `@`.
    pub(crate) fn cargo(&self, package: &str) -> Result<(), String> {
        self.once(package, || {
            let mut cargo = self.bounded("cargo".as_ref());
            cargo
                .args(["install", "--quiet", "--locked", package, "--root"])
                .arg(&self.path)
                // Nothing of it is of use among what the workspace builds.
                .env_remove("CARGO_TARGET_DIR");
            output(&mut cargo).map(drop)
        })
    }

    /// A program that ends when its time is over.
    fn bounded(&self, program: &Path) -> Command {
        match self.within {
            None => Command::new(program),
            Some(seconds) => {
                let mut command = Command::new("timeout");
                command.arg(seconds.to_string()).arg(program);
                command
            }
        }
    }

    /// Does what makes the folder hold `what`, unless it was done before.
    fn once(&self, what: &str, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let stamp = self.file("installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == what) {
            return Ok(());
        }
        println!("installing {what}");
        install()?;
        fs::write(&stamp, what).map_err(|error| format!("{}: {error}", stamp.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_stays_until_the_version_changes() {
        let parent = std::env::temp_dir().join(format!("parlor-xtask-{}", std::process::id()));
        let mut times = 0;
        for what in ["a@1", "a@1", "a@2"] {
            let folder = Folder::open(&parent, "server").unwrap();
            let installed = folder.once(what, || {
                times += 1;
                Ok(())
            });
            installed.unwrap();
        }
        let folder = Folder::open(&parent, "server").unwrap();
        assert!(folder.once("a@3", || Err("no network".to_owned())).is_err());
        assert_eq!(fs::read_to_string(folder.file("installed")).unwrap(), "a@2");
        assert_eq!(times, 2);
        fs::remove_dir_all(&parent).unwrap();
    }
}
