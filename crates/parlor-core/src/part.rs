//! What a message is made of: text, media, reasoning, tool calls and results.

use crate::capability::Capability;
use crate::tool::{ToolCall, ToolResult};
use bytes::Bytes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One piece of a message, in order.
///
/// The JSON form is an object whose `type` is the variant in snake case:
/// `{"type":"text","text":"Hi"}`.
///
/// **Law: a part boundary stands wherever native data changes, even with empty
/// text**; neighbours are never merged across one, since a provider that put a
/// signature on an empty text wants it back at that place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Text, with its citations.
    Text(Text),
    /// An image, a sound, a video or a document.
    Media(Media),
    /// What the model thought before it answered.
    Reasoning(Reasoning),
    /// A tool call.
    ToolCall(ToolCall),
    /// The result of a tool call.
    ToolResult(ToolResult),
    /// The model's words where it refuses.
    Refusal(Refusal),
    /// A page or document that the whole answer rests on.
    Source(Source),
    /// A provider's item that parlor doesn't model, verbatim.
    Native(Native),
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::new(text))
    }

    /// The text of a text part.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// The provider's own item on this part, whatever its origin. For replay
    /// use [`native_for`](Self::native_for).
    pub fn native(&self) -> Option<&Native> {
        match self {
            Self::Text(part) => part.native.as_deref(),
            Self::Media(part) => part.native.as_deref(),
            Self::Reasoning(part) => part.native.as_deref(),
            Self::ToolCall(part) => part.native.as_deref(),
            Self::ToolResult(part) => part.native.as_deref(),
            Self::Refusal(part) => part.native.as_deref(),
            Self::Source(part) => part.native.as_deref(),
            Self::Native(native) => Some(native),
        }
    }

    /// Puts a provider's own item on this part and seals it to the part's
    /// present content. On a [`Part::Native`] it replaces the item.
    pub fn set_native(&mut self, mut native: Native) {
        native.seal = Some(self.fingerprint());
        let slot = match self {
            Self::Text(part) => &mut part.native,
            Self::Media(part) => &mut part.native,
            Self::Reasoning(part) => &mut part.native,
            Self::ToolCall(part) => &mut part.native,
            Self::ToolResult(part) => &mut part.native,
            Self::Refusal(part) => &mut part.native,
            Self::Source(part) => &mut part.native,
            Self::Native(own) => {
                native.seal = None;
                *own = native;
                return;
            }
        };
        *slot = Some(Box::new(native));
    }

    /// The same part with a provider's own item on it.
    #[must_use]
    pub fn with_native(mut self, native: Native) -> Self {
        self.set_native(native);
        self
    }

    /// The provider's own item if it may be replayed to `origin`: it came from
    /// there and the part was not edited since.
    pub fn native_for(&self, origin: &Origin) -> Option<&Value> {
        let native = self.native()?;
        let unedited = native.seal.is_none_or(|seal| seal == self.fingerprint());
        (native.origin == *origin && unedited).then_some(&native.item)
    }

    /// The cache hint on this part.
    pub fn cache(&self) -> Option<&CacheHint> {
        match self {
            Self::Text(part) => part.cache.as_ref(),
            Self::Media(part) => part.cache.as_ref(),
            Self::ToolCall(part) => part.cache.as_ref(),
            Self::ToolResult(part) => part.cache.as_ref(),
            Self::Reasoning(_) | Self::Refusal(_) | Self::Source(_) | Self::Native(_) => None,
        }
    }

    /// A hash of what the part says, without native data and cache hints.
    /// FNV-1a, so that it is the same in every build and on every machine.
    fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        match self {
            Self::Text(part) => hash.text(&part.text),
            Self::Reasoning(part) => hash.text(&part.text),
            Self::Refusal(part) => hash.text(&part.text),
            Self::Media(part) => match &part.source {
                MediaSource::Url(url) => hash.text(url),
                MediaSource::Bytes(bytes) => hash.bytes(bytes),
                MediaSource::File(id) => hash.text(id),
            },
            Self::ToolCall(part) => {
                hash.text(&part.name);
                hash.text(&part.arguments.text);
            }
            Self::ToolResult(part) => {
                for part in &part.parts {
                    hash.bytes(&part.fingerprint().to_le_bytes());
                }
            }
            Self::Source(part) => {
                hash.text(part.url.as_deref().unwrap_or_default());
                hash.text(part.title.as_deref().unwrap_or_default());
            }
            Self::Native(_) => {}
        }
        hash.0
    }
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The length goes in too, so that ("ab", "c") and ("a", "bc") differ.
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&(text.len() as u64).to_le_bytes());
    }
}

macro_rules! into_part {
    ($($name:ident),+) => { $(
        impl From<$name> for Part {
            fn from(part: $name) -> Self {
                Self::$name(part)
            }
        }
    )+ };
}

into_part!(
    Text, Media, Reasoning, ToolCall, ToolResult, Refusal, Source, Native
);

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// Where a native item came from and may go back to.
///
/// It outlives the configuration, since it is stored with conversations. So it
/// names the provider and not the configured instance, as long as the instance
/// asks the provider at the provider's own address: an instance may be renamed,
/// and two with keys of their own read each other's items. An instance with a
/// `base_url` of its own is another host, and its origin is its own name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Origin {
    /// The provider's id, or the name of an instance with an address of its own.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub provider: CompactString,
    /// The dialect's name, such as `anthropic-messages`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub dialect: CompactString,
}

impl Origin {
    /// An origin from its two halves.
    pub fn new(provider: impl Into<CompactString>, dialect: impl Into<CompactString>) -> Self {
        Self {
            provider: provider.into(),
            dialect: dialect.into(),
        }
    }
}

