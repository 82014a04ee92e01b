//! Servers that others wrote, started on this machine, and the conformance suite against them.
//!
//! Each server is installed once, in a folder of its own below the target folder, at the version
//! that is written here; it listens on the loopback interface alone and is stopped at the end,
//! however that comes. What the servers are given to run with lies in `xtask/counterparts/`. The
//! suite is the test `counterparts` of the facade, which finds the servers by the variables
//! `PARLOR_COUNTERPART_…_URL`.

mod folder;
mod litellm;
mod running;
mod servers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) use folder::Folder;
pub(crate) use running::{Running, SetUp, free_port};
use servers::{BY_DEFAULT, SERVERS, Server};

/// The key that every server takes.
pub(crate) const KEY: &str = "sk-counterpart";

/// Starts these servers, or those that are quick to install, and runs the suite against them.
pub(crate) fn run(root: &Path, names: &[&str]) -> Result<ExitCode, String> {
    let names = if names.is_empty() { BY_DEFAULT } else { names };
    let wanted = names
        .iter()
        .map(|name| find(name))
        .collect::<Result<Vec<_>, _>>()?;

    let mut site = Site::new(root);
    for server in &wanted {
        site.start(server)?;
    }

    let mut suite = crate::cargo::command();
    suite
        .args(["test", "--quiet", "--package", "parlor"])
        .args(["--features", "all-providers", "--test", "counterparts"])
        .args(["--", "--nocapture", "--test-threads=1"])
        .current_dir(root)
        .env("PARLOR_COUNTERPART_KEY", KEY)
        .env("RUST_BACKTRACE", "0");
    for server in &wanted {
        suite.env(server.variable, site.url(server.name)?);
    }
    let status = suite
        .status()
        .map_err(|error| format!("cargo can't be run: {error}"))?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn find(name: &str) -> Result<&'static Server, String> {
    SERVERS
        .iter()
        .find(|server| server.name == name)
        .ok_or_else(|| {
            let known: Vec<&str> = SERVERS.iter().map(|server| server.name).collect();
            format!("no server is named {name}; there are {}", known.join(", "))
        })
}

pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it))
}

/// The servers of one run.
pub(crate) struct Site {
    /// What lies in the tree for them.
    data: PathBuf,
    /// Where they are installed.
    folder: PathBuf,
    running: Vec<(&'static str, Running)>,
}

impl Site {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            data: root.join("xtask/counterparts"),
            folder: target(root).join("counterparts"),
            running: Vec::new(),
        }
    }

    /// Starts a server by its name.
    pub(crate) fn start_named(&mut self, name: &str) -> Result<(), String> {
        self.start(find(name)?)
    }

    /// Starts a server, after those that it asks itself.
    fn start(&mut self, server: &'static Server) -> Result<(), String> {
        if self.running.iter().any(|(name, _)| *name == server.name) {
            return Ok(());
        }
        if let Some(behind) = server.behind {
            self.start(find(behind)?)?;
        }
        let folder = Folder::open(&self.folder, server.name)?;
        let set_up = (server.set_up)(&folder, self)?;
        println!("{} {}: starting", server.name, server.version);
        let running = Running::start(set_up, &folder, server.ready, server.patience)?;
        println!("{} {}: {}", server.name, server.version, running.url());
        self.running.push((server.name, running));
        Ok(())
    }

    /// Where a server listens.
    pub(crate) fn url(&self, name: &str) -> Result<&str, String> {
        let found = self.running.iter().find(|(running, _)| *running == name);
        found
            .map(|(_, running)| running.url())
            .ok_or_else(|| format!("{name} isn't running"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = run(Path::new("."), &["nobody"]).unwrap_err();
        assert!(
            error.contains("nobody") && error.contains("aimock"),
            "{error}"
        );
    }

    #[test]
    fn what_runs_by_default_and_what_stands_behind_is_there() {
        let behind = SERVERS.iter().filter_map(|server| server.behind);
        for name in BY_DEFAULT.iter().copied().chain(behind) {
            assert!(find(name).is_ok(), "{name}");
        }
    }
}
