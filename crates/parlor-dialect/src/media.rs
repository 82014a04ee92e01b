//! Media as dialects write them: data URLs, base64, formats.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use parlor_core::MediaFormat;

/// Base64 in the standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text; `None` if it isn't one. The alphabet for URLs
/// and missing padding are read too.
pub(crate) fn decode(text: &str) -> Option<Bytes> {
    let bytes = STANDARD.decode(text).ok().or_else(|| {
        let plain = text.trim_end_matches('=');
        URL_SAFE_NO_PAD
            .decode(plain)
            .or_else(|_| STANDARD_NO_PAD.decode(plain))
            .ok()
    });
    bytes.map(Bytes::from)
}

/// Appends the bytes of a base64 text in the standard alphabet; `false` if it
/// isn't one.
pub(crate) fn decode_into(text: &str, out: &mut Vec<u8>) -> bool {
    STANDARD.decode_vec(text, out).is_ok()
}

/// `data:<type>;base64,<bytes>`.
pub(crate) fn data_url(media_type: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{media_type};base64,");
    STANDARD.encode_string(bytes, &mut url);
    url
}

/// The type and bytes of a `data:` URL in base64; `None` if it is another URL.
pub(crate) fn parse_data_url(url: &str) -> Option<(&str, Bytes)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    Some((media_type, decode(data)?))
}

/// The media type that the first bytes tell; `None` for what they don't.
pub(crate) fn sniff(bytes: &[u8]) -> Option<&'static str> {
    MediaFormat::of_head(bytes).map(MediaFormat::media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_type() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n\0"), Some("image/png"));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(sniff(b"RIFF\0\0\0\0WAVEfmt "), Some("audio/wav"));
        assert_eq!(sniff(b"RIFF"), None);
        assert_eq!(sniff(b""), None);
    }

    #[test]
    fn data_urls_go_both_ways() {
        let url = data_url("image/png", b"\x89P");
        assert_eq!(url, "data:image/png;base64,iVA=");
        assert_eq!(
            parse_data_url(&url),
            Some(("image/png", Bytes::from_static(b"\x89P")))
        );
        assert_eq!(parse_data_url("https://example.org/a.png"), None);
        assert_eq!(parse_data_url("data:text/plain,hi"), None);
        for text in ["-_8=", "-_8", "+/8=", "+/8"] {
            assert_eq!(decode(text).as_deref(), Some([0xfb, 0xff].as_slice()));
        }
        assert_eq!(decode("a"), None);
    }
}
