//! Finding a program of a person's own, such as a tool, and setting it up: what it gets, and what not.

use crate::PROGRAM_VARIABLES;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file that this name runs, if there is one that can be run: in the folders of `PATH`,
/// or where the name says.
///
/// On Windows a name may lack its ending; `PATHEXT` has those that are tried, so that `npx`
/// is found, which is `npx.cmd` there.
pub fn find_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 {
        return runnable(name);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find_map(|folder| runnable(&folder.join(name)))
}

/// A command for this name, found as [`find_program`] does where the system itself doesn't.
pub(crate) fn command(name: &OsStr) -> Command {
    let found = if cfg!(windows) {
        find_program(name)
    } else {
        None
    };
    found.map_or_else(|| Command::new(name), Command::new)
}

#[cfg(unix)]
fn runnable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = path.metadata().ok()?;
    let runs = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    runs.then(|| path.to_owned())
}

#[cfg(not(unix))]
fn runnable(path: &Path) -> Option<PathBuf> {
    let endings = std::env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let ends = |ending: &str| {
        let name = path.as_os_str().to_string_lossy();
        name.to_lowercase().ends_with(&ending.to_lowercase())
    };
    let endings = endings.split(';').filter(|it| !it.is_empty());
    if endings.clone().any(ends) && path.is_file() {
        return Some(path.to_owned());
    }
    endings
        .map(|ending| {
            let mut whole = path.as_os_str().to_owned();
            whole.push(ending);
            PathBuf::from(whole)
        })
        .find(|whole| whole.is_file())
}

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
    let mut command = command(program.as_ref());
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_file_that_can_be_run() {
        let shell = find_program("sh").unwrap();
        assert!(shell.is_absolute() && shell.ends_with("sh"));
        assert_eq!(find_program(&shell), Some(shell));
        for none in ["no-such-program", "/etc/passwd", "/etc", ""] {
            assert_eq!(find_program(none), None, "{none}");
        }
    }
}
