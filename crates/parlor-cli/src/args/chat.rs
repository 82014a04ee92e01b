//! `parlor chat`: what to ask, whom, and what to print.

use clap::{Args, ValueEnum, ValueHint};
use clap_complete::ArgValueCompleter;
use parlor::{Effort, ReasoningConfig};

use super::Common;
use super::answer::AnswerArgs;
use super::going::GoingArgs;
use super::template::TemplateArgs;
use super::tools::ToolArgs;
use crate::complete;
use crate::terminal::Render;

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
    /// When to lay the answer's Markdown out: auto (in a terminal), always (in a pipe too,
    /// as wide as COLUMNS says), or never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) render: Render,
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
        value_parser = reasoning,
        add = ArgValueCompleter::new(complete::efforts)
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
    /// Keep nothing of this conversation; one that is gone on with stays as it is
    #[arg(long)]
    pub(crate) no_save: bool,
    /// Leave nothing behind at all: no conversation, no lines that were entered, no
    /// decisions about tools, no lists of models
    #[arg(long)]
    pub(crate) ephemeral: bool,
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

/// What to print of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Text,
    Json,
    Events,
}

impl ChatArgs {
    /// Whether what is said is kept.
    pub(crate) fn keeps(&self) -> bool {
        !self.no_save && !self.ephemeral
    }

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
    let expected = || format!("expected {} or a number of tokens", EFFORTS.join(", "));
    let wish = match word {
        "show" => None,
        number if number.starts_with(|c: char| c.is_ascii_digit()) => {
            let tokens = number.parse().map_err(|_| expected())?;
            Some(ReasoningConfig::budget(tokens))
        }
        word => match Effort::from(word) {
            Effort::Other(_) => return Err(expected()),
            effort => Some(effort.into()),
        },
    };
    Ok(Reasoning {
        show: word != "off",
        wish,
    })
}

pub(crate) fn temperature(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("expected a number from 0".to_owned()),
    }
}

/// A share of the likeliest tokens.
pub(crate) fn top_p(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

pub(crate) fn tokens(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}
