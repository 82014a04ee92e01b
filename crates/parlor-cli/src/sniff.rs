//! The media type of a file by its first bytes.

/// Beginnings that tell a type by themselves.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-wmv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"ID3\x02", "audio/mpeg"),
    (b"ID3\x03", "audio/mpeg"),
    (b"ID3\x04", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
];

/// Brands of the ISO container, which stand at byte 8 after `ftyp`.
const BRANDS: &[(&[u8], &str)] = &[
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif"),
    (b"avif", "image/avif"),
    (b"qt  ", "video/quicktime"),
    (b"3gp", "video/3gpp"),
    (b"M4A ", "audio/mp4"),
];

/// The media type, where the bytes tell it.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let at = |from: usize, wanted: &[u8]| {
        bytes
            .get(from..)
            .is_some_and(|rest| rest.starts_with(wanted))
    };
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| at(0, magic)) {
        return Some(found);
    }
    // The letters BM alone begin many a text.
    if at(0, b"BM") && at(6, &[0; 4]) {
        return Some("image/bmp");
    }
    if at(0, b"RIFF") {
        let kinds: [(&[u8], _); 3] = [
            (b"WEBP", "image/webp"),
            (b"WAVE", "audio/wav"),
            (b"AVI ", "video/x-msvideo"),
        ];
        return kinds.iter().find(|(kind, _)| at(8, kind)).map(|it| it.1);
    }
    if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        return Some("audio/aiff");
    }
    if at(4, b"ftyp") {
        let found = BRANDS.iter().find(|(brand, _)| at(8, brand));
        return Some(found.map_or("video/mp4", |(_, found)| found));
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        let head = bytes.get(..64).unwrap_or(bytes);
        let is_matroska = head.windows(8).any(|word| word == b"matroska");
        return Some(if is_matroska {
            "video/x-matroska"
        } else {
            "video/webm"
        });
    }
    None
}

/// The media type that the end of a name stands for; for addresses, whose
/// bytes aren't here.
pub(crate) fn by_name(name: &str) -> Option<&'static str> {
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let file = path.rsplit('/').next().unwrap_or(path);
    let (_, end) = file.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "heic" => "image/heic",
        "avif" => "image/avif",
        "pdf" => "application/pdf",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "avi" => "video/x-msvideo",
        "mpg" | "mpeg" => "video/mpeg",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "aiff" => "audio/aiff",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_type() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
            (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
            (b"BM\x9a\x02\0\0\0\0\0\0\x36\0", "image/bmp"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
            (b"\0\0\0\x20ftypavif\0\0\0\0", "image/avif"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
            (b"\0\0\0\x14ftyp3gp4\0\0\0\0", "video/3gpp"),
            (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4"),
            (b"\0\0\0\x20ftypisom\0\0\0\0", "video/mp4"),
            (
                b"\x1a\x45\xdf\xa3\x01\x42\x82\x88matroska",
                "video/x-matroska",
            ),
            (b"\x1a\x45\xdf\xa3\x01\x42\x82\x84webm", "video/webm"),
            (b"%PDF-1.7", "application/pdf"),
            (b"ID3\x04\0\0", "audio/mpeg"),
            (b"\xff\xfb\x90\0", "audio/mpeg"),
            (b"OggS\0\x02", "audio/ogg"),
            (b"fLaC\0\0", "audio/flac"),
            (b"\xff\xf1\x50\x80", "audio/aac"),
            (b"FORM\0\0\0\0AIFFCOMM", "audio/aiff"),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(media_type(bytes), Some(*wanted), "{bytes:?}");
        }
    }

    #[test]
    fn text_is_no_media() {
        for text in [
            "",
            "BMW makes cars",
            "FORMAT",
            "RIFF on it",
            "ID3 tags",
            "{}",
        ] {
            assert_eq!(media_type(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_address_tells_by_its_end() {
        assert_eq!(by_name("https://x.example/a.JPG?w=1"), Some("image/jpeg"));
        assert_eq!(
            by_name("https://x.example/a.pdf#p2"),
            Some("application/pdf")
        );
        assert_eq!(by_name("https://x.example/photo"), None);
    }
}
