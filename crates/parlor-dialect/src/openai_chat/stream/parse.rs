//! From bytes to a chunk.

use super::super::error;
use super::super::quirks::Quirks;
use super::super::wire::{Chunk, Fill};
use crate::{fields, json};
use parlor_core::{Error, Result};
use serde_json::{Deserializer, Value};

/// Reads a chunk or a whole answer; what servers break in text is repaired in
/// `scratch`.
pub(in super::super) fn parse<'a>(
    data: &'a [u8],
    quirks: &Quirks,
    scratch: &'a mut String,
    chunk: &mut Chunk<'a>,
) -> Result<()> {
    if data.first() != Some(&b'{') {
        let value = serde_json::from_slice::<Value>(data).ok();
        let reported = value.and_then(|value| error::in_band(&value, &quirks.error_codes));
        return Err(reported
            .unwrap_or_else(|| Error::decode("what came is no object of JSON").with_body(data)));
    }
    let mut read = match std::str::from_utf8(data) {
        // Read as a text, so that not each string in it is looked through again.
        Ok(text) => fields::read(text, chunk),
        Err(_) => {
            let mut reader = Deserializer::from_slice(data);
            chunk.fill(&mut reader).and_then(|()| reader.end())
        }
    };
    if read.is_err()
        && let Some(text) = json::repair(data)
    {
        *scratch = text;
        *chunk = Chunk::default();
        let mut reader = Deserializer::from_str(scratch);
        read = chunk.fill(&mut reader).and_then(|()| reader.end());
    }
    read.map_err(|error| Error::decode(format!("what came is no JSON: {error}")).with_body(data))
}

/// Without a byte order mark and white space around it.
pub(in super::super) fn trimmed(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(data)
        .trim_ascii()
}
