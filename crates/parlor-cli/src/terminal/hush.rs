//! A terminal that doesn't show what is typed, so that nothing comes between the rows of
//! an answer. It is typed all the same: the next line begins with it, or it is read as
//! it is typed.

#[cfg(unix)]
use std::io::{stdin, stdout};
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(unix)]
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Has the terminal mark where a paste begins and ends, and no longer.
#[cfg(unix)]
const MARKED: &[u8] = b"\x1b[?2004h";
#[cfg(unix)]
const UNMARKED: &[u8] = b"\x1b[?2004l";

/// How long is waited for what isn't typed yet.
#[cfg(unix)]
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// How the terminal was found, and whether pastes are marked meanwhile.
#[cfg(unix)]
static BEFORE: Mutex<Option<(Termios, bool)>> = Mutex::new(None);

/// Shows nothing of what is typed until it is dropped. Ctrl-C works as before.
#[derive(Debug)]
pub(crate) struct Hush(());

impl Hush {
    /// Begins now, where stdin is a terminal.
    pub(crate) fn begin() -> Self {
        Self::with(false)
    }

    /// The same for who reads by [`typed`] what is typed, before its line is whole.
    /// Pastes are marked.
    pub(crate) fn by_keys() -> Self {
        Self::with(true)
    }

    #[cfg(unix)]
    fn with(keys: bool) -> Self {
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(found) = tcgetattr(stdin())
            && before.is_none()
        {
            let mut silent = found.clone();
            let modes = &mut silent.local_modes;
            modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            if keys {
                modes.remove(LocalModes::ICANON | LocalModes::IEXTEN);
                // Ctrl-C stops the answer, and what is typed stays.
                modes.insert(LocalModes::NOFLSH);
                silent.special_codes[SpecialCodeIndex::VMIN] = 1;
                silent.special_codes[SpecialCodeIndex::VTIME] = 0;
            }
            // Enter goes on to be Ctrl-J here, so that what nobody reads in time begins a
            // line of the next prompt, and is never sent by itself.
            if tcsetattr(stdin(), OptionalActions::Now, &silent).is_ok() {
                let marks = keys && rustix::io::write(stdout(), MARKED).is_ok();
                *before = Some((found, marks));
            }
        }
        Self(())
    }

    #[cfg(not(unix))]
    fn with(_: bool) -> Self {
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
    if let Some((found, marks)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs no care.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &found);
        if marks {
            // Past the lock, which somebody may hold who waits for the terminal's reader.
            let _ = rustix::io::write(stdout(), UNMARKED);
        }
    }
}

/// Takes what was typed by now, without waiting; whether anything was. Only while
/// [`Hush::by_keys`] lasts: else a line that isn't whole can't be read.
pub(crate) fn typed(into: &mut Vec<u8>) -> bool {
    #[cfg(unix)]
    {
        let before = into.len();
        let mut bytes = [0; 1024];
        let stdin = stdin();
        // Past the buffer of stdin, so that nothing is left in it.
        while into.len() - before < 16 * bytes.len() {
            let mut waited = [PollFd::new(&stdin, PollFlags::IN)];
            if !matches!(poll(&mut waited, Some(&NOW)), Ok(1..)) {
                break;
            }
            match rustix::io::read(&stdin, &mut bytes) {
                Ok(read @ 1..) => into.extend(bytes.get(..read).unwrap_or_default()),
                // The terminal is gone, which others are told.
                _ => break,
            }
        }
        into.len() > before
    }
    #[cfg(not(unix))]
    {
        let _ = into;
        false
    }
}
