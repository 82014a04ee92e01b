//! Talk to any chat model from the terminal.
//!
//! Answers go to stdout, everything else to stderr. [`args`] says what can be
//! asked for, [`commands`] does it, and [`failure`] says what went wrong.

mod args;
mod attach;
mod choose;
mod clipboard;
mod commands;
mod complete;
mod converse;
mod edit;
mod environment;
mod export;
mod failure;
mod files;
mod import;
mod input;
mod interrupt;
mod keeper;
mod keys;
mod lists;
mod local;
mod log;
mod markdown;
mod output;
mod pick;
mod prompt;
mod schema;
mod screen;
mod scrub;
mod setup;
mod template;
mod terminal;
mod tools;
mod waiting;
mod weight;

use std::process::ExitCode;

use args::{Command, Parsed};
use failure::Failure;

// The C library keeps what thousands of streams have held.
#[cfg(all(unix, feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        terminal::complain(&format!("error[bug]: {panic}\n  help: please report it\n"));
    }));
    if complete::answer() {
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let machine = args::wants_machine_output(&arguments);
    match run(arguments) {
        Ok(()) => {
            tracing::info!("ended");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            tracing::error!(kind = %failure.error().kind(), "failed");
            failure.report(machine)
        }
    }
}

fn run(arguments: Vec<std::ffi::OsString>) -> Result<(), Failure> {
    let parsed = args::parse(arguments)?;
    if let Parsed::Command(command) = &parsed
        && let Some(file) = &command.common().env_file
    {
        environment::load(file)?;
    }
    if let Parsed::Command(command) = &parsed
        && let Some(profile) = &command.common().profile
    {
        environment::take_profile(profile);
    }
    if let Parsed::Command(_) = &parsed {
        log::begin(&environment::env())?;
    }
    match parsed {
        Parsed::Told(text) => Ok(terminal::say(&text)?),
        Parsed::Command(Command::Chat(args)) => commands::chat(&args),
        Parsed::Command(Command::Batch(args)) => commands::batch(&args),
        Parsed::Command(Command::History(args)) => commands::history(&args),
        Parsed::Command(Command::Keys(args)) => commands::keys(&args),
        Parsed::Command(Command::Serve(args)) => commands::serve(&args),
        Parsed::Command(Command::Demo(args)) => commands::demo(&args),
        Parsed::Command(Command::Config(args)) => commands::config(&args),
        Parsed::Command(Command::Models(args)) => commands::models(&args),
        Parsed::Command(Command::Providers(args)) => commands::providers(&args),
        Parsed::Command(Command::Usage(args)) => commands::usage(&args),
        Parsed::Command(Command::Templates(args)) => commands::templates(&args),
        Parsed::Command(Command::Doctor(args)) => commands::doctor(&args),
        Parsed::Command(Command::Import(args)) => commands::import(&args),
        Parsed::Command(Command::Completions(args)) => commands::completions(&args),
        Parsed::Command(Command::Man(args)) => commands::man(&args),
    }
}
