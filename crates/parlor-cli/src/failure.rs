//! What went wrong, in the words of the terminal: a code, a fact, what to do, an exit code.

mod facts;
mod key;
mod then;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use parlor::{Error, ErrorKind, Scrub};
use serde_json::{Value, json};

use crate::output::escaped;
use crate::{screen, terminal};

pub(crate) use facts::{Context, retired};
pub(crate) use then::Then;

/// The most characters and lines of a fact, so that an error stays on one screen.
const FACT_CHARACTERS: usize = 1200;
const FACT_LINES: usize = 12;

/// A failure of the program. In text it is `error[code]: fact` and lines of
/// help; for programs it is `{"error": {…}}` with the fields of core's error.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    error: Error,
    code: &'static str,
    exit: u8,
    /// The word for programs, where it isn't the error's kind.
    kind: Option<&'static str>,
    fact: String,
    help: Vec<String>,
    scrub: Scrub,
}

impl Failure {
    fn new(error: Error, code: &'static str, exit: u8) -> Self {
        Self(Box::new(Inner {
            fact: error.to_string(),
            error,
            code,
            exit,
            kind: None,
            help: Vec::new(),
            scrub: Scrub::default(),
        }))
    }

    /// The command line can't be followed.
    pub(crate) fn usage(fact: impl Into<String>) -> Self {
        let error = Error::new(ErrorKind::InvalidRequest, fact.into());
        let mut failure = Self::new(error, "usage", 2);
        failure.0.kind = Some("usage");
        failure
    }

    /// A file or text that was given on the command line is wrong.
    pub(crate) fn bad_input(code: &'static str, kind: ErrorKind, fact: impl Into<String>) -> Self {
        Self::new(Error::new(kind, fact.into()), code, 2)
    }

    /// Some of what was asked has failed, and was told.
    pub(crate) fn partly(fact: impl Into<String>) -> Self {
        Self::new(Error::new(ErrorKind::Unexpected, fact.into()), "failed", 1)
    }

    /// The reader of the output is gone: nothing is said, and it is no failure.
    fn reader_gone() -> Self {
        Self::new(Error::new(ErrorKind::Cancelled, "nobody reads"), "", 0)
    }

    /// A failure of a call, told with what is known of the model that was asked.
    pub(crate) fn of(error: Error, context: &Context) -> Self {
        Self::from(error).told(context)
    }

    /// The same of a call that asked for JSON by a schema.
    pub(crate) fn of_schema(error: Error, context: &Context) -> Self {
        let mut failure = Self::from(error);
        facts::unmet(&mut failure.0);
        failure.told(context)
    }

    fn told(mut self, context: &Context) -> Self {
        facts::tell(&mut self.0, context);
        self.0.scrub = context.scrub();
        self
    }

    /// The same with one more line of help.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// The same with one line of help after what the error itself advises.
    #[must_use]
    pub(crate) fn also(mut self, help: impl Into<String>) -> Self {
        if self.0.help.is_empty() {
            self.0.help.push(self.0.error.help().to_owned());
        }
        self.help(help)
    }

    /// The same with other words for what happened.
    #[must_use]
    pub(crate) fn fact(mut self, fact: impl Into<String>) -> Self {
        self.0.fact = fact.into();
        self
    }

    /// Whether nobody can be told anything any more.
    pub(crate) fn is_of_output(&self) -> bool {
        matches!(self.0.code, "" | "output")
    }

    /// The error itself.
    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    /// Says it on stderr.
    pub(crate) fn report(self, machine: bool) -> ExitCode {
        let inner = &*self.0;
        if !inner.code.is_empty() {
            let text = match machine {
                true => format!("{}\n", self.json()),
                false if io::stderr().is_terminal() => {
                    terminal::folded(&self.text(), screen::size().0)
                }
                false => self.text(),
            };
            terminal::complain(&text);
        }
        ExitCode::from(inner.exit)
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let inner = &*self.0;
        if inner.code == "interrupted" {
            return "[interrupted]\n".to_owned();
        }
        let fact = terminal::printable(&inner.scrub.text(&inner.fact));
        let mut text = format!("error[{}]: {}\n", inner.code, shortened(&fact));
        for line in self.advice().lines() {
            let line = terminal::printable(&inner.scrub.text(line));
            text.push_str(&format!("  help: {line}\n"));
        }
        text
    }

