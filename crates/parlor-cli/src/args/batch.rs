//! What can be asked of a batch.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;

use super::Common;
use super::template::TemplateArgs;
use crate::complete;

/// What to ask, whom, how fast, and where the answers go.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// Questions, a line each; `-` stands for stdin
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) questions: String,
    /// File for the answers, which a later run goes on with; stdout without it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Each line is a question as it stands, and no JSON
    #[arg(long)]
    pub(crate) lines: bool,
    /// Model, as `provider/model` or a name from the configuration
    #[arg(short, long, add = ArgValueCompleter::new(complete::models))]
    pub(crate) model: Option<String>,
    /// Instructions for the model, where a line has none of its own
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Address to send to, as for `parlor chat`
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Send to this model even if its name looks misspelt
    #[arg(long)]
    pub(crate) force_model: bool,
    #[command(flatten)]
    pub(crate) template: TemplateArgs,
    /// Ask for JSON, as `parlor chat --schema`
    #[arg(long, value_name = "FIELDS|FILE|JSON", value_hint = ValueHint::FilePath)]
    pub(crate) schema: Option<String>,
    /// Randomness, from 0
    #[arg(long, value_name = "NUMBER", value_parser = super::chat::temperature)]
    pub(crate) temperature: Option<f64>,
    /// The most tokens of each answer
    #[arg(long, value_name = "NUMBER", value_parser = super::chat::tokens)]
    pub(crate) max_tokens: Option<u64>,
    /// The most questions on their way at once
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = super::chat::tokens)]
    pub(crate) concurrency: u64,
    /// The most questions a minute
    #[arg(long, value_name = "NUMBER", value_parser = super::chat::tokens)]
    pub(crate) rate: Option<u64>,
    /// Hand all questions in as a batch of the provider: answered within hours, often for half
    /// the price
    #[arg(long, requires = "out", conflicts_with_all = ["base_url", "rate"])]
    pub(crate) provider_batch: bool,
    /// Don't wait for the provider: hand in, or fetch what is ready; run it again later
    #[arg(long, requires = "provider_batch")]
    pub(crate) no_wait: bool,
    /// Hand in again what the provider may have or has forgotten, which may be paid twice
    #[arg(long, requires = "provider_batch")]
    pub(crate) resubmit: bool,
    /// How often to ask the provider, in seconds
    #[arg(long, value_name = "SECONDS", requires = "provider_batch", value_parser = seconds)]
    pub(crate) poll: Option<Duration>,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a number of seconds above 0".to_owned())
}
