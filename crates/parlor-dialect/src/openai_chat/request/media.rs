//! Media and cache hints in content parts, both ways.

use super::super::quirks::{CacheStyle, Documents, ImageBytes, Quirks};
use super::super::wire::request::ContentPart;
use crate::media::{data_url, decode, encode, parse_data_url};
use crate::policy::Policy;
use parlor_core::{CacheHint, Capability, Media, MediaKind, MediaSource, Result};
use serde_json::{Map, Value, json};

/// Formats of sound whose name isn't the second half of their media type.
const SOUNDS: &[(&str, &str)] = &[
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("wav", "audio/x-wav"),
    ("wav", "audio/wave"),
    ("m4a", "audio/mp4"),
];

/// Writes media as a part; `None` where it can't be said and a warning is
/// enough.
pub(super) fn write<'a>(
    media: &'a Media,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
) -> Result<Option<ContentPart<'a>>> {
    let (name, capability) = match media.kind {
        MediaKind::Image => ("image", Capability::ImageInput),
        MediaKind::Audio => ("audio", Capability::AudioInput),
        MediaKind::Video => ("video", Capability::VideoInput),
        _ => ("document", Capability::DocumentInput),
    };
    if !policy.allows(true, name, capability)? {
        return Ok(None);
    }
    if let (MediaKind::Image, MediaSource::Url(url)) = (media.kind, &media.source)
        && (1..url.len()).contains(&quirks.max_image_url)
        && !url.starts_with("data:")
    {
        let why = format!(
            "has an address of {} bytes; this host takes {} at most, or the image's bytes",
            url.len(),
            quirks.max_image_url,
        );
        return policy.feature(name, &why).map(|()| None);
    }
    let written = match media.kind {
        MediaKind::Image => image(media, quirks),
        MediaKind::Audio => audio(media, quirks),
        MediaKind::Video => video(media, quirks),
        _ => document(media, quirks),
    };
    match written {
        Ok(part) => Ok(Some(part)),
        Err(why) => policy.feature(name, why).map(|()| None),
    }
}

type Written<'a> = std::result::Result<ContentPart<'a>, &'static str>;

const NO_ADDRESS: &str = "must be bytes for this host, it fetches no addresses";

fn image<'a>(media: &Media, quirks: &Quirks) -> Written<'a> {
    let url = match &media.source {
        MediaSource::Url(url) if quirks.image_urls => url.clone(),
        MediaSource::Url(_) => return Err(NO_ADDRESS),
        MediaSource::Bytes(bytes) => match quirks.image_bytes {
            ImageBytes::DataUrl => {
                data_url(media.media_type.as_deref().unwrap_or("image/png"), bytes)
            }
            ImageBytes::Base64 => encode(bytes),
        },
        source => uploaded(source, quirks)?,
    };
    Ok(by_url("image_url", url, media))
}

/// The address of an uploaded file.
fn uploaded(source: &MediaSource, quirks: &Quirks) -> std::result::Result<String, &'static str> {
    match (source, quirks.file_scheme.as_str()) {
        (MediaSource::File(_), "") => Err("can't be named by a file id"),
        (MediaSource::File(id), scheme) => Ok(format!("{scheme}{id}")),
        _ => Err("has a source that is not known to this dialect"),
    }
}

fn by_url<'a>(kind: &'static str, url: String, media: &Media) -> ContentPart<'a> {
    let mut inner = Map::new();
    inner.insert("url".to_owned(), url.into());
    if let Some(detail) = &media.detail {
        inner.insert("detail".to_owned(), detail.as_str().into());
    }
    ContentPart::new(kind, inner.into())
}

fn audio<'a>(media: &Media, quirks: &Quirks) -> Written<'a> {
    if quirks.audio && quirks.bare_audio {
        let text = match &media.source {
            MediaSource::Url(url) => url.clone(),
            MediaSource::Bytes(bytes) => encode(bytes),
            _ => return Err("can't be named by a file id"),
        };
        return Ok(ContentPart::new("input_audio", text.into()));
    }
    if !quirks.audio {
        return Err("is not taken by this host");
    }
    let media_type = media.media_type.as_deref().unwrap_or("audio/wav");
    let data = match &media.source {
        MediaSource::Bytes(bytes) if quirks.audio_urls => data_url(media_type, bytes),
        MediaSource::Bytes(bytes) => encode(bytes),
        MediaSource::Url(url) if quirks.audio_urls => url.clone(),
        _ => return Err("must be bytes for this host"),
    };
    let known = SOUNDS.iter().find(|(_, it)| *it == media_type);
    let format = match known {
        Some((format, _)) => format,
        None => media_type.rsplit('/').next().unwrap_or(media_type),
    };
    let inner = json!({"data": data, "format": format});
    Ok(ContentPart::new("input_audio", inner))
}

