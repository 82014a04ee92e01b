//! A program in a terminal, photographed: tmux is the terminal.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cargo;

/// How long a scene may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A terminal of its own, which ends when it is dropped.
pub(super) struct Terminal {
    size: (u32, u32),
}

impl Terminal {
    /// Runs a command line in a terminal of so many columns and rows, with `home` for its home and
    /// nothing of the caller's environment but where programs are.
    pub(super) fn open(command: &str, size: (u32, u32), home: &Path) -> Result<Self, String> {
        let terminal = Self { size };
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let path = std::env::var("PATH").unwrap_or_default();
        let clean = format!(
            "exec env -i HOME='{}' PATH='{path}' TERM=xterm-256color COLORTERM=truecolor LANG=C.UTF-8 \
             sh -c '{command}; exec cat'",
            home.display()
        );
        tmux(&["new-session", "-d", "-x", &columns, "-y", &rows, &clean])?;
        Ok(terminal)
    }

    /// Presses keys, by tmux's names for them.
    pub(super) fn press(&self, keys: &[&str]) -> Result<(), String> {
        let words: Vec<&str> = ["send-keys"].iter().chain(keys).copied().collect();
        tmux(&words).map(drop)
    }

    /// The screen with its escapes, once these words stand on it.
    pub(super) fn screen(&self, until: &str) -> Result<String, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let plain = tmux(&["capture-pane", "-p"])?;
            if plain.contains(until) {
                return tmux(&["capture-pane", "-e", "-p"]);
            }
            if Instant::now() > end {
                return Err(format!(
                    "`{until}` didn't come to stand on the screen:\n{plain}"
                ));
            }
            sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn columns(&self) -> u32 {
        self.size.0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where it didn't begin there is nothing to end.
        let _ = tmux(&["kill-server"]);
    }
}

/// Asks a tmux server of our own, without anybody's settings.
fn tmux(words: &[&str]) -> Result<String, String> {
    let mut tmux = Command::new("tmux");
    tmux.args(["-L", "parlor-pictures", "-f", "/dev/null", "-u"])
        .args(words);
    cargo::output(&mut tmux)
}
