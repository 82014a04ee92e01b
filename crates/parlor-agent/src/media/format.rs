//! What bytes are, by how they begin.

/// A format, and the endings that names of such files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) media_type: &'static str,
    endings: &'static [&'static str],
}

const fn format(media_type: &'static str, endings: &'static [&'static str]) -> Format {
    Format {
        media_type,
        endings,
    }
}

impl Format {
    pub(super) const TEXT: Self = format("text/plain", &["txt"]);
    const PNG: Self = format("image/png", &["png"]);
    const JPEG: Self = format("image/jpeg", &["jpg", "jpeg"]);
    const GIF: Self = format("image/gif", &["gif"]);
    const WEBP: Self = format("image/webp", &["webp"]);
    const HEIC: Self = format("image/heic", &["heic"]);
    const HEIF: Self = format("image/heif", &["heif"]);
    const AVIF: Self = format("image/avif", &["avif"]);
    const BMP: Self = format("image/bmp", &["bmp"]);
    const TIFF: Self = format("image/tiff", &["tif", "tiff"]);
    const MP4: Self = format("video/mp4", &["mp4", "m4v"]);
    const MOV: Self = format("video/quicktime", &["mov"]);
    const THREE_GP: Self = format("video/3gpp", &["3gp"]);
    const WEBM: Self = format("video/webm", &["webm"]);
    const MKV: Self = format("video/x-matroska", &["mkv"]);
    const AVI: Self = format("video/x-msvideo", &["avi"]);
    const OGG_VIDEO: Self = format("video/ogg", &["ogv"]);
    const OGG: Self = format("audio/ogg", &["ogg", "oga", "opus"]);
    const WAV: Self = format("audio/wav", &["wav"]);
    const MP3: Self = format("audio/mpeg", &["mp3"]);
    const FLAC: Self = format("audio/flac", &["flac"]);
    const AAC: Self = format("audio/aac", &["aac"]);
    const M4A: Self = format("audio/mp4", &["m4a"]);
    const AIFF: Self = format("audio/aiff", &["aif", "aiff"]);
    const PDF: Self = format("application/pdf", &["pdf"]);

    const ALL: &'static [Self] = &[
        Self::TEXT,
        Self::PNG,
        Self::JPEG,
        Self::GIF,
        Self::WEBP,
        Self::HEIC,
        Self::HEIF,
        Self::AVIF,
        Self::BMP,
        Self::TIFF,
        Self::MP4,
        Self::MOV,
        Self::THREE_GP,
        Self::WEBM,
        Self::MKV,
        Self::AVI,
        Self::OGG_VIDEO,
        Self::OGG,
        Self::WAV,
        Self::MP3,
        Self::FLAC,
        Self::AAC,
        Self::M4A,
        Self::AIFF,
        Self::PDF,
    ];
}

/// How far a container's head is looked into.
const HEAD: usize = 4096;

/// The format that a name's ending speaks of.
pub(super) fn of_name(name: &str) -> Option<Format> {
    let (_, ending) = name.rsplit('/').next()?.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let known = |it: &&Format| it.endings.contains(&&*ending);
    Format::ALL.iter().find(known).copied()
}

/// The format that the bytes are in, as far as their beginning tells.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Format> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    Some(match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Format::PNG,
        [0xff, 0xd8, 0xff, ..] => Format::JPEG,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::GIF,
        [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] => match kind.get(..4)? {
            b"WEBP" => Format::WEBP,
            b"WAVE" => Format::WAV,
            b"AVI " => Format::AVI,
            _ => return text(bytes),
        },
        [
            b'F',
            b'O',
            b'R',
            b'M',
            _,
            _,
            _,
            _,
            b'A',
            b'I',
            b'F',
            b'F' | b'C',
            ..,
        ] => Format::AIFF,
        [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => boxed(head, brands)?,
        // The length of what follows stands where text has letters.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Format::BMP,
        [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Format::TIFF,
        [b'%', b'P', b'D', b'F', b'-', ..] => Format::PDF,
        [0x1a, 0x45, 0xdf, 0xa3, ..] => match has(head, b"webm") {
            true => Format::WEBM,
            false if has(head, b"matroska") => Format::MKV,
            false => return None,
        },
        [b'O', b'g', b'g', b'S', ..] => match has(head, b"\x80theora") {
            true => Format::OGG_VIDEO,
            false => Format::OGG,
        },
        [b'f', b'L', b'a', b'C', ..] => Format::FLAC,
        [b'I', b'D', b'3', 2..=4, ..] => Format::MP3,
        [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..] => Format::AAC,
        // A frame's head: of layer III, neither of its fields with the value
        // that means nothing.
        [0xff, second, third, ..]
            if second & 0xe6 == 0xe2 && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c =>
        {
            Format::MP3
        }
        _ => return text(bytes),
    })
}

/// ISO media files, told by their brands: the main one, and for images those
/// that go with it.
fn boxed(head: &[u8], brands: &[u8]) -> Option<Format> {
    let size = head.first_chunk::<4>().map(|it| u32::from_be_bytes(*it));
    let size = usize::try_from(size?).ok()?.saturating_sub(8);
    let brands = brands.get(..size).unwrap_or(brands);
    let others = || brands.chunks_exact(4).skip(2);
    Some(match brands.get(..4)? {
        b"avif" | b"avis" => Format::AVIF,
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Format::HEIC,
        b"mif1" | b"msf1" => match others().find(|it| matches!(*it, b"avif" | b"avis" | b"heic")) {
            Some(b"heic") => Format::HEIC,
            Some(_) => Format::AVIF,
            None => Format::HEIF,
        },
        b"qt  " => Format::MOV,
        b"M4A " | b"M4B " => Format::M4A,
        [b'3', b'g', b'p' | b'2', _] => Format::THREE_GP,
        _ => Format::MP4,
    })
}

fn has(head: &[u8], word: &[u8]) -> bool {
    head.windows(word.len()).any(|it| it == word)
}

/// UTF-8 without the characters that no text has.
fn text(bytes: &[u8]) -> Option<Format> {
    let text = std::str::from_utf8(bytes).ok()?;
    let strange = |it: char| it.is_control() && !matches!(it, '\t' | '\n' | '\r' | '\x0c' | '\x1b');
    (!text.contains(strange)).then_some(Format::TEXT)
}
