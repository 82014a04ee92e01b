//! What can be asked of completion and of the manual.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Common;

pub(super) const EXAMPLES: &str = "\
One line in the shell's start-up file; each Tab asks the program itself, so that models,
conversations and templates are those of the moment:
  bash        echo 'source <(parlor completions bash)' >> ~/.bashrc
  zsh         echo 'source <(parlor completions zsh)' >> ~/.zshrc   (after compinit)
  fish        echo 'parlor completions fish | source' >> ~/.config/fish/config.fish
  elvish      echo 'eval (parlor completions elvish | slurp)' >> ~/.elvish/rc.elv
  powershell  echo 'parlor completions powershell | Out-String | Invoke-Expression' >> $PROFILE

  parlor -m <Tab>             models
  parlor -c=<Tab>             conversations, the newest first
  parlor -t <Tab>             templates
  parlor -t review -p <Tab>   parameters of that template";

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// A shell that completion is known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl Shell {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Elvish => "elvish",
        }
    }
}

/// Where to write the manual's pages.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// A folder that is there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
}
