//! What can be asked for on the command line.

mod answer;
mod batch;
mod chat;
mod completions;
mod config;
mod demo;
mod going;
mod help;
mod history;
mod import;
mod keys;
mod listing;
mod models;
mod serve;
mod template;
mod tools;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::ArgValueCompleter;

use crate::complete;
use crate::failure::Failure;
use crate::pick;
pub(crate) use batch::BatchArgs;
pub(crate) use chat::{ChatArgs, EFFORTS, Form, reasoning, temperature, tokens, top_p};
pub(crate) use going::Trim;
pub(crate) use models::{Ability, ModelsAction, ModelsArgs};
pub(crate) use template::TemplatesArgs;
pub(crate) use tools::ToolArgs;

pub(crate) use completions::{CompletionsArgs, ManArgs, Shell};
pub(crate) use config::{ConfigAction, ConfigArgs};
pub(crate) use demo::DemoArgs;
pub(crate) use history::HistoryArgs;
pub(crate) use import::{From, ImportArgs};
pub(crate) use keys::{KeyOf, KeysAction, KeysArgs, KeysOf, SetKey};
pub(crate) use listing::{ListForm, Listing};
pub(crate) use serve::{LogForm, NewKey, ServeAction, ServeArgs, ServeKeysAction, ServeKeysArgs};

pub(crate) use usage::{UsageArgs, days_from_1970};

/// The words that are commands when they stand first. `help` is clap's own.
const COMMANDS: &[&str] = &[
    "chat",
    "batch",
    "history",
    "keys",
    "config",
    "models",
    "providers",
    "usage",
    "templates",
    "serve",
    "demo",
    "doctor",
    "import",
    "completions",
    "man",
    "help",
];

/// Options of every command, which may stand before its word: those that stand
/// alone, and those with a value.
const SHARED: &[&str] = &["--plain", "--quiet", "-q", "--json"];
const SHARED_WITH_VALUE: &[&str] = &["--config", "--profile", "--env-file", "--output"];

/// Talk to any chat model from the terminal
#[derive(Debug, Parser)]
#[command(
    name = "parlor",
    version,
    override_usage = "parlor [OPTIONS OF CHAT] PROMPT…\n       parlor <COMMAND> [OPTIONS]",
    after_help = help::PROGRAM,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// A command with its options.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a model once; what is piped in is appended to the prompt
    #[command(after_help = help::CHAT)]
    Chat(Box<ChatArgs>),
    /// Ask many questions of a file, and go on where it stopped
    #[command(after_help = help::BATCH)]
    Batch(Box<BatchArgs>),
    /// Pick, list or search the conversations that are kept
    #[command(after_help = help::HISTORY)]
    History(HistoryArgs),
    /// Save keys of providers, list, check and remove them
    #[command(after_help = keys::EXAMPLES)]
    Keys(KeysArgs),
    /// Find, check, edit, read and write the configuration
    #[command(after_help = config::EXAMPLES)]
    Config(ConfigArgs),
    /// List models with context window, price and abilities
    #[command(after_help = help::MODELS)]
    Models(ModelsArgs),
    /// List providers, and whether each has a key
    #[command(after_help = help::PROVIDERS)]
    Providers(ProvidersArgs),
    /// Add up tokens and costs of what is kept, by model or by day
    #[command(after_help = help::USAGE)]
    Usage(UsageArgs),
    /// List the templates with their parameters
    #[command(after_help = help::TEMPLATES)]
    Templates(TemplatesArgs),
    /// Say what is set up, and which model would be asked
    #[command(after_help = help::DOCTOR)]
    Doctor(DoctorArgs),
    /// Serve the models over HTTP, in five dialects and with a page
    #[command(after_help = serve::EXAMPLES)]
    Serve(Box<ServeArgs>),
    /// Show what parlor does, without a key: the answers are scripted
    #[command(after_help = demo::EXAMPLES)]
    Demo(DemoArgs),
    /// Take over settings and conversations of other programs
    #[command(after_help = import::EXAMPLES)]
    Import(ImportArgs),
    /// Print the script that has a shell complete parlor's words
    #[command(after_help = completions::EXAMPLES)]
    Completions(CompletionsArgs),
    /// Write the pages of the manual
    #[command(hide = true)]
    Man(ManArgs),
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// No colours
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    /// Configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Part of the configuration that is laid over the rest (PARLOR_PROFILE)
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        add = ArgValueCompleter::new(complete::profiles)
    )]
    pub(crate) profile: Option<String>,
    /// Variables that aren't set in the environment, as lines NAME=value; no file is read by itself
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) env_file: Option<PathBuf>,
}

impl Command {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Chat(args) => &args.common,
            Self::Batch(args) => &args.common,
            Self::History(args) => &args.common,
            Self::Keys(args) => &args.common,
            Self::Config(args) => &args.common,
            Self::Models(args) => &args.common,
            Self::Providers(args) => &args.common,
            Self::Usage(args) => &args.common,
            Self::Templates(args) => &args.common,
            Self::Doctor(args) => &args.common,
            Self::Serve(args) => &args.common,
            Self::Demo(args) => &args.common,
            Self::Import(args) => &args.common,
            Self::Completions(args) => &args.common,
            Self::Man(args) => &args.common,
        }
    }
}

