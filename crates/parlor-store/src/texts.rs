//! Texts as every database takes them.

use parlor_agent::{KeptTurn, searchable};
use sqlx::any::AnyTypeInfo;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Database, Encode, Type};
use std::borrow::Cow;

/// The most bytes of a turn's text that words are looked for in: PostgreSQL takes 1 MiB of what it
/// makes of a text to search it, which may be up to four times as long.
/// <https://www.postgresql.org/docs/current/textsearch-limitations.html>
const SEARCHED: usize = 256 * 1024;

/// A text to be bound to a statement, without zero letters.
pub(crate) struct Plain<'a>(Cow<'a, str>);

/// The text as it may be bound: PostgreSQL has no zero letters, and refuses the whole statement for
/// one.
pub(crate) fn plain(text: &str) -> Plain<'_> {
    Plain(match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    })
}

/// The text of a turn that words are looked for in. A zero letter divides words.
pub(crate) fn searched(kept: &KeptTurn) -> String {
    let mut text = searchable(&kept.turn).replace('\0', " ");
    text.truncate(text.floor_char_boundary(SEARCHED));
    text
}

impl Plain<'_> {
    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl Type<Any> for Plain<'_> {
    fn type_info() -> AnyTypeInfo {
        <str as Type<Any>>::type_info()
    }
}

impl<'q> Encode<'q, Any> for Plain<'q> {
    fn encode_by_ref(
        &self,
        buffer: &mut <Any as Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        <&str as Encode<'_, Any>>::encode(&self.0, buffer)
    }
}
