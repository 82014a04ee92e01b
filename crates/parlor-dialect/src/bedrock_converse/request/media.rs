//! Images, documents, videos and sound.

use super::super::response::blocks::{FORMATS, MEDIA};
use super::super::wire::{Message, Object, block, key_of};
use super::writer::Writer;
use crate::media::{encode, parse_data_url, sniff};
use parlor_core::{Capability, Error, ErrorKind, Media, MediaKind, MediaSource, Part, Result};
use serde_json::{Value, json};

/// The most characters of a document's name.
const NAME_LIMIT: usize = 200;

/// What media types go by other names.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("image/jpg", "image/jpeg"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/x-wav", "audio/wav"),
    ("audio/wave", "audio/wav"),
    ("audio/x-flac", "audio/flac"),
    ("video/matroska", "video/x-matroska"),
    ("application/xhtml+xml", "text/html"),
    ("application/csv", "text/csv"),
    ("text/x-markdown", "text/markdown"),
];

/// The block of media; `None` where it was left out with a warning.
pub(super) fn write(part: &Part, media: &Media, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let kind = MEDIA.iter().find(|it| it.0 == media.kind);
    let (setting, needs) = match media.kind {
        MediaKind::Image => ("image", Capability::ImageInput),
        MediaKind::Video => ("video", Capability::VideoInput),
        MediaKind::Audio => ("audio", Capability::AudioInput),
        _ => ("document", Capability::DocumentInput),
    };
    if !writer.policy.allows(true, setting, needs)? {
        return Ok(None);
    }
    let Some((_, key)) = kind else {
        writer.feature(setting, "is not known to this dialect")?;
        return Ok(None);
    };
    if media.detail.as_ref().is_some_and(|it| it != "auto") {
        writer.knob("media.detail", "is not known to this dialect")?;
    }
    let native = writer.native(part);
    // A source that core can't say goes back as it came.
    if let Some(whole) = native.filter(|it| it.contains_key(*key)) {
        return Ok(Some(whole.clone()));
    }
    let mut inner = Object::new();
    let Some((format, source)) = source(media, writer)? else {
        return Ok(None);
    };
    inner.insert("format".to_owned(), format.into());
    if media.kind == MediaKind::Document {
        let name = name(media.name.as_deref(), writer);
        inner.insert("name".to_owned(), name.into());
    }
    inner.insert("source".to_owned(), source);
    inner.extend(native.cloned().unwrap_or_default());
    Ok(Some(block(key, inner)))
}

/// The format and source of media.
fn source(media: &Media, writer: &mut Writer<'_>) -> Result<Option<(&'static str, Value)>> {
    let (media_type, bytes) = match &media.source {
        MediaSource::Url(uri) | MediaSource::File(uri) if uri.starts_with("s3://") => {
            let by_name = || format_of_name(media.kind, uri);
            let format = media.media_type.as_deref().map(canonical);
            let format = format.and_then(|it| format_of(media.kind, it));
            let Some(format) = format.or_else(by_name) else {
                let why = "must be given or follow from the address's ending";
                writer.feature("media.media_type", why)?;
                return Ok(None);
            };
            return Ok(Some((format, json!({ "s3Location": { "uri": uri } }))));
        }
        MediaSource::Url(url) => match parse_data_url(url) {
            Some((media_type, bytes)) => (Some(media_type), bytes),
            None => {
                let why =
                    "at an address is not fetched here: send its bytes, or an `s3://` address";
                writer.feature("media", why)?;
                return Ok(None);
            }
        },
        MediaSource::Bytes(bytes) => (media.media_type.as_deref(), bytes.clone()),
        _ => {
            writer.feature("media", "from such a source is not known to this dialect")?;
            return Ok(None);
        }
    };
    let told = media_type.map(canonical);
    let format = match told {
        Some(told) => format_of(media.kind, told),
        None => {
            let pdf = bytes.starts_with(b"%PDF-").then_some("application/pdf");
            let by_name = || format_of_name(media.kind, media.name.as_deref()?);
            let sniffed = sniff(&bytes).or(pdf);
            sniffed
                .and_then(|it| format_of(media.kind, it))
                .or_else(by_name)
        }
    };
    let plain = media.kind == MediaKind::Document && std::str::from_utf8(&bytes).is_ok();
    let format = match format {
        Some(format) => format,
        // Any text can be read as one.
        None if plain => {
            if told.is_some() {
                writer.coerced("media.media_type", "the document was sent as plain text");
            }
            "txt"
        }
        None => {
            writer.feature("media.media_type", "is not one that this host takes")?;
            return Ok(None);
        }
    };
    let limits = &writer.quirks.limits;
    let (setting, most) = match media.kind {
        MediaKind::Image => ("image", limits.image_bytes),
        MediaKind::Document if !writer.takes_large(format) => ("document", limits.document_bytes),
        _ => ("", usize::MAX),
    };
    if bytes.len() > most {
        let what = format!(
            "`{setting}` of {} bytes is more than the {most} that this host takes",
            bytes.len()
        );
        writer.policy.media(setting, refused(what))?;
        return Ok(None);
    }
    Ok(Some((format, json!({ "bytes": encode(&bytes) }))))
}

