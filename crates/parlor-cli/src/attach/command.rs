//! What a command prints as an attachment: `!git diff`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;

use parlor::agent::Attachment;
use parlor::{MediaFormat, Part};

use super::{loaded, read, wrong};
use crate::failure::Failure;
use crate::interrupt;

/// How much of what a failed command complained of is shown.
const COMPLAINT: usize = 400;

/// Runs a command by the shell and takes what it prints. It reads nothing, and
/// Ctrl-C reaches it as any other of the terminal's programs.
pub(super) fn part(command: &str) -> Result<Part, Failure> {
    let command = command.trim();
    if command.is_empty() {
        return Err(wrong("there is no command after `!`".to_owned()).help("parlor -a '!git diff'"));
    }
    let cannot = |error: std::io::Error| wrong(format!("cannot run `{command}`: {error}"));
    let mut child = by_shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let stderr = child.stderr.take();
    // Read at the same time, so that neither pipe fills up.
    let complaint = thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stderr) = stderr {
            let mut head = stderr.take(COMPLAINT as u64);
            // What can't be read is not shown.
            let _ = head.read_to_end(&mut bytes);
            let _ = std::io::copy(&mut head.into_inner(), &mut std::io::sink());
        }
        bytes
    });
    let printed = child
        .stdout
        .take()
        .map(|stdout| read(stdout, &format!("`{command}`")));
    let Some(Ok(bytes)) = printed else {
        // It printed too much; it is ended, whatever it does.
        let _ = child.kill();
        let _ = child.wait();
        return Err(match printed {
            Some(Err(failure)) => failure,
            _ => wrong(format!("`{command}` prints nothing")),
        });
    };
    let status = child.wait().map_err(cannot)?;
    interrupt::not_stopped(status)?;
    if !status.success() {
        let complaint = complaint.join().unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint);
        let fact = match complaint.trim() {
            "" => format!("`{command}` failed ({status})"),
            complaint => format!("`{command}` failed ({status}): {complaint}"),
        };
        return Err(wrong(fact).help("run it by itself to see what is wrong"));
    }
    match MediaFormat::of_head(&bytes) {
        Some(_) => loaded(Attachment::bytes(bytes)),
        None => loaded(Attachment::bytes(bytes).with_name(command)),
    }
}

#[cfg(unix)]
fn by_shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}

#[cfg(windows)]
fn by_shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut shell = Command::new("cmd");
    // It takes what stands between the outermost quotes as it is, and knows no `\"`.
    shell
        .args(["/D", "/S", "/C"])
        .raw_arg(format!("\"{command}\""));
    shell
}
