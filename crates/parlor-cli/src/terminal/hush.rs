//! A terminal that doesn't show what is typed, so that nothing comes between the rows of
//! an answer. It is typed all the same, and the next line begins with it.

#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal was found.
#[cfg(unix)]
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Shows nothing of what is typed until it is dropped. Ctrl-C works as before.
#[derive(Debug)]
pub(crate) struct Hush(());

impl Hush {
    /// Begins now, where stdin is a terminal.
    pub(crate) fn begin() -> Self {
        #[cfg(unix)]
        {
            let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(found) = tcgetattr(std::io::stdin())
                && before.is_none()
            {
                let mut silent = found.clone();
                silent
                    .local_modes
                    .remove(LocalModes::ECHO | LocalModes::ECHONL);
                if tcsetattr(std::io::stdin(), OptionalActions::Now, &silent).is_ok() {
                    *before = Some(found);
                }
            }
        }
        Self(())
    }
}

impl Drop for Hush {
    fn drop(&mut self) {
        speak();
    }
}

/// Leaves the terminal as it was found, if it shows nothing now.
pub(crate) fn speak() {
    #[cfg(unix)]
    if let Some(found) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs no care.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &found);
    }
}
