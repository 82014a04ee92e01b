//! The scripts that do the checks, and what each needs.

use std::path::Path;
use std::process::Command;

use crate::cargo::output;
use crate::counterparts::Folder;

/// A script of `xtask/clients/`.
pub(super) struct Script {
    pub(super) name: &'static str,
    file: &'static str,
    /// Whether it needs nothing that is to be installed and is done in seconds.
    pub(super) is_fast: bool,
    /// Installs its clients in a folder of its own, and says what runs it.
    set_up: fn(&Folder) -> Result<Command, String>,
}

pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "curl",
        file: "curl.sh",
        is_fast: true,
        set_up: |_| {
            output(Command::new("curl").arg("--version"))?;
            Ok(Command::new("bash"))
        },
    },
    Script {
        name: "Python",
        file: "python.py",
        is_fast: false,
        set_up: |folder| {
            let packages = [
                "openai==3.52.0",
                "anthropic==2.11.0",
                "google-genai==2.34.0",
                "ollama==0.6.3",
            ];
            folder.pip(&packages, &[], &[])?;
            Ok(Command::new(folder.file("venv/bin/python")))
        },
    },
    Script {
        name: "Node",
        file: "node.mjs",
        is_fast: false,
        set_up: |folder| {
            let packages = [
                "openai@6.49.0",
                "@anthropic-ai/sdk@1.12.0",
                "@google/genai@2.32.0",
                "ollama@0.6.4",
            ];
            folder.npm(&packages)?;
            let mut node = Command::new("node");
            // The packages are found from there.
            node.current_dir(&folder.path);
            Ok(node)
        },
    },
];

impl Script {
    /// What runs it, its clients being installed below this folder.
    pub(super) fn command(&self, root: &Path, installed: &Path) -> Result<Command, String> {
        let stem = self.file.split('.').next().unwrap_or(self.file);
        let folder = match stem {
            "python" => Folder::open(installed, "clients")?,
            _ => Folder::open(installed, &format!("clients-{stem}"))?,
        };
        let mut command = (self.set_up)(&folder)?;
        command.arg(root.join("xtask/clients").join(self.file));
        Ok(command)
    }
}
