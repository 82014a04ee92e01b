//! How much memory an event takes, for bounds.

use parlor_core::Event;
use std::io::{self, Write};

/// The bytes that an event holds beside its own size, near enough for a bound:
/// exact for texts, the length of the JSON form for the rare others.
pub(crate) fn weight(event: &Event) -> usize {
    match event {
        Event::TextDelta { text, .. }
        | Event::ReasoningDelta { text, .. }
        | Event::ArgumentsDelta { text, .. } => text.len(),
        Event::PartFinished {
            content: None,
            native: None,
            ..
        } => 0,
        other => json_len(other),
    }
}

/// The length of the JSON form, without writing it anywhere.
fn json_len(value: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What can't be written weighs what was written of it.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
