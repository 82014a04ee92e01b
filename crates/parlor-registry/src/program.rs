//! Setting up a program of a person's own, such as a tool: what it gets, and what not.

use crate::PROGRAM_VARIABLES;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that is to be started, with all three of its streams as pipes.
///
/// It gets the [variables](PROGRAM_VARIABLES) that programs need and no others, so
/// no keys; more are given by [`Command::envs`]. On Unix it is in a process group of
/// its own: what it starts can be ended with it, and an interrupt at the terminal,
/// which means the answer, doesn't end it.
pub fn program_command(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    folder: Option<&Path>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(PROGRAM_VARIABLES.iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some((name, value))
    }));
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}