fn video<'a>(media: &Media, quirks: &Quirks) -> Written<'a> {
    let url = match &media.source {
        _ if !quirks.video_url => return Err("is not taken by this host"),
        MediaSource::Url(_) if !quirks.video_urls => return Err(NO_ADDRESS),
        MediaSource::Url(url) => url.clone(),
        MediaSource::Bytes(bytes) => {
            data_url(media.media_type.as_deref().unwrap_or("video/mp4"), bytes)
        }
        source => uploaded(source, quirks)?,
    };
    Ok(by_url("video_url", url, media))
}

fn document<'a>(media: &Media, quirks: &Quirks) -> Written<'a> {
    let data = |bytes| {
        data_url(
            media.media_type.as_deref().unwrap_or("application/pdf"),
            bytes,
        )
    };
    match (quirks.documents, &media.source) {
        (Documents::None, _) => Err("is not taken by this host"),
        (Documents::File, MediaSource::File(id)) => {
            Ok(ContentPart::new("file", json!({ "file_id": id })))
        }
        (Documents::File, source) => {
            let data = match source {
                MediaSource::Url(_) if !quirks.document_urls => return Err(NO_ADDRESS),
                MediaSource::Url(url) => url.clone(),
                MediaSource::Bytes(bytes) => data(bytes),
                _ => return Err("has a source that is not known to this dialect"),
            };
            let mut inner = Map::new();
            // Without a name some hosts refuse it.
            let name = match (&media.name, source) {
                (Some(name), _) => Some(name.as_str()),
                (None, MediaSource::Bytes(_)) => Some(UNNAMED),
                _ => None,
            };
            if let Some(name) = name {
                inner.insert("filename".to_owned(), name.into());
            }
            inner.insert("file_data".to_owned(), data.into());
            Ok(ContentPart::new("file", inner.into()))
        }
        (Documents::FileUrl, MediaSource::Url(url)) => {
            Ok(ContentPart::new("file_url", json!({ "url": url })))
        }
        (Documents::FileUrl, _) => Err("must be an address for this host"),
        (_, MediaSource::File(id)) => {
            let mut part = ContentPart::new("file_id", id.as_str().into());
            part.kind = "file".into();
            Ok(part)
        }
        (_, source) => {
            let url = match source {
                MediaSource::Url(url) => url.clone(),
                MediaSource::Bytes(bytes) => data(bytes),
                _ => return Err("has a source that is not known to this dialect"),
            };
            let mut part = ContentPart::new("document_url", url.into());
            if let Some(name) = &media.name {
                let name = name.as_str().into();
                part.rest.insert("document_name".to_owned(), name);
            }
            Ok(part)
        }
    }
}

/// The name of a document that has none.
const UNNAMED: &str = "document";

