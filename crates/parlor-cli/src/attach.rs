//! Attachments: a file, an address or stdin becomes a part of the message.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use parlor::{ErrorKind, Media, MediaKind, Part};

use crate::failure::Failure;
use crate::sniff;

/// The most bytes of one attachment. No provider takes a larger file inline.
const LIMIT: u64 = 50 * 1024 * 1024;

/// The part for what was named: a path, or an address with `http`, `https`,
/// `data` or `file`.
pub(crate) fn part(what: &str) -> Result<Part, Failure> {
    let scheme = what.split_once(':').map(|(scheme, _)| scheme);
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("http" | "https" | "data") => Ok(address(what)),
        Some("file") => file(what.get("file:".len()..).unwrap_or_default()),
        _ => file(what),
    }
}

/// Media at an address, which the provider fetches.
fn address(url: &str) -> Part {
    let inline = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split([';', ',']).next());
    let media_type = inline
        .filter(|it| !it.is_empty())
        .or_else(|| sniff::by_name(url));
    // An address that doesn't tell is most likely a picture's.
    let kind = media_type.map_or(MediaKind::Image, MediaKind::of_media_type);
    let mut media = Media::url(kind, url);
    media.media_type = media_type.map(str::to_owned);
    media.into()
}

fn file(path: &str) -> Result<Part, Failure> {
    let path = path.strip_prefix("//").unwrap_or(path);
    let opened = File::open(path).and_then(|file| {
        let is_folder = file.metadata()?.is_dir();
        match is_folder {
            true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            false => Ok(file),
        }
    });
    let bytes = opened.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
            _ => error.to_string(),
        };
        unreadable(path, &why)
    })?;
    let name = Path::new(path)
        .file_name()
        .map(|name| name.to_string_lossy());
    from_bytes(path, name.as_deref(), read(bytes, path)?)
}

/// Reads all, up to the limit.
pub(crate) fn read(from: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, &error.to_string()))?;
    if bytes.len() as u64 > LIMIT {
        let limit = LIMIT / 1024 / 1024;
        return Err(wrong(format!("{name} is larger than {limit} MiB"))
            .help("attach a smaller file, or the address of it"));
    }
    Ok(bytes)
}

/// The part for bytes: media by their beginning, else text.
pub(crate) fn from_bytes(path: &str, name: Option<&str>, bytes: Vec<u8>) -> Result<Part, Failure> {
    if let Some(media_type) = sniff::media_type(&bytes) {
        let mut media = Media::bytes(media_type, bytes);
        media.name = name.map(str::to_owned);
        return Ok(media.into());
    }
    let text = text(bytes).ok_or_else(|| {
        wrong(format!(
            "{path} is neither text nor a kind of media that is known"
        ))
        .help("attach an image, a sound, a video, a PDF or UTF-8 text")
    })?;
    let name = name.unwrap_or(path);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    Ok(Part::text(format!(
        "<file name=\"{name}\">\n{text}{end}</file>\n\n"
    )))
}

/// The bytes as text, without a byte order mark; `None` if they are none.
pub(crate) fn text(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    match text.contains('\0') {
        true => None,
        false => Some(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }),
    }
}

fn unreadable(path: &str, why: &str) -> Failure {
    wrong(format!("cannot read {path}: {why}")).help("check the path and its permissions")
}

fn wrong(fact: String) -> Failure {
    Failure::bad_input("attachment", ErrorKind::Media, fact)
}
