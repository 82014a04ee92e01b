//! The bytes of the frame in progress, in one piece whatever the chunks were.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

use super::FramingError;

/// A larger buffer is given back once its frame is done.
const KEEP_CAPACITY: usize = 64 * 1024;

/// A view into the newest chunk while the frame lies whole in it; a buffer once it doesn't.
///
/// The window grows at its end as bytes are taken from the chunk and shrinks at its start as they
/// are consumed. Positions are counted from its start.
pub(super) struct Window {
    limit: usize,
    /// Chunks behind the current one.
    waiting: VecDeque<Bytes>,
    chunk: Bytes,
    /// While `buffer` is empty the window is `chunk[start..taken]`.
    start: usize,
    /// Bytes of `chunk` before this one have been taken into the window.
    taken: usize,
    /// If not empty, this is the window.
    buffer: Vec<u8>,
    /// Where in the window the line in progress starts.
    line_start: usize,
    /// The last chunk ended in CR, so that a LF at the start of the next one belongs to it.
    after_cr: bool,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: VecDeque::new(),
            chunk: Bytes::new(),
            start: 0,
            taken: 0,
            buffer: Vec::new(),
            line_start: 0,
            after_cr: false,
        }
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        if self.waiting.is_empty() && self.unread().is_empty() {
            self.replace_chunk(chunk);
        } else {
            self.waiting.push_back(chunk);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        if self.buffer.is_empty() {
            self.chunk.get(self.start..self.taken).unwrap_or_default()
        } else {
            &self.buffer
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// The bytes held, in the window and behind it.
    pub(super) fn held(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Bytes::len).sum();
        self.len() + self.unread().len() + waiting
    }

    /// Drops `count` bytes from the start of the window.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.len());
        if self.buffer.is_empty() {
            self.start += count;
        } else {
            self.buffer.drain(..count);
            if self.buffer.is_empty() {
                self.start = self.taken;
                if self.buffer.capacity() > KEEP_CAPACITY {
                    self.buffer = Vec::new();
                }
            }
        }
        self.line_start = self.line_start.saturating_sub(count);
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// The window as a buffer that may be changed in place.
    pub(super) fn make_mut(&mut self) -> &mut [u8] {
        self.spill();
        &mut self.buffer
    }

    /// Takes bytes until the window has `count`; false if that needs more chunks.
    pub(super) fn fill(&mut self, count: usize) -> bool {
        loop {
            let missing = count.saturating_sub(self.len());
            if missing == 0 {
                return true;
            }
            let unread = self.unread().len();
            if unread == 0 && !self.next_chunk() {
                return false;
            }
            self.take(missing.min(unread));
        }
    }

    /// Takes the next line into the window and says where it lies, its end (LF, CR or CRLF) left
    /// out. `None` if that needs more chunks. A CR at the end of a chunk ends its line at once. At
    /// the end of the body, `ended`, what is left is a line.
    pub(super) fn line(&mut self, ended: bool) -> Result<Option<Range<usize>>, FramingError> {
        loop {
            let Some(&first) = self.unread().first() else {
                if self.next_chunk() {
                    continue;
                }
                let line = self.line_start..self.len();
                if !ended || line.is_empty() {
                    return Ok(None);
                }
                self.line_start = line.end;
                return Ok(Some(line));
            };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                let between_frames = self.len() == 0;
                self.take(1);
                self.line_start += 1;
                if between_frames {
                    self.consume(1);
                }
                continue;
            }
            let unread = self.unread();
            let content = memchr2(b'\n', b'\r', unread).unwrap_or(unread.len());
            let end = self.len() + content;
            // A blank line is never what makes a frame too large: so the verdict is the same
            // wherever the chunks are split.
            if end > self.limit && end > self.line_start {
                return Err(FramingError::FrameTooLarge { limit: self.limit });
            }
            let (ending, after_cr) = match unread.get(content..) {
                None | Some([]) => (0, false),
                Some([b'\r', b'\n', ..]) => (2, false),
                Some([b'\r']) => (1, true),
                Some(_) => (1, false),
            };
            self.after_cr = after_cr;
            self.take(content + ending);
            if ending > 0 {
                let line = self.line_start..end;
                self.line_start = self.len();
                return Ok(Some(line));
            }
        }
    }

    /// Lets go of the chunk when nothing of it is left, as before the next one is asked for; says
    /// whether that is so and none waits.
    pub(super) fn release_spent(&mut self) -> bool {
        let is_spent =
            self.buffer.is_empty() && self.start == self.chunk.len() && self.waiting.is_empty();
        if is_spent {
            self.chunk = Bytes::new();
            (self.start, self.taken) = (0, 0);
        }
        is_spent
    }

    /// What the chunk still has, where nothing has been taken of the line it begins with and the
    /// window is empty; else nothing.
    pub(super) fn untouched(&self) -> &[u8] {
        match self.buffer.is_empty() && self.start == self.taken && !self.after_cr {
            true => self.unread(),
            false => &[],
        }
    }

    /// Takes whole lines of what is untouched into the window.
    pub(super) fn take_lines(&mut self, count: usize) {
        self.taken += count;
        self.line_start = count;
    }

    fn unread(&self) -> &[u8] {
        self.chunk.get(self.taken..).unwrap_or_default()
    }

    /// Moves `count` bytes of what is unread into the window.
    fn take(&mut self, count: usize) {
        let end = self.taken + count;
        if !self.buffer.is_empty() {
            append(
                &mut self.buffer,
                self.chunk.get(self.taken..end).unwrap_or_default(),
                self.limit,
            );
        }
        self.taken = end;
    }

    /// Goes on to the chunk that waits behind the current one. If there is none,
    /// what is left of the current one is kept apart: a chunk is a piece of the
    /// connection's own buffer, which can be used again only when nobody holds it.
    fn next_chunk(&mut self) -> bool {
        let next = self.waiting.pop_front();
        let found = next.is_some();
        self.replace_chunk(next.unwrap_or_default());
        found
    }

    fn replace_chunk(&mut self, chunk: Bytes) {
        self.spill();
        self.chunk = chunk;
        self.start = 0;
        self.taken = 0;
    }

    /// Moves the window into the buffer.
    fn spill(&mut self) {
        if self.buffer.is_empty() {
            let window = self.chunk.get(self.start..self.taken).unwrap_or_default();
            append(&mut self.buffer, window, self.limit);
            self.start = self.taken;
        }
    }
}

/// Appends with doubling growth that stops at the limit, where `Vec` would go up to twice of it.
fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let needed = buffer.len() + bytes.len();
    if needed > buffer.capacity() {
        let target = buffer.capacity().saturating_mul(2).min(limit).max(needed);
        buffer.reserve_exact(target - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}