/// How to list the providers.
#[derive(Debug, Args)]
pub(crate) struct ProvidersArgs {
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// How to report on the setup.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Repair what can be: a file of keys that others can read
    #[arg(long)]
    pub(crate) fix: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// The commands with their options, as the manual tells them.
pub(crate) fn tree() -> clap::Command {
    Cli::command()
}

/// The same as a shell completes it: without a command word, with the options of `chat`.
pub(crate) fn completed() -> clap::Command {
    complete::with_implied(tree(), ChatArgs::augment_args)
}

/// What came of the command line.
pub(crate) enum Parsed {
    /// Help or the version was asked for: this is to be printed, and no more.
    Told(String),
    Command(Command),
}

/// Reads the command line. Does no I/O.
pub(crate) fn parse(mut arguments: Vec<OsString>) -> Result<Parsed, Failure> {
    match command(&arguments) {
        // Help and version are told whatever stands before them.
        Some((at, word)) if word == "help" || word.starts_with('-') => {
            arguments.drain(1..at);
        }
        Some((at, _)) => {
            let word = arguments.remove(at);
            arguments.insert(1, word);
        }
        None => arguments.insert(arguments.len().min(1), "chat".into()),
    }
    let named = arguments.get(1).and_then(|word| word.to_str());
    let named = named.unwrap_or_default().to_owned();
    if named == "chat" {
        unjoined(&arguments)?;
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Parsed::Command(cli.command)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Told(error.render().to_string()))
            }
            _ => Err(misused(&error.render().to_string(), &named)),
        },
    }
}

/// The command that a word is but for a slip.
pub(crate) fn near(word: &str) -> Option<&'static str> {
    let mut commands = COMMANDS.iter().copied();
    commands.find(|command| {
        let same_start = word.chars().next() == command.chars().next();
        same_start && command.len() > 3 && strsim::osa_distance(word, command) == 1
    })
}

/// Whether a word that stands behind an option was meant as its value, which goes by `=`.
/// Asked with the rest it would be of no use, and cost something.
fn unjoined(arguments: &[OsString]) -> Result<(), Failure> {
    let words: Vec<&str> = arguments.iter().map_while(|it| it.to_str()).collect();
    let words = words.iter().take_while(|word| **word != "--");
    let words: Vec<&str> = words.copied().collect();
    let is_number = |word: &str| word.parse::<u64>().is_ok();
    for pair in words.windows(2) {
        let (option, word) = match pair {
            [option @ "--reasoning", word] if EFFORTS.contains(word) || is_number(word) => {
                (*option, *word)
            }
            [option @ ("-c" | "--continue"), word] if pick::WORDS.contains(word) => {
                (*option, *word)
            }
            _ => continue,
        };
        return Err(joined(option, word));
    }
    Ok(())
}

/// That a word was meant as the value of the option before it.
pub(crate) fn joined(option: &str, word: &str) -> Failure {
    let fact = format!("`{word}` would be asked: the value of {option} is joined to it by `=`");
    Failure::usage(fact)
        .help(format!("{option}={word}"))
        .help(format!(
            "or, where it begins the question: {option} \"{word} …\""
        ))
}

/// The command's word and its place, if there is one: the first word after
/// options that every command has.
fn command(arguments: &[OsString]) -> Option<(usize, &str)> {
    let mut at = 1;
    loop {
        let word = arguments.get(at)?.to_str()?;
        let has_value = |option: &&str| {
            word.strip_prefix(*option)
                .is_some_and(|rest| rest.starts_with('='))
        };
        if COMMANDS.contains(&word) || ["-h", "--help", "-V", "--version"].contains(&word) {
            return Some((at, word));
        } else if SHARED_WITH_VALUE.contains(&word) {
            at += 2;
        } else if SHARED.contains(&word) || SHARED_WITH_VALUE.iter().any(has_value) {
            at += 1;
        } else {
            return None;
        }
    }
}

/// Whether the answer is to be read by a program, so that a failure must be too.
/// It looks at the bare words, since it must be known when they can't be parsed.
pub(crate) fn wants_machine_output(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments
        .iter()
        .map_while(|word| word.to_str().filter(|word| *word != "--"))
        .collect();
    let is_form = |form: &str| form == "json" || form == "events";
    words.windows(2).any(|pair| match pair {
        ["--output", form] => is_form(form),
        [_, "--json"] => true,
        [_, word] => word.strip_prefix("--output=").is_some_and(is_form),
        _ => false,
    })
}

/// From clap's report to ours: the fact, the tips, and where the options of the
/// command are told.
fn misused(report: &str, command: &str) -> Failure {
    let usage = report.find("\nUsage:");
    let (told, _) = report.split_at(usage.unwrap_or(report.len()));
    let mut fact = String::new();
    let mut tips = Vec::new();
    for line in told.lines().filter(|line| !line.trim().is_empty()) {
        match line.trim().strip_prefix("tip: ") {
            Some(tip) => tips.push(tip.to_owned()),
            None if line.starts_with("For more information") => {}
            None => {
                fact.push_str(if fact.is_empty() { "" } else { " " });
                fact.push_str(line.trim());
            }
        }
    }
    let fact = fact.trim_start_matches("error: ").to_owned();
    let mut failure = Failure::usage(fact);
    for tip in tips {
        failure = failure.help(tip);
    }
    failure.help(format!("parlor {command} --help"))
}

#[cfg(test)]
mod tests;
