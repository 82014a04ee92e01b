//! Runs a program into a pipe or a terminal, and says what it cost.

use std::fs::File;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a run cost.
pub(crate) struct Seen {
    /// When it began, in seconds since 1970.
    pub(crate) began: f64,
    /// Seconds from its start to its end.
    pub(crate) wall: f64,
    /// Seconds of the processor, in the program and in the kernel for it.
    pub(crate) cpu: f64,
    /// The most bytes that were resident.
    pub(crate) resident: f64,
    /// Seconds until its request arrived.
    pub(crate) request: Option<f64>,
    /// What it wrote.
    pub(crate) bytes: usize,
    /// How often it cleared the whole screen.
    pub(crate) cleared: usize,
}

/// Runs a command to its end, and reads what it writes as fast as it comes.
pub(crate) fn watch(mut command: Command, on_terminal: bool) -> Result<Seen, String> {
    let told = |error: std::io::Error| error.to_string();
    let terminal = on_terminal.then(terminal).transpose().map_err(told)?;
    command.stderr(Stdio::null()).stdin(Stdio::null());
    let mut answers = None;
    let reads: Option<File> = match terminal {
        Some((ours, theirs)) => {
            command
                .stdin(theirs.try_clone().map_err(told)?)
                .stderr(theirs.try_clone().map_err(told)?)
                .stdout(theirs);
            answers = Some(ours.try_clone().map_err(told)?);
            // SAFETY: between fork and exec only two system calls are made.
            unsafe {
                command.pre_exec(|| {
                    libc::setsid();
                    libc::ioctl(0, libc::TIOCSCTTY, 0);
                    Ok(())
                });
            }
            Some(ours)
        }
        None => {
            command.stdout(Stdio::piped());
            None
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let began = now.map_or(0.0, |now| now.as_secs_f64());
    let start = Instant::now();
    let mut child = command.spawn().map_err(told)?;
    // What it holds of the terminal's other side.
    drop(command);
    let mut reads = match (reads, child.stdout.take()) {
        (Some(reads), _) => reads,
        (None, Some(stdout)) => File::from(OwnedFd::from(stdout)),
        (None, None) => return Err("it has no output".to_owned()),
    };
    let mut written = Vec::new();
    let mut buffer = [0; 16 * 1024];
    // A terminal ends with an error when the program is gone.
    while let Ok(count @ 1..) = reads.read(&mut buffer) {
        let new = &buffer[..count];
        if let Some(answers) = &mut answers
            && new.windows(4).any(|it| it == b"\x1b[6n")
        {
            let _ = answers.write_all(b"\x1b[1;1R");
        }
        written.extend_from_slice(new);
    }
    let (status, usage) = ended(child.id());
    let wall = start.elapsed().as_secs_f64();
    if status != 0 {
        return Err(format!("it ended with {status}"));
    }
    let time = |it: libc::timeval| it.tv_sec as f64 + it.tv_usec as f64 / 1e6;
    let cleared = written.windows(4).filter(|it| *it == b"\x1b[2J").count();
    Ok(Seen {
        began,
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        resident: usage.ru_maxrss as f64 * 1024.0,
        request: None,
        bytes: written.len(),
        cleared,
    })
}

/// A terminal of 100 columns: our side, and the program's.
fn terminal() -> std::io::Result<(File, File)> {
    let size = libc::winsize {
        ws_row: 30,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let (mut ours, mut theirs) = (0, 0);
    let (name, settings) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the pointers are to variables of this function; name and settings may be null.
    let opened = unsafe {
        libc::openpty(
            &mut ours,
            &mut theirs,
            name,
            settings,
            (&raw const size).cast_mut(),
        )
    };
    if opened != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: both were just opened and belong to nobody else.
    let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    Ok((File::from(ours), File::from(theirs)))
}

/// Waits for the end of a process: how it ended, and what it used.
fn ended(id: u32) -> (i32, libc::rusage) {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointers are to variables of this function, and zeros are a valid `rusage`.
    unsafe {
        libc::wait4(id as libc::pid_t, &mut status, 0, usage.as_mut_ptr());
        (libc::WEXITSTATUS(status), usage.assume_init())
    }
}
