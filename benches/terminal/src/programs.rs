//! The programs, how each is set up, and how it is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use table::build;
use table::upstream::pinned;

/// A program before it is looked for.
pub(crate) struct Known {
    name: &'static str,
    /// The files of its configuration in its home, with `URL` and `MODEL` to be filled in.
    files: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

/// The product's own, for the system it is built on.
const OWN: Known = Known {
    name: "parlor",
    files: &[(
        ".config/parlor/config.toml",
        "[providers.openai]\nbase_url = \"URL/v1\"\napi_key_env = \"KEY\"\n",
    )],
    arguments: &["-m", "openai/MODEL", "--force-model", "Hi"],
};

/// The product's own as the archives for Linux have it: without a C library of the system.
const STATIC: &str = "parlor, static";

pub(crate) const PROGRAMS: &[Known] = &[
    Known {
        name: STATIC,
        ..OWN
    },
    OWN,
    Known {
        name: "aichat",
        files: &[(
            ".config/aichat/config.yaml",
            "model: local:MODEL\nclients:\n- type: openai-compatible\n  name: local\n  \
             api_base: URL/v1\n  api_key: key\n  models:\n  - name: MODEL\n",
        )],
        arguments: &["Hi"],
    },
    Known {
        name: "llm",
        files: &[(
            ".config/io.datasette.llm/extra-openai-models.yaml",
            "- model_id: MODEL\n  model_name: MODEL\n  api_base: URL/v1\n",
        )],
        arguments: &["-m", "MODEL", "--key", "key", "Hi"],
    },
];

/// A program that is there.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    path: PathBuf,
    known: &'static Known,
}

impl Program {
    /// The product's own as it was built, the static one where `PARLOR_STATIC` says, others on the path;
    /// `None`, aloud, where there is none.
    pub(crate) fn find(known: &'static Known) -> Option<Self> {
        let path = match known.name {
            "parlor" => Some(build::program("parlor")).filter(|it| it.exists()),
            STATIC => std::env::var_os("PARLOR_STATIC").map(PathBuf::from),
            name => std::env::split_paths(&std::env::var_os("PATH")?)
                .map(|folder| folder.join(name))
                .find(|it| it.exists()),
        };
        if path.is_none() {
            eprintln!("{} is not there", known.name);
        }
        Some(Self {
            name: known.name,
            path: path?,
            known,
        })
    }

    /// Bytes of the program; `None` of a script.
    pub(crate) fn size(&self) -> Option<u64> {
        let bytes = fs::read(&self.path).ok()?;
        bytes.starts_with(b"\x7fELF").then_some(bytes.len() as u64)
    }

    pub(crate) fn version(&self) -> String {
        let told = Command::new(&self.path).arg("--version").output();
        let told = told.map(|it| it.stdout).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        let version = told.split_whitespace().last().unwrap_or("?");
        version.to_owned()
    }
}

/// A home folder of its own, removed at the end.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(program: &Program, model: &str, url: &str) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("{}: {error}", program.name);
        let home = std::env::temp_dir().join(format!("terminal-{}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        let place = Self(home);
        for (name, text) in program.known.files {
            let file = place.0.join(name);
            fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).map_err(told)?;
            let text = text.replace("URL", url).replace("MODEL", model);
            fs::write(file, text).map_err(told)?;
        }
        Ok(place)
    }

    pub(crate) fn versions(&self, program: &Program) -> Command {
        let mut command = self.command(program);
        command.arg("--version");
        command
    }

    pub(crate) fn asks(&self, program: &Program, model: &str) -> Command {
        let mut command = self.command(program);
        let arguments = program.known.arguments.iter();
        command.args(arguments.map(|it| it.replace("MODEL", model)));
        command
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = pinned(&program.path.to_string_lossy(), 0);
        command
            .env_clear()
            .env("HOME", &self.0)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("KEY", "key")
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .current_dir(&self.0);
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