/// A provider's own item: a signature, encrypted content, ids, or a whole part
/// that parlor doesn't model.
///
/// It is replayed only to the [`Origin`] it came from and only while the part
/// it stands on is unedited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Native {
    /// Where it came from.
    pub origin: Origin,
    /// The item, as JSON; its shape is the dialect's affair.
    pub item: Value,
    /// Hash of the part's content when the item was put on it, in hexadecimal;
    /// `None` for an item that stands alone or was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    seal: Option<u64>,
}

impl Native {
    /// An item from an origin.
    pub fn new(origin: Origin, item: impl Into<Value>) -> Self {
        Self {
            origin,
            item: item.into(),
            seal: None,
        }
    }
}

/// A 64-bit number as hexadecimal text, since JSON readers round such numbers.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(seal: &Option<u64>, s: S) -> Result<S::Ok, S::Error> {
        match seal {
            Some(seal) => s.collect_str(&format_args!("{seal:016x}")),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom))
            .transpose()
    }
}

/// A wish to cache the prompt up to and including the thing it stands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CacheHint {
    /// How long to keep it, in seconds; `None` is the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
}

impl CacheHint {
    /// A hint that asks for this time to live, in seconds.
    pub fn ttl(seconds: u32) -> Self {
        Self {
            ttl_seconds: Some(seconds),
        }
    }
}

/// Text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Text {
    /// The text.
    pub text: String,
    /// What spans of it rest on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
    /// A wish to cache the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheHint>,
}

impl Text {
    /// Text without citations.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// What a span of text rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Citation {
    /// Address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Title of the page or document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The words of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Where the span begins in the text it stands on, in the provider's
    /// units (characters, for most).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Where the span ends, exclusive, in the same units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
}

/// A page or document that an answer rests on as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Source {
    /// Address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A passage of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
}

/// What the model thought before it answered.
///
/// Without a valid native item (a signature) it is for reading only: it is not
/// sent back as text to a provider that didn't write it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Reasoning {
    /// The thoughts, or a summary of them; empty where they are hidden and
    /// only the native item counts.
    pub text: String,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
}

impl Reasoning {
    /// Reasoning without native data.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            native: None,
        }
    }
}

/// The model's words where it refuses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Refusal {
    /// What it says.
    pub text: String,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
}

impl Refusal {
    /// A refusal in these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            native: None,
        }
    }
}

/// What sort of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A film.
    Video,
    /// A PDF or another document.
    Document,
}

impl MediaKind {
    /// The kind that a media type such as `image/png` belongs to; everything
    /// that is no picture, sound or film is a document.
    pub fn of_media_type(media_type: &str) -> Self {
        match media_type.split('/').next() {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }

    /// The capability of a model that reads it.
    pub fn input(self) -> Capability {
        match self {
            Self::Image => Capability::ImageInput,
            Self::Audio => Capability::AudioInput,
            Self::Video => Capability::VideoInput,
            Self::Document => Capability::DocumentInput,
        }
    }
}

/// Where the media is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MediaSource {
    /// At an address that the provider fetches.
    Url(String),
    /// Here; base64 (standard alphabet, padded) in JSON.
    Bytes(
        #[serde(with = "base64_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        Bytes,
    ),
    /// In the provider's file store, under this id.
    File(String),
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(bytes.into())
    }
}

/// An image, a sound, a video or a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Media {
    /// What sort of media.
    pub kind: MediaKind,
    /// Where it is.
    pub source: MediaSource,
    /// Its media type, such as `image/png`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How closely to look: `low`, `high`, `auto` or another word of the
    /// provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// A file name or title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said in it, for audio that a model made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// The provider's own item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Box<Native>>,
    /// A wish to cache the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheHint>,
}

impl Media {
    /// Media of a kind from a source.
    pub fn new(kind: MediaKind, source: MediaSource) -> Self {
        Self {
            kind,
            source,
            media_type: None,
            detail: None,
            name: None,
            transcript: None,
            native: None,
            cache: None,
        }
    }

    /// Media at an address that the provider fetches.
    pub fn url(kind: MediaKind, url: impl Into<String>) -> Self {
        Self::new(kind, MediaSource::Url(url.into()))
    }

    /// Media whose bytes are here; the kind follows from the media type.
    pub fn bytes(media_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let media_type = media_type.into();
        let kind = MediaKind::of_media_type(&media_type);
        Self {
            media_type: Some(media_type),
            ..Self::new(kind, MediaSource::Bytes(bytes.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn native_items_go_home_only_and_only_unedited() {
        let home = Origin::new("anthropic", "anthropic-messages");
        let away = Origin::new("bedrock", "anthropic-messages");
        let part: Part = Reasoning::new("hm").into();
        let mut part = part.with_native(Native::new(home.clone(), json!({"signature": "x"})));
        assert_eq!(part.native_for(&home), Some(&json!({"signature": "x"})));
        assert_eq!(part.native_for(&away), None);

        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&json).unwrap(), part);

        if let Part::Reasoning(reasoning) = &mut part {
            reasoning.text.push('!');
        }
        assert_eq!(part.native_for(&home), None);
    }

    #[test]
    fn media_bytes_are_base64() {
        let part: Part = Media::bytes("image/png", vec![0x89, b'P']).into();
        let json = serde_json::to_value(&part).unwrap();
        assert_eq!(
            json,
            json!({"type": "media", "kind": "image", "source": {"bytes": "iVA="}, "media_type": "image/png"})
        );
        assert_eq!(serde_json::from_value::<Part>(json).unwrap(), part);
    }
}
