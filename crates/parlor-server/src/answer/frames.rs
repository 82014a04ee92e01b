//! Where the frames of an answer are put.

use bytes::Bytes;
use parlor_dialect::FrameWriter;

use super::Form;

/// Frames as bytes.
pub(super) struct Frames {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
    pub(super) is_begun: bool,
}

impl Frames {
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).into()
    }

    pub(super) fn end(&mut self) {
        if self.form == Form::Array {
            let end: &[u8] = if self.is_begun { b"\n]\n" } else { b"[]\n" };
            self.bytes.extend_from_slice(end);
        }
    }
}

impl FrameWriter for Frames {
    fn frame(&mut self, event: Option<&str>, data: &[u8]) {
        match self.form {
            Form::Frames(framing) => framing.put(event, data, &mut self.bytes),
            Form::Array => {
                let begun = std::mem::replace(&mut self.is_begun, true);
                let before: &[u8] = if begun { b",\n" } else { b"[" };
                self.bytes.extend_from_slice(before);
                self.bytes.extend_from_slice(data);
            }
        }
    }
}

/// For frames that nobody is to see.
pub(super) struct Nowhere;

impl FrameWriter for Nowhere {
    fn frame(&mut self, _: Option<&str>, _: &[u8]) {}
}
