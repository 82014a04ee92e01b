//! The scripts that do the checks, and what each needs.

use std::path::Path;
use std::process::Command;

use crate::cargo::output;
use crate::counterparts::Folder;

/// A script of `xtask/clients/`, with the clients that it does the checks with.
pub(super) struct Script {
    /// Also the folder's where its clients are installed, behind `clients-`.
    pub(super) name: &'static str,
    file: &'static str,
    /// Whether it is a part of the fast run.
    pub(super) is_fast: bool,
    /// Whether it is asked of servers that are no script either.
    pub(super) is_official: bool,
    /// Installs its clients, and says what runs the script.
    set_up: fn(&Folder, &Path) -> Result<Command, String>,
}

const PROGRAMS: Script = Script {
    name: "",
    file: "programs.py",
    is_fast: false,
    is_official: false,
    set_up: |_, _| Err("it has no program".to_owned()),
};

pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: CURL,
        file: "curl.sh",
        is_fast: true,
        is_official: false,
        set_up: |_, script| {
            output(Command::new("curl").arg("--version"))?;
            let mut bash = Command::new("bash");
            bash.arg(script);
            Ok(bash)
        },
    },
    Script {
        name: "python",
        file: "python.py",
        is_fast: true,
        is_official: true,
        set_up: |folder, script| {
            let packages = [
                "openai==3.52.0",
                "anthropic==2.11.0",
                "google-genai==2.34.0",
                "ollama==0.6.3",
            ];
            python(folder, &packages, script)
        },
    },
    Script {
        name: "node",
        file: "node.mjs",
        is_fast: true,
        is_official: true,
        set_up: |folder, script| {
            let packages = [
                "openai@6.49.0",
                "@anthropic-ai/sdk@1.12.0",
                "@google/genai@2.32.0",
                "ollama@0.6.4",
            ];
            node(folder, &packages, script)
        },
    },
    Script {
        name: "langchain",
        file: "langchain.py",
        is_fast: false,
        is_official: false,
        set_up: |folder, script| {
            let packages = [
                "langchain-openai==1.7.3",
                "langchain-anthropic==1.7.7",
                "langchain-google-genai==4.4.2",
                "langchain-ollama==1.1.0",
            ];
            python(folder, &packages, script)
        },
    },
    Script {
        name: "ai",
        file: "ai.mjs",
        is_fast: false,
        is_official: false,
        set_up: |folder, script| {
            let packages = [
                "ai@7.0.173",
                "@ai-sdk/openai@4.0.118",
                "@ai-sdk/anthropic@4.0.105",
                "@ai-sdk/google@4.0.121",
                "@ai-sdk/openai-compatible@3.0.92",
                "zod@4.6.7",
            ];
            node(folder, &packages, script)
        },
    },
    Script {
        name: "llm",
        set_up: |folder, script| {
            folder.pip(&["llm==0.36"], &[], &[])?;
            let python = folder.file("venv/bin/python");
            program("llm", &format!("{}\n-m\nllm", python.display()), script)
        },
        ..PROGRAMS
    },
    Script {
        name: "aichat",
        set_up: |folder, script| {
            folder.cargo("aichat@0.30.0")?;
            let aichat = folder.file("bin/aichat");
            program("aichat", &aichat.to_string_lossy(), script)
        },
        ..PROGRAMS
    },
    Script {
        name: "codex",
        set_up: |folder, script| {
            folder.npm(&["@openai/codex@0.169.0"])?;
            let codex = folder.file("node_modules/.bin/codex");
            program("codex", &codex.to_string_lossy(), script)
        },
        ..PROGRAMS
    },
    Script {
        name: "claude",
        set_up: |folder, script| {
            // The program itself, which the other package's script would put in its place.
            folder.npm(&["@anthropic-ai/claude-code-linux-x64@2.1.330"])?;
            let claude = folder.file("node_modules/@anthropic-ai/claude-code-linux-x64/claude");
            program("claude", &claude.to_string_lossy(), script)
        },
        ..PROGRAMS
    },
    Script {
        name: "gemini-cli",
        set_up: |folder, script| {
            folder.npm(&["@google/gemini-cli@0.61.0"])?;
            let gemini = folder.file("node_modules/.bin/gemini");
            program("gemini-cli", &gemini.to_string_lossy(), script)
        },
        ..PROGRAMS
    },
];

pub(super) const CURL: &str = "curl";

fn python(folder: &Folder, packages: &[&str], script: &Path) -> Result<Command, String> {
    folder.pip(packages, &[], &[])?;
    let mut python = Command::new(folder.file("venv/bin/python"));
    python.arg(script);
    Ok(python)
}

fn node(folder: &Folder, packages: &[&str], script: &Path) -> Result<Command, String> {
    folder.npm(packages)?;
    let mut node = Command::new("node");
    node.arg(script);
    Ok(node)
}

/// How the script for programs is run; where a program takes several words, a line each.
fn program(name: &str, words: &str, script: &Path) -> Result<Command, String> {
    let mut python = Command::new("python3");
    python.arg(script).args([name, words]);
    Ok(python)
}

impl Script {
    /// What runs it, its clients being installed in this folder, within so many seconds if any are
    /// named. They are found from there.
    pub(super) fn command(
        &self,
        root: &Path,
        installed: &Path,
        within: Option<u32>,
    ) -> Result<Command, String> {
        let mut folder = Folder::open(installed, &format!("clients-{}", self.name))?;
        folder.within = within;
        let script = root.join("xtask/clients").join(self.file);
        let mut command = (self.set_up)(&folder, &script)?;
        command.current_dir(&folder.path);
        Ok(command)
    }
}
