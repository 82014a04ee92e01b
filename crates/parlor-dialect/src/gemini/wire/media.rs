//! Media in parts, both ways.

use super::part::modifiers;
use super::{Blob, Part, object, rest_of};
use crate::media;
use parlor_core::{Error, ErrorKind, Media, MediaFormat, MediaKind, MediaSource, Result};
use serde_json::{Map, Value, json};

/// The media of a part, and the part's native item; `None` if it has none that
/// can be read.
pub(in crate::gemini) fn read_media(part: &Part<'_>) -> Option<(Media, Map<String, Value>)> {
    let (field, raw) = match (part.inline_data, part.file_data) {
        (Some(raw), _) => ("inlineData", raw),
        (None, Some(raw)) => ("fileData", raw),
        (None, None) => return None,
    };
    let blob: Blob<'_> = object(raw);
    let media_type = (!blob.mime_type.is_empty()).then(|| blob.mime_type.to_string());
    let source = match field {
        "inlineData" => MediaSource::Bytes(media::decode(&blob.data)?),
        _ if blob.file_uri.is_empty() => return None,
        _ if is_stored(&blob.file_uri) => MediaSource::File(blob.file_uri.to_string()),
        _ => MediaSource::Url(blob.file_uri.to_string()),
    };
    let kind = match (&media_type, &source) {
        (Some(media_type), _) => MediaKind::of_media_type(media_type),
        (None, MediaSource::Url(url)) if is_film(url) => MediaKind::Video,
        (None, MediaSource::Url(url)) => {
            media_type_of(url).map_or(MediaKind::Document, MediaKind::of_media_type)
        }
        (None, _) => MediaKind::Document,
    };
    let mut media = Media::new(kind, source);
    media.media_type = media_type;
    let mut native = modifiers(part, true);
    let rest = rest_of(&blob.rest);
    if let Some(name) = rest.get("displayName").and_then(Value::as_str) {
        media.name = Some(name.to_owned());
    }
    if !rest.is_empty() {
        native.insert(field.to_owned(), rest.into());
    }
    if let Some(level) = native
        .get("mediaResolution")
        .and_then(|it| it["level"].as_str())
    {
        let word = level.trim_start_matches(RESOLUTION).to_ascii_lowercase();
        media.detail = Some(word);
    }
    Some((media, native))
}

/// What the levels of `mediaResolution` begin with.
pub(in crate::gemini) const RESOLUTION: &str = "MEDIA_RESOLUTION_";

/// Whether an address is of the provider's own file store.
fn is_stored(uri: &str) -> bool {
    uri.starts_with("files/") || uri.contains("generativelanguage.googleapis.com/")
}

/// Whether an address is of the one site whose films need no media type.
fn is_film(url: &str) -> bool {
    [
        "https://www.youtube.com/",
        "https://youtube.com/",
        "https://youtu.be/",
    ]
    .iter()
    .any(|site| url.starts_with(site))
}

/// The media type that an address's ending speaks of. The host wants one
/// beside every address.
fn media_type_of(url: &str) -> Option<&'static str> {
    Some(match MediaFormat::of_name(url)? {
        MediaFormat::Wmv => "video/wmv",
        format => format.media_type(),
    })
}

/// Media in the wire's words.
///
/// A name isn't written unless it came from here, since one of the two hosts
/// refuses it.
///
/// # Errors
/// `Media`, for bytes without a media type that don't tell it either.
pub(in crate::gemini) fn write_media(media: &Media) -> Result<Map<String, Value>> {
    let inline = |media_type: &str, bytes: &[u8]| json!({"inlineData": {"mimeType": media_type, "data": media::encode(bytes)}});
    let file = |uri: &str| {
        let known = media.media_type.as_deref().or_else(|| media_type_of(uri));
        match known {
            Some(media_type) => json!({"fileData": {"mimeType": media_type, "fileUri": uri}}),
            None => json!({"fileData": {"fileUri": uri}}),
        }
    };
    let part = match &media.source {
        MediaSource::Bytes(bytes) => {
            let told = media.media_type.as_deref().or_else(|| media::sniff(bytes));
            inline(told.ok_or_else(without_type)?, bytes)
        }
        MediaSource::Url(url) => match media::parse_data_url(url) {
            Some((media_type, bytes)) => {
                inline(media.media_type.as_deref().unwrap_or(media_type), &bytes)
            }
            None => file(url),
        },
        MediaSource::File(uri) => file(uri),
        _ => return Err(Error::unsupported("media of an unknown source")),
    };
    match part {
        Value::Object(part) => Ok(part),
        _ => Ok(Map::new()),
    }
}

fn without_type() -> Error {
    Error::new(ErrorKind::Media, "media bytes need a media type")
        .with_help("Set the media type, such as image/png.")
}
