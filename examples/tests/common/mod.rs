//! Runs the example programs.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// An example with nothing in its environment.
pub(crate) fn command(name: &str, arguments: &[&str]) -> Command {
    // The test's program is in target/<profile>/deps, examples are beside it.
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let mut command = Command::new(path.join("examples").join(name));
    command.args(arguments).env_clear();
    command
}

/// Runs a program with this on stdin; how it ended, what it printed, and on stderr.
pub(crate) fn finish(mut command: Command, said: &str) -> (ExitStatus, String, String) {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    // A program that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(said.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

/// Runs an example.
pub(crate) fn program(name: &str, arguments: &[&str], said: &str) -> (ExitStatus, String, String) {
    finish(command(name, arguments), said)
}
