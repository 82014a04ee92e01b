//! Gateways that others wrote, each installed from its registry in a folder of its own.

use crate::litellm;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where they are installed, and stay.
pub(crate) struct Peers {
    folder: PathBuf,
}

/// Releases of its server library after these answer every stream with 500.
const PORTKEY: &str = r#"{
  "private": true,
  "dependencies": { "@portkey-ai/gateway": "1.15.2" },
  "overrides": { "hono": "4.6.10", "@hono/node-server": "1.3.3" }
}
"#;

impl Peers {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(crate) fn litellm(&self) -> Result<PathBuf, String> {
        self.python("litellm", &litellm::package())
    }

    pub(crate) fn smg(&self) -> Result<PathBuf, String> {
        self.python("smg", "smg==1.13.0")
    }

    /// The script that node runs.
    pub(crate) fn portkey(&self) -> Result<PathBuf, String> {
        let folder = self.folder.join("portkey");
        let script = folder.join("node_modules/@portkey-ai/gateway/build/start-server.js");
        if !script.exists() {
            made(&folder)?;
            let file = folder.join("package.json");
            fs::write(&file, PORTKEY).map_err(|error| format!("{}: {error}", file.display()))?;
            let options = ["install", "--no-audit", "--no-fund", "--ignore-scripts"];
            run(Command::new("npm").args(options).current_dir(&folder))?;
        }
        Ok(script)
    }

    /// The program of this name that a package of PyPI brings.
    fn python(&self, name: &str, package: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        let program = folder.join("bin").join(name);
        if !program.exists() {
            made(&self.folder)?;
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            let pip = folder.join("bin/pip");
            run(Command::new(pip).args(["install", "--quiet", package]))?;
        }
        Ok(program)
    }
}

fn made(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    eprintln!("{command:?}");
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{name} couldn't install it")),
        Err(error) => Err(format!("{name} is not there: {error}")),
    }
}
