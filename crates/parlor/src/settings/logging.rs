//! Logs on stderr, as settings ask for them.

use parlor_core::{Error, ErrorKind, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::{LogLevel, Settings};

impl Settings {
    /// Shows what parlor logs on stderr, for the rest of the program: nothing
    /// unless `logging` or `debug` is on, and of other crates nothing at all.
    ///
    /// A library must not do this, since a program has one subscriber: call it in
    /// `main`, or install one of your own and let
    /// [`log_filter`](Self::log_filter) choose.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where logging is on and a
    /// subscriber is there already.
    pub fn init_logging(&self) -> Result<()> {
        let Some(filter) = self.log_filter() else {
            return Ok(());
        };
        let lines = fmt::layer().with_writer(std::io::stderr);
        let subscriber = tracing_subscriber::registry().with(filter).with(lines);
        subscriber.try_init().map_err(|error| {
            let message = "the program has a subscriber for logs already";
            Error::new(ErrorKind::Configuration, message)
                .with_help("Add `Settings::log_filter` to it, or turn `run.logging` off.")
                .with_source(error)
        })
    }

    /// What the settings want logged, as a filter of `tracing_subscriber`; `None`
    /// where logging is off.
    pub fn log_filter(&self) -> Option<Targets> {
        let run = &self.run;
        let debug = run.is_on(run.debug);
        if !debug && !run.is_on(run.logging) {
            return None;
        }
        let mut level = run.log_level.unwrap_or(LogLevel::Info);
        if debug {
            level = level.max(LogLevel::Debug);
        }
        let bodies = match level {
            LogLevel::Trace => LevelFilter::TRACE,
            _ => LevelFilter::DEBUG,
        };
        let traffic = |wanted: Option<bool>| match wanted.unwrap_or(debug) {
            true => bodies,
            false => LevelFilter::OFF,
        };
        let level = match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        let filter = Targets::new()
            .with_target("parlor", level)
            .with_target("parlor_http::request", traffic(run.log_requests))
            .with_target("parlor_http::response", traffic(run.log_responses));
        Some(filter)
    }
}
