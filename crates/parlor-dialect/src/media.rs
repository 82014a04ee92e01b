//! Media as dialects write them: data URLs, base64, formats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Base64 in the standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text; `None` if it isn't one.
pub(crate) fn decode(text: &str) -> Option<Bytes> {
    STANDARD.decode(text).ok().map(Bytes::from)
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

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