    /// What to do next, a line each.
    fn advice(&self) -> String {
        match (self.0.help.as_slice(), self.0.code) {
            ([], "usage") => "parlor chat --help".to_owned(),
            ([], _) => self.0.error.help().to_owned(),
            (help, _) => help.join("\n"),
        }
    }

    /// For a program, on one line.
    fn json(&self) -> String {
        escaped(json!({ "error": self.object() }).to_string())
    }

    /// The fields of the failure, for a program.
    pub(crate) fn object(&self) -> Value {
        let inner = &*self.0;
        let mut error = serde_json::to_value(&inner.error).unwrap_or(Value::Null);
        if let Value::Object(fields) = &mut error {
            if let Some(kind) = inner.kind {
                fields.insert("kind".to_owned(), kind.into());
            }
            // Better words than the error's own are a program's too.
            if inner.fact != inner.error.to_string() {
                fields.insert("message".to_owned(), inner.fact.as_str().into());
            }
            fields.insert("help".to_owned(), self.advice().into());
            // What the model said is its own; everything else may quote the key.
            for (_, value) in fields.iter_mut().filter(|(name, _)| *name != "partial") {
                if let Value::String(text) = value {
                    *text = inner.scrub.text(text).into_owned();
                }
            }
        }
        error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use ErrorKind::*;
        let (code, exit) = match error.kind() {
            Configuration => ("config", 3),
            Authentication if error.status().is_none() => ("no-key", 4),
            Authentication => ("auth", 4),
            Permission => ("permission", 4),
            ModelNotFound => ("model-not-found", 5),
            InvalidRequest => ("invalid-request", 1),
            Unsupported => ("unsupported", 1),
            ContextTooLong => ("context", 8),
            ContentFiltered => ("filtered", 9),
            RateLimited => ("rate-limit", 7),
            QuotaExhausted => ("quota", 7),
            Overloaded => ("overloaded", 7),
            Server => ("server", 1),
            _ if has_text(&error) && is_cut(error.kind()) => ("interrupted-stream", 6),
            Timeout(_) => ("timeout", 6),
            Connection => ("unreachable", 6),
            Truncated => ("interrupted-stream", 6),
            Decode => ("bad-answer", 1),
            Tool => ("tool", 11),
            Media => ("media", 2),
            Validation => ("invalid", 1),
            Cancelled => ("interrupted", 130),
            // Whoever knows what to do about it expected it.
            kind if error.help() != Error::new(kind, "").help() => ("failed", 1),
            _ => ("bug", 1),
        };
        Self::new(error, code, exit)
    }
}

impl From<parlor::Problems> for Failure {
    fn from(problems: parlor::Problems) -> Self {
        Error::from(problems).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::reader_gone();
        }
        let message = format!("cannot write the answer: {error}");
        Self::new(Error::new(ErrorKind::Unexpected, message), "output", 1)
            .help("Check the disk or the program that stdout goes to.")
    }
}

fn has_text(error: &Error) -> bool {
    error
        .partial()
        .is_some_and(|partial| !partial.text().is_empty())
}

fn is_cut(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Timeout(_) | ErrorKind::Connection | ErrorKind::Truncated
    )
}

/// At most a screenful; lines after the first are indented.
fn shortened(text: &str) -> String {
    let cut: String = text.chars().take(FACT_CHARACTERS).collect();
    let lines: Vec<&str> = cut.trim_end().lines().take(FACT_LINES).collect();
    let mut short = lines.join("\n  ");
    if short.len() < text.trim_end().len() && (cut.len() < text.len() || lines.len() == FACT_LINES)
    {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stays_on_one_screen_and_shows_no_control_bytes() {
        let long = "line \u{1b}[31mred\n".repeat(500);
        let text = Failure::from(Error::new(ErrorKind::Server, long)).text();
        assert!(text.lines().count() < 20, "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(text.starts_with("error[server]: line [31mred\n  line"));
        assert!(text.contains('…'));
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.0.exit, 0);
    }
}