/// Reads a part as media. What the media has no place for stays in the part;
/// a part that is no media stays whole.
pub(super) fn read(part: &mut ContentPart<'_>) -> Option<Media> {
    let kind = part.kind.to_string();
    if kind == "file"
        && !part.rest.contains_key(&kind)
        && let Some(Value::String(id)) = part.rest.remove("file_id")
    {
        return Some(Media::new(MediaKind::Document, MediaSource::File(id)));
    }
    let inner = part.rest.get(&kind)?;
    let text = |key: &str| inner.get(key).and_then(Value::as_str).map(str::to_owned);
    let url = inner.as_str().map(str::to_owned).or_else(|| text("url"));
    let (mut media, used): (Media, &[&str]) = match &*kind {
        "image_url" | "video_url" => {
            let kind = match &*kind {
                "image_url" => MediaKind::Image,
                _ => MediaKind::Video,
            };
            (of_url(kind, &url?), &["url", "detail"])
        }
        "input_audio" => {
            let data = text("data").or_else(|| inner.as_str().map(str::to_owned))?;
            let format = text("format");
            let known = SOUNDS.iter().find(|(it, _)| Some(*it) == format.as_deref());
            let media_type = match (known, format) {
                (Some((_, media_type)), _) => (*media_type).to_owned(),
                (None, Some(format)) => format!("audio/{format}"),
                (None, None) => "audio/wav".to_owned(),
            };
            let urls = ["http:", "https:", "data:"];
            let media = match urls.iter().any(|it| data.starts_with(it)) {
                true => of_url(MediaKind::Audio, &data),
                false => Media::bytes(media_type, decode(&data)?),
            };
            (media, &["data", "format"])
        }
        "file" => {
            let source = match (text("file_id"), text("file_data")) {
                (Some(id), _) => Media::new(MediaKind::Document, MediaSource::File(id)),
                (None, Some(data)) => of_url(MediaKind::Document, &data),
                (None, None) => return None,
            };
            (source, &["file_id", "file_data", "filename"])
        }
        "document_url" | "file_url" => (of_url(MediaKind::Document, &url?), &["url"]),
        _ => return None,
    };
    media.detail = text("detail").filter(|_| used.contains(&"detail"));
    media.name = text("filename").filter(|name| name != UNNAMED);
    if kind == "document_url" {
        let name = part.rest.remove("document_name");
        media.name = name.and_then(|it| Some(it.as_str()?.to_owned()));
    }
    if let Some(Value::Object(inner)) = part.rest.get_mut(&kind) {
        for key in used {
            inner.remove(*key);
        }
        if !inner.is_empty() {
            return Some(media);
        }
    }
    part.rest.remove(&kind);
    Some(media)
}

fn of_url(kind: MediaKind, url: &str) -> Media {
    match parse_data_url(url) {
        Some((media_type, bytes)) => {
            let mut media = Media::bytes(media_type, bytes);
            media.kind = kind;
            media
        }
        None => Media::url(kind, url),
    }
}

/// Times to live that can be said, in seconds.
const LIVES: &[(u32, &str)] = &[(300, "5m"), (1_800, "30m"), (3_600, "1h")];

/// The field that says a cache hint, where the host has one.
pub(crate) fn cache_field(
    hint: &CacheHint,
    style: CacheStyle,
    policy: &mut Policy<'_>,
) -> Option<(&'static str, Value)> {
    let (field, kind, word, lives) = match style {
        CacheStyle::CacheControl => ("cache_control", "type", "ephemeral", &["5m", "1h"][..]),
        CacheStyle::Breakpoint => ("prompt_cache_breakpoint", "mode", "explicit", &["30m"][..]),
        _ => return None,
    };
    let mut value = Map::new();
    value.insert(kind.to_owned(), word.into());
    if let Some(seconds) = hint.ttl_seconds {
        let known = LIVES.iter().filter(|(_, word)| lives.contains(word));
        if let Some((nearest, word)) = known.min_by_key(|(life, _)| life.abs_diff(seconds)) {
            if *nearest != seconds {
                let message = format!("a life of {seconds} s in the cache is sent as {word}");
                policy.coerced("cache", message);
            }
            value.insert("ttl".to_owned(), (*word).into());
        }
    }
    Some((field, value.into()))
}

/// Takes a cache hint out of a part's or a tool's fields; what isn't one in a
/// known form stays.
pub(crate) fn take_cache(rest: &mut Map<String, Value>) -> Option<CacheHint> {
    for (field, kind, word) in [
        ("cache_control", "type", "ephemeral"),
        ("prompt_cache_breakpoint", "mode", "explicit"),
    ] {
        let Some(Value::Object(fields)) = rest.get(field) else {
            continue;
        };
        let ttl = fields.get("ttl").and_then(Value::as_str);
        let life = LIVES.iter().find(|(_, word)| Some(*word) == ttl);
        let count = 1 + usize::from(ttl.is_some());
        if fields.get(kind).is_some_and(|it| it == word)
            && fields.len() == count
            && life.is_some() == ttl.is_some()
        {
            rest.remove(field);
            return Some(match life {
                Some((seconds, _)) => CacheHint::ttl(*seconds),
                None => CacheHint::default(),
            });
        }
    }
    None
}