/// Leaves out what a message has too much of.
pub(super) fn bound(message: &mut Message, writer: &mut Writer<'_>) -> Result<()> {
    let limits = &writer.quirks.limits;
    for (setting, most) in [("image", limits.images), ("document", limits.documents)] {
        let is_one = |it: &Object| key_of(it) == setting;
        let count = message.content.iter().filter(|it| is_one(it)).count();
        if count <= most {
            continue;
        }
        let what =
            format!("`{setting}` stands {count} times in a message, and {most} times at most may");
        writer.policy.media(setting, refused(what))?;
        let mut kept = 0;
        message.content.retain(|it| {
            kept += usize::from(is_one(it));
            !is_one(it) || kept <= most
        });
    }
    Ok(())
}

fn refused(what: String) -> Error {
    Error::new(ErrorKind::Media, what)
        .with_help("Make it smaller, send fewer in a message, or name an `s3://` address.")
}

/// A media type without parameters, under its usual name.
fn canonical(media_type: &str) -> &str {
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    let row = OTHER_NAMES
        .iter()
        .find(|it| it.0.eq_ignore_ascii_case(bare));
    row.map_or(bare, |it| it.1)
}

fn format_of(kind: MediaKind, media_type: &str) -> Option<&'static str> {
    let fits =
        |row: &&(MediaKind, &str, &str)| row.0 == kind && row.2.eq_ignore_ascii_case(media_type);
    FORMATS.iter().find(fits).map(|row| row.1)
}

/// The format that a name's ending tells.
fn format_of_name(kind: MediaKind, name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    let ending = match ending.to_ascii_lowercase().as_str() {
        "jpg" => "jpeg".to_owned(),
        "3gp" => "three_gp".to_owned(),
        "htm" => "html".to_owned(),
        other => other.to_owned(),
    };
    let fits = |row: &&(MediaKind, &str, &str)| row.0 == kind && row.1 == ending;
    FORMATS.iter().find(fits).map(|row| row.1)
}

/// A document's name, which must be there, be unlike the others' and have
/// letters, digits, single spaces, hyphens, round and square brackets only.
fn name(wanted: Option<&str>, writer: &mut Writer<'_>) -> String {
    let mut name = String::new();
    for it in wanted.unwrap_or_default().chars() {
        let it = match it {
            '-' | '(' | ')' | '[' | ']' => it,
            it if it.is_whitespace() => ' ',
            it if it.is_ascii_alphanumeric() => it,
            _ => '-',
        };
        if name.len() < NAME_LIMIT && !(it == ' ' && name.ends_with(' ')) {
            name.push(it);
        }
    }
    let mut name = name.trim().to_owned();
    if wanted.is_some_and(|it| it != name) {
        writer.coerced(
            "media.name",
            "characters that this host refuses were replaced",
        );
    }
    if name.is_empty() {
        name = format!("Document {}", writer.documents.len() + 1);
    }
    let mut told = name.clone();
    let mut count = 1;
    while writer.documents.contains(&told) {
        count += 1;
        told = format!("{} ({count})", name.get(..NAME_LIMIT - 8).unwrap_or(&name));
    }
    writer.documents.push(told.clone());
    told
}
