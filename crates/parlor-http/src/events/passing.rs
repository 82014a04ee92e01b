//! The bytes of an answer on their way past the decoder, frame by frame.

use bytes::Bytes;
use parlor_core::{ErrorKind, Result, Tap};

/// Lets a frame's bytes pass once it has been read, with the comments before it.
///
/// Not passed are a frame that can't be read, since what comes of it is told in other words, and
/// one with nothing but the usage, where the client didn't ask for it.
pub(super) struct Passing {
    tap: Tap,
    tells_usage: bool,
    /// How many bytes have come, and how many of them were passed or left out.
    came: usize,
    gone: usize,
    /// Whether a frame stopped what comes after it.
    stopped: bool,
}

impl Passing {
    pub(super) fn new(tap: Tap, tells_usage: bool) -> Self {
        Self {
            tap,
            tells_usage,
            came: 0,
            gone: 0,
            stopped: false,
        }
    }

    pub(super) fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Takes a piece of the body.
    pub(super) fn came(&mut self, piece: Bytes) {
        self.came += piece.len();
        self.tap.push(piece);
    }

    /// Lets everything pass but the last bytes, which no frame has used up.
    pub(super) fn pass(&mut self, unused: usize) {
        let count = self.past(unused);
        if count > 0 && !self.stopped {
            self.tap.release(count);
        }
    }

    /// Whether a frame is none of the client's: the one that comes where usage was asked for. It has
    /// a list of choices with none in it.
    pub(super) fn hides(&self, data: &[u8]) -> bool {
        let has = |words: &[u8]| memchr::memmem::find(data, words).is_some();
        !self.tells_usage && has(b"\"choices\":[]") && has(b"\"usage\":{")
    }

    /// Takes note of what came of a frame.
    pub(super) fn read(&mut self, read: &Result<()>, hides: bool, unused: usize) {
        match read {
            Ok(()) if hides => {
                let count = self.past(unused);
                self.tap.skip(count);
            }
            Ok(()) => self.pass(unused),
            Err(error) if matches!(error.kind(), ErrorKind::Decode | ErrorKind::Truncated) => {
                self.stopped = true;
            }
            Err(_) => {
                self.pass(unused);
                self.tap.tell();
                self.stopped = true;
            }
        }
    }

    fn past(&mut self, unused: usize) -> usize {
        let end = self.came.saturating_sub(unused);
        let count = end.saturating_sub(self.gone);
        self.gone += count;
        count
    }
}
