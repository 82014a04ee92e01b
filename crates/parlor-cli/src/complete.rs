//! Completion in the shell: what may stand where the cursor is.
//!
//! The script of [`registration`] has the shell run the program with [`VARIABLE`]
//! set and the words typed so far as arguments; what it prints is offered. Nothing
//! is asked of anybody, and nothing is made.

mod bash;

use std::ffi::{OsStr, OsString};
use std::io;

use clap::Command;
use clap::builder::StyledStr;
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Elvish, Fish, Powershell, Shells, Zsh};
use parlor::PROVIDERS;
use parlor::agent::ConversationStore as _;

use crate::args::{self, Shell};
use crate::environment::env;
use crate::failure::Failure;
use crate::keeper::{self, Shelf};
use crate::tools::{ALL, ToolSettings};
use crate::{commands, setup, template, terminal};

/// Set by the shell where it asks for completions, to its name. The usual `COMPLETE`
/// may stand in an environment for any other reason.
const VARIABLE: &str = "PARLOR_COMPLETE";

/// The program's name, as shells know it.
const NAME: &str = "parlor";

/// The most conversations that are offered: the newest.
const CONVERSATIONS: u32 = 50;

/// How the script for zsh offers words, and how it offers those that wait for more, as the
/// name of a parameter does: without a blank after them.
const ZSH_OFFERS: &str = "[[ -n $other ]] && _describe -V 'values' other";
const ZSH_OFFERS_OPEN: &str = r#"local -a open=(${(M)other:#*=(|:*)})
        other=(${other:#*=(|:*)})
        [[ -n $open ]] && _describe -V 'values' open -S ''
        [[ -n $other ]] && _describe -V 'values' other"#;

/// The shells that are known.
const SHELLS: Shells<'static> = Shells(&[&bash::Bash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Answers the shell, where it is the shell that asks.
pub(crate) fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let here = std::env::current_dir().ok();
    let answer = CompleteEnv::with_factory(args::completed)
        .var(VARIABLE)
        .shells(SHELLS)
        .try_complete(std::env::args_os(), here.as_deref());
    // In the middle of a line nobody can be told what is wrong.
    answer.unwrap_or(true)
}

/// The script that has a shell ask this program.
pub(crate) fn registration(shell: Shell) -> io::Result<String> {
    let mut script = Vec::new();
    if let Some(shell) = SHELLS.completer(shell.name()) {
        shell.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    }
    let script = String::from_utf8_lossy(&script).replace(ZSH_OFFERS, ZSH_OFFERS_OPEN);
    Ok(script.trim_start().to_owned())
}

/// Models: those that are in use, else any that begins so.
pub(crate) fn models(typed: &OsStr) -> Vec<CompletionCandidate> {
    offered(typed, |typed| {
        let registry = setup::registry(None)?;
        let words = commands::models_that_begin(&registry, typed);
        let words = words.into_iter().map(|word| (word.text, word.about));
        Ok(words.collect())
    })
}

/// Conversations by their ids, the newest first.
pub(crate) fn conversations(typed: &OsStr) -> Vec<CompletionCandidate> {
    // A store that isn't there is not made for this.
    if !keeper::path(&env()).is_some_and(|path| path.is_file()) {
        return Vec::new();
    }
    let kept = || -> Result<_, Failure> {
        let shelf = Shelf::default();
        let list = async { shelf.store().await?.list(CONVERSATIONS, 0).await };
        let infos = setup::runtime()?.block_on(list)?;
        let infos = infos.into_iter().map(|info| (info.id, info.title));
        Ok(infos.collect())
    };
    offered(typed, |_| kept())
}

/// Templates by their names, with what they are for.
pub(crate) fn templates(typed: &OsStr) -> Vec<CompletionCandidate> {
    let about = |name: &String| Some(template::load(name).ok()?.description?.trim().to_owned());
    offered(typed, |typed| {
        let names = template::names().into_iter();
        let names = names.filter(|name| name.starts_with(typed));
        Ok(names
            .map(|name| (name.clone(), about(&name).unwrap_or_default()))
            .collect())
    })
}

/// Parameters of the template that is named on the line.
pub(crate) fn parameters(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(named) = named_template(std::env::args_os()) else {
        return Vec::new();
    };
    offered(typed, |_| {
        let template = template::load(&named)?;
        let parameters = template.parameters().map(|it| {
            let about = it.description.clone();
            let about = about.unwrap_or_else(|| template::kind(it.kind).to_owned());
            (format!("{}=", it.name), about)
        });
        Ok(parameters.collect())
    })
}

/// Providers by their names.
pub(crate) fn providers(typed: &OsStr) -> Vec<CompletionCandidate> {
    let all = PROVIDERS.iter().flat_map(|providers| providers.iter());
    let all = all.map(|it| {
        let descriptor = it.descriptor();
        (descriptor.id.to_owned(), descriptor.name.to_owned())
    });
    offered(typed, |_| Ok(all.collect()))
}

/// Tools that may be turned on, by their names: built in, programs, servers.
pub(crate) fn tools(typed: &OsStr) -> Vec<CompletionCandidate> {
    offered(typed, |_| {
        let settings = ToolSettings::load(None, &env())?;
        let names = settings.names().chain([ALL]);
        Ok(names
            .map(|name| (name.to_owned(), settings.about(name)))
            .collect())
    })
}

/// Profiles of the configuration.
pub(crate) fn profiles(typed: &OsStr) -> Vec<CompletionCandidate> {
    offered(typed, |_| Ok(commands::profiles()))
}

/// What can be set in the configuration.
pub(crate) fn settable(typed: &OsStr) -> Vec<CompletionCandidate> {
    offered(typed, |typed| Ok(commands::settable(typed)))
}

/// What is set there.
pub(crate) fn set(typed: &OsStr) -> Vec<CompletionCandidate> {
    offered(typed, |_| Ok(commands::set_paths()))
}

/// How much a model may think.
pub(crate) fn efforts(typed: &OsStr) -> Vec<CompletionCandidate> {
    let words = args::EFFORTS.iter();
    let words = words.map(|word| ((*word).to_owned(), String::new()));
    offered(typed, |_| Ok(words.collect()))
}

/// Those words that go on what is typed, in their order. What fails offers nothing.
fn offered(
    typed: &OsStr,
    words: impl FnOnce(&str) -> Result<Vec<(String, String)>, Failure>,
) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let words = words(typed).unwrap_or_default().into_iter();
    let words = words.filter(|(word, _)| word.starts_with(typed));
    let candidate = |(at, (word, about)): (usize, (String, String))| {
        let about = terminal::printable(&about).replace(['\n', '\t'], " ");
        let help = (!about.is_empty()).then(|| StyledStr::from(about));
        let candidate = CompletionCandidate::new(terminal::printable(&word));
        candidate.help(help).display_order(Some(at))
    };
    words.enumerate().map(candidate).collect()
}

