//! `PARLOR_LOG`: what the program does, in a file of its own. What is asked and answered
//! isn't in it, and of a secret at most the end.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use parlor::{Env, Error, ErrorKind, Result, data_folder};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, format};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::files;
use crate::scrub::without_secrets;

const VARIABLE: &str = "PARLOR_LOG";
const FILE: &str = "parlor.log";

/// A file that has grown beyond so many bytes is put aside, and the one that was put
/// aside before is gone.
const LIMIT: u64 = 8 << 20;

/// The words for how much is told.
const LEVELS: &[(&str, LevelFilter)] = &[
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// Where it is: `$XDG_STATE_HOME/parlor`, else `~/.local/state/parlor`; on Windows with
/// what is kept.
pub(crate) fn path(env: &Env) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty());
    let state = set("XDG_STATE_HOME").map(PathBuf::from);
    // By the XDG specification a relative path is to be ignored.
    let state = state.filter(|path| path.is_absolute());
    let at_home = || Some(PathBuf::from(set("HOME")?).join(".local/state"));
    let folder = match cfg!(windows) {
        true => None,
        false => state.or_else(at_home).map(|folder| folder.join("parlor")),
    };
    let folder = folder.or_else(|| data_folder(|name| env.get(name)))?;
    Some(folder.join(FILE))
}

/// Whether it is kept now.
pub(crate) fn is_on(env: &Env) -> bool {
    env.get(VARIABLE).is_some_and(|word| !word.is_empty())
}

/// Keeps a log from here on, where that is asked for.
///
/// # Errors
/// A word that says nothing, and a file that can't be written to.
pub(crate) fn begin(env: &Env) -> Result<()> {
    let Some(word) = env.get(VARIABLE).filter(|word| !word.is_empty()) else {
        return Ok(());
    };
    let wrong = |fact: String| {
        let words: Vec<&str> = LEVELS.iter().map(|(word, _)| *word).collect();
        let help = format!("Set {VARIABLE} to {}, or unset it.", words.join(", "));
        Error::new(ErrorKind::Configuration, fact).with_help(help)
    };
    let level = LEVELS.iter().find(|(it, _)| *it == word);
    let (_, level) = level.ok_or_else(|| wrong(format!("{VARIABLE} is `{word}`")))?;
    let path = path(env).ok_or_else(|| wrong("no folder for the log is known".to_owned()))?;
    let file = open(&path)
        .map_err(|error| wrong(format!("cannot write the log {}: {error}", path.display())))?;
    // Above this, what the transport tells has what is asked and answered in it.
    let traffic = (*level).min(LevelFilter::DEBUG);
    let filter = Targets::new()
        .with_target("parlor", *level)
        .with_target("parlor_http", traffic);
    let fields = format::debug_fn(|out, field, value| match field.name() {
        name if holds_content(name) => Ok(()),
        "message" => write!(out, "{value:?}"),
        "url" => write!(out, "url={}", without_secrets(&format!("{value:?}"))),
        name => write!(out, "{name}={value:?}"),
    });
    let lines = fmt::layer()
        .with_ansi(false)
        .fmt_fields(fields.delimited(" "))
        .with_writer(Mutex::new(file));
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    // Nobody else has set one: this is where the program begins.
    let _ = tracing::subscriber::set_global_default(subscriber);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "begun");
    Ok(())
}

/// Whether a field of a span says what was asked or answered.
fn holds_content(field: &str) -> bool {
    let has_messages = field.starts_with("gen_ai.") && field.ends_with(".messages");
    // What a failure says may quote them.
    has_messages || field == "otel.status_description"
}

fn open(path: &Path) -> std::io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    if fs::metadata(path).is_ok_and(|it| it.len() > LIMIT) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
