//! Images and documents.

use super::super::wire::{Object, block};
use super::writer::Writer;
use crate::media::{encode, parse_data_url, sniff};
use parlor_core::{Capability, Media, MediaKind, MediaSource, Result};
use serde_json::Value;

/// The image types that the dialect takes.
const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The block of an image or document; `None` where it was left out with a
/// warning.
pub(super) fn write(media: &Media, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let (kind, needs) = match media.kind {
        MediaKind::Image => ("image", Capability::ImageInput),
        MediaKind::Audio => ("audio", Capability::AudioInput),
        MediaKind::Video => ("video", Capability::VideoInput),
        _ => ("document", Capability::DocumentInput),
    };
    if !writer.allows(kind, needs)? {
        return Ok(None);
    }
    match media.kind {
        MediaKind::Image => {}
        MediaKind::Document if writer.quirks.documents => {}
        MediaKind::Document => {
            writer.feature(kind, "is not supported here")?;
            return Ok(None);
        }
        _ => {
            writer.feature(
                kind,
                "is not known to this dialect: images and documents are",
            )?;
            return Ok(None);
        }
    }
    let Some(source) = source(media, writer)? else {
        return Ok(None);
    };
    let mut block = block(kind);
    block.insert("source".to_owned(), Value::Object(source));
    if let (MediaKind::Document, Some(name)) = (media.kind, &media.name) {
        block.insert("title".to_owned(), name.as_str().into());
    }
    if media.detail.as_ref().is_some_and(|it| it != "auto") {
        writer.knob("media.detail", "is not known to this dialect")?;
    }
    writer.mark(&mut block, media.cache.as_ref())?;
    Ok(Some(block))
}

fn source(media: &Media, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let texts = |kind: &str, fields: &[(&str, &str)]| {
        let mut source = block(kind);
        for (key, text) in fields {
            source.insert((*key).to_owned(), Value::from(*text));
        }
        source
    };
    let (media_type, bytes) = match &media.source {
        MediaSource::File(id) => {
            writer.uses_files = true;
            return Ok(Some(texts("file", &[("file_id", id)])));
        }
        MediaSource::Url(url) => match parse_data_url(url) {
            Some((media_type, bytes)) => (Some(media_type), bytes),
            None => return Ok(Some(texts("url", &[("url", url)]))),
        },
        MediaSource::Bytes(bytes) => (media.media_type.as_deref(), bytes.clone()),
        _ => {
            writer.feature("media", "from such a source is not known to this dialect")?;
            return Ok(None);
        }
    };
    let media_type = media_type.or_else(|| sniff(&bytes)).unwrap_or_default();
    let media_type = match media_type {
        "image/jpg" => "image/jpeg",
        other => other,
    };
    let plain = || std::str::from_utf8(&bytes).ok();
    let whole = |media_type: &str| {
        let data = encode(&bytes);
        Some(texts(
            "base64",
            &[("media_type", media_type), ("data", &data)],
        ))
    };
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    Ok(match media.kind {
        MediaKind::Image if IMAGES.contains(&media_type) => whole(media_type),
        MediaKind::Document if media_type == "application/pdf" => whole(media_type),
        MediaKind::Document if is_text && plain().is_some() => {
            if media_type != "text/plain" {
                writer.coerced("media.media_type", "the document was sent as plain text");
            }
            let data = plain().unwrap_or_default();
            Some(texts(
                "text",
                &[("media_type", "text/plain"), ("data", data)],
            ))
        }
        _ => {
            let why = "must be JPEG, PNG, GIF, WebP, PDF or text here";
            writer.feature("media.media_type", why)?;
            None
        }
    })
}
