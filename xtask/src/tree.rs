//! The workspace as the rules see it: its crates and its files, read once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::{self, Package};

/// The workspace, or in tests a small made-up one.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

/// A file that is tracked, or would be by `git add .`.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with `/` on every system.
    pub(crate) path: String,
    pub(crate) bytes: usize,
    /// None for what isn't UTF-8.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads the crates from cargo and the files from git.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let mut packages = cargo::metadata(root)?.packages;
        for package in &mut packages {
            let path = Path::new(&package.manifest_path);
            let relative = path.strip_prefix(root).unwrap_or(path);
            package.manifest_path = with_slashes(relative);
        }
        let listing = cargo::output(
            Command::new("git")
                // A clone owned by another user (a container, a shared runner) is still read.
                .args(["-c", "safe.directory=*", "ls-files", "-z"])
                .args(["--cached", "--others", "--exclude-standard"])
                .current_dir(root),
        )?;
        let mut paths: Vec<&str> = listing
            .split('\0')
            .filter(|path| !path.is_empty())
            .collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            // A tracked file that was just deleted is listed and can't be read.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.push(File {
                    path: path.to_owned(),
                    bytes: bytes.len(),
                    text: String::from_utf8(bytes).ok(),
                });
            }
        }
        Ok(Self {
            root: root.to_owned(),
            packages,
            files,
        })
    }

    /// Rust files with their text.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Every file that is text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts()
            .find(|(known, _)| *known == path)
            .map(|(_, text)| text)
    }

    /// The crates of providers: those that the facade's feature for all of them turns on, but for
    /// the presets' crate, which serves many.
    pub(crate) fn provider_crates(&self) -> Vec<&str> {
        let Some(facade) = self.packages.iter().find(|it| it.name == "parlor") else {
            return Vec::new();
        };
        let turned_on = |feature: &str| facade.features.get(feature).into_iter().flatten();
        turned_on("all-providers")
            .flat_map(|feature| turned_on(feature))
            .filter_map(|item| item.strip_prefix("dep:"))
            .filter(|name| !matches!(*name, "parlor-http" | "parlor-compatible"))
            .collect()
    }

    /// Whether a file stands at this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

impl Package {
    /// The crate's folder, relative to the root.
    pub(crate) fn folder(&self) -> &str {
        self.manifest_path
            .strip_suffix("/Cargo.toml")
            .unwrap_or(&self.manifest_path)
    }
}

fn with_slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Made-up workspaces for the rules' tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::*;
    use crate::cargo::Dependency;

    /// A tree of these files and no crates.
    pub(crate) fn files(files: &[(&str, &str)]) -> Tree {
        Tree {
            files: files
                .iter()
                .map(|(path, text)| File {
                    path: (*path).to_owned(),
                    bytes: text.len(),
                    text: Some((*text).to_owned()),
                })
                .collect(),
            ..Tree::default()
        }
    }

    /// The facade with features for these providers.
    pub(crate) fn facade(providers: &[&str]) -> Package {
        let mut facade = package("parlor", &[]);
        let features = &mut facade.features;
        for name in providers {
            let turned_on = [format!("dep:parlor-{name}"), "dep:parlor-http".to_owned()];
            features.insert((*name).to_owned(), turned_on.to_vec());
        }
        let all = providers.iter().map(|it| (*it).to_owned()).collect();
        features.insert("all-providers".to_owned(), all);
        facade
    }

    /// A crate under `crates/` with these dependencies; `dev:` or `build:` before a name says so.
    pub(crate) fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            manifest_path: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|dependency| match dependency.split_once(':') {
                    Some((kind, name)) => Dependency {
                        name: name.to_owned(),
                        kind: Some(kind.to_owned()),
                    },
                    None => Dependency {
                        name: (*dependency).to_owned(),
                        kind: None,
                    },
                })
                .collect(),
            ..Package::default()
        }
    }
}
