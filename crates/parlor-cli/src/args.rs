//! What can be asked for on the command line.

mod answer;
mod batch;
mod completions;
mod config;
mod going;
mod help;
mod history;
mod import;
mod keys;
mod listing;
mod serve;
mod template;
mod tools;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::ArgValueCompleter;
use parlor::{Effort, ReasoningConfig};

use crate::complete;
use crate::failure::Failure;
use answer::AnswerArgs;
pub(crate) use batch::BatchArgs;
use going::GoingArgs;
pub(crate) use going::Trim;
use template::TemplateArgs;
pub(crate) use template::TemplatesArgs;
pub(crate) use tools::ToolArgs;

pub(crate) use completions::{CompletionsArgs, ManArgs, Shell};
pub(crate) use config::{ConfigAction, ConfigArgs};
pub(crate) use history::HistoryArgs;
pub(crate) use import::{From, ImportArgs};
pub(crate) use keys::{KeyOf, KeysAction, KeysArgs, SetKey};
pub(crate) use listing::{ListForm, Listing};
pub(crate) use serve::ServeArgs;

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
    Serve(ServeArgs),
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

/// What to ask, whom, and how to print the answer.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// What to ask; `-` stands for stdin
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,
    /// Model, as `provider/model` or a name from the configuration
    #[arg(short, long, add = ArgValueCompleter::new(complete::models))]
    pub(crate) model: Option<String>,
    /// Instructions for the model
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Attach a file, a folder's texts, a URL, what a `!command` prints, `-` for stdin or
    /// `clipboard`: image, sound, video, PDF or text (repeatable)
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) attach: Vec<String>,
    /// Address to send to; a host that isn't known is taken as OpenAI-compatible
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Read a whole request as JSON; the other options are laid over it
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) request: Option<String>,
    /// What to print: the text, one JSON object, or one JSON line for each event
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        hide_default_value = true
    )]
    output: Form,
    /// Short for `--output json`
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Ask for the answer in one piece
    #[arg(long)]
    pub(crate) no_stream: bool,
    /// Show the model's thoughts on stderr; with a word, ask for that much of them:
    /// off, minimal, low, medium, high, xhigh, max, auto, or a number of tokens
    #[arg(
        long,
        value_name = "EFFORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "show",
        value_parser = reasoning
    )]
    pub(crate) reasoning: Option<Reasoning>,
    /// Randomness, from 0
    #[arg(long, value_name = "NUMBER", value_parser = temperature)]
    pub(crate) temperature: Option<f64>,
    /// The most tokens to answer with
    #[arg(long, value_name = "NUMBER", value_parser = tokens)]
    pub(crate) max_tokens: Option<u64>,
    /// Send to this model even if its name looks misspelt
    #[arg(long)]
    pub(crate) force_model: bool,
    /// Stay in the conversation after the answer
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Keep nothing of this conversation
    #[arg(long)]
    pub(crate) no_save: bool,
    /// Don't read stdin
    #[arg(long)]
    pub(crate) no_stdin: bool,
    #[command(flatten)]
    pub(crate) going: GoingArgs,
    #[command(flatten)]
    pub(crate) answer: AnswerArgs,
    #[command(flatten)]
    pub(crate) template: TemplateArgs,
    #[command(flatten)]
    pub(crate) tools: ToolArgs,
    #[command(flatten)]
    pub(crate) common: Common,
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
    #[arg(long, value_name = "NAME", global = true)]
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
            Self::Import(args) => &args.common,
            Self::Completions(args) => &args.common,
            Self::Man(args) => &args.common,
        }
    }
}

/// Which models to list.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only models whose id has all of these words
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Only models of this provider; one on your own machine is asked which it has
    #[arg(long, value_name = "PROVIDER", add = ArgValueCompleter::new(complete::providers))]
    pub(crate) provider: Option<String>,
    /// Only models that can do this (repeatable)
    #[arg(long, value_name = "ABILITY")]
    pub(crate) ability: Vec<Ability>,
    /// Ask the providers which models they have, instead of looking in the catalogue
    #[arg(long)]
    pub(crate) live: bool,
    /// Models of providers without a key, and retired ones, too
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
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

/// What to print of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Text,
    Json,
    Events,
}

/// What a model can do, by the word that lists show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ability {
    /// Takes images
    #[value(alias = "vision")]
    Sees,
    /// Takes sound
    Hears,
    /// Takes video
    Watches,
    /// Takes documents
    Reads,
    /// Calls tools
    Tools,
    /// Thinks before it answers
    #[value(alias = "reasoning")]
    Thinks,
    /// Answers in JSON by a schema
    Schema,
}

impl ChatArgs {
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::Json } else { self.output }
    }
}

/// Whether to show thoughts, and how much to ask for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reasoning {
    pub(crate) show: bool,
    pub(crate) wish: Option<ReasoningConfig>,
}

/// The words for it.
pub(crate) const EFFORTS: &[&str] = &[
    "off", "minimal", "low", "medium", "high", "xhigh", "max", "auto",
];

pub(crate) fn reasoning(word: &str) -> Result<Reasoning, String> {
    let wish = match word {
        "show" => None,
        number if number.starts_with(|c: char| c.is_ascii_digit()) => {
            let tokens = number.parse().map_err(|_| "not a number of tokens")?;
            Some(ReasoningConfig::budget(tokens))
        }
        word => match Effort::from(word) {
            Effort::Other(_) => {
                let words = EFFORTS.join(", ");
                return Err(format!("expected {words} or a number of tokens"));
            }
            effort => Some(effort.into()),
        },
    };
    Ok(Reasoning {
        show: word != "off",
        wish,
    })
}

fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("expected a number from 0".to_owned()),
    }
}

fn tokens(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
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