/// The value of `-t` among the words of a line.
fn named_template(words: impl Iterator<Item = OsString>) -> Option<String> {
    let mut words = words.filter_map(|word| word.into_string().ok());
    while let Some(word) = words.next() {
        if word == "-t" || word == "--template" {
            // A shell may have cut `--template=name` in three.
            return words.find(|word| word != "=");
        }
        let attached = word.strip_prefix("--template=");
        if let Some(name) = attached.or_else(|| word.strip_prefix("-t")) {
            return Some(name.trim_start_matches('=').to_owned());
        }
    }
    None
}

/// The tree with the options of the command that is meant where none is named.
pub(crate) fn with_implied(tree: Command, implied: impl FnOnce(Command) -> Command) -> Command {
    // The words of a prompt are nobody's to complete.
    implied(tree).mut_args(|arg| match arg.is_positional() {
        true => arg.hide(true),
        false => arg,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_on_the_line_is_found_however_it_is_written() {
        let of = |line: &str| named_template(line.split(' ').map(OsString::from));
        for line in [
            "x -t review -p",
            "-treview",
            "-t=review",
            "--template review",
        ] {
            assert_eq!(of(line).as_deref(), Some("review"), "{line}");
        }
        assert_eq!(of("--template = review -p").as_deref(), Some("review"));
        assert_eq!(of("--temperature 1"), None);
    }
}
