//! A program run again, with the stand-ins for its providers.

use std::env;
use std::fs;
use std::io;
use std::process::{Command, ExitStatus};
use std::thread;

use tokio::runtime::Builder;

use crate::script::{OVERLOADED, SCRIPTED};
use crate::stand_in::{KEY, KEY_VARIABLE, STAND_INS};
use crate::stand_ins::{Manner, StandIns};

/// Runs this program once more, with these arguments, while stand-ins answer: it finds their models
/// by its configuration, as `ollama/scripted`, and nothing in it has to know of them. In the
/// arguments `{provider}` is the base URL of the stand-in for that provider.
///
/// It blocks until the program has ended, and may be called within a runtime.
///
/// # Errors
/// Where the loopback interface can't be listened on, and the program can't be run.
pub fn run_again(arguments: Vec<String>) -> io::Result<ExitStatus> {
    let running = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(answered(arguments))
    });
    let crashed = |_| Err(io::Error::other("the stand-ins broke"));
    running.join().unwrap_or_else(crashed)
}

async fn answered(mut arguments: Vec<String>) -> io::Result<ExitStatus> {
    let stand_ins = StandIns::start(Manner::default()).await?;
    for stand_in in STAND_INS {
        let url = stand_ins.url(stand_in.provider).unwrap_or_default();
        for argument in &mut arguments {
            *argument = argument.replace(&format!("{{{}}}", stand_in.provider), &url);
        }
    }
    let name = format!("parlor-demo-{}.toml", std::process::id());
    let config = env::temp_dir().join(name);
    fs::write(&config, stand_ins.config(&[SCRIPTED, OVERLOADED]))?;
    let mut command = Command::new(env::current_exe()?);
    command
        .args(arguments)
        .env("PARLOR_CONFIG", &config)
        .env(KEY_VARIABLE, KEY)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    let ended = tokio::task::spawn_blocking(move || command.status()).await;
    // It is in a folder for what may be lost.
    let _ = fs::remove_file(&config);
    ended.map_err(io::Error::other)?
}
