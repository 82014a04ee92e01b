//! What clients send that they had better not, and what they see of it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

/// The most bytes of a body.
pub(crate) const MOST: usize = 64 << 10;

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A request with this body, whose head has these lines too.
pub(crate) fn post(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}\r\n", body.len());
    request(path, &format!("{length}{lines}"), body)
}

/// The same that says nothing of its length.
pub(crate) fn request(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

pub(crate) fn asked() -> Vec<u8> {
    asked_of("echo/echo", false)
}

pub(crate) fn asked_of(model: &str, stream: bool) -> Vec<u8> {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let asked = json!({ "model": model, "messages": messages, "stream": stream });
    asked.to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A request of more than its bound once it is decompressed, and of little until then.
fn bomb() -> Vec<u8> {
    let mut body = asked();
    body.resize(4 << 20, b' ');
    body
}

/// What one sends that reads the answer to its end, and what is seen of it: a status, or nothing.
pub(crate) fn sendings() -> Vec<(&'static str, Vec<u8>, Option<u16>)> {
    let chunked = "transfer-encoding: chunked\r\n";
    let long = "x".repeat(1 << 20);
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        format!("{{\"model\":\"echo/echo\",\"messages\":{open}{close}}}").into_bytes()
    };
    let small = |lines: &str| post(CHAT, lines, &asked());
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", MOST + 1, "x".repeat(MOST + 1));
    let many: String = (0..2_000).map(|it| format!("x-{it}: y\r\n")).collect();
    vec![
        ("a request as it should be", small(""), Some(200)),
        ("no body", post(CHAT, "", b""), Some(400)),
        (
            "a body that is no JSON",
            post(CHAT, "", b"model=echo"),
            Some(400),
        ),
        (
            "JSON that is cut",
            post(CHAT, "", &asked()[..20]),
            Some(400),
        ),
        (
            "bytes that are no UTF-8",
            post(CHAT, "", b"{\"model\":\"\xff\xfe\"}"),
            Some(400),
        ),
        (
            "60,000 arrays within each other, in a chunk",
            request(CHAT, chunked, &chunks(&deep("[", "]")[..MOST - 1])),
            Some(400),
        ),
        (
            "60,000 arrays within each other",
            post(CHAT, "", &deep("[", "]")[..60_000]),
            Some(400),
        ),
        (
            "10,000 objects within each other",
            post(CHAT, "", &deep("{\"a\":", "}")[..60_000]),
            Some(400),
        ),
        (
            "another content type",
            small("content-type: text/plain\r\n"),
            Some(200),
        ),
        (
            "a body by gzip",
            post(CHAT, "content-encoding: gzip\r\n", &gzip(&asked())),
            Some(200),
        ),
        (
            "a body by deflate",
            post(CHAT, "content-encoding: deflate\r\n", &zlib(&asked())),
            Some(200),
        ),
        (
            "4 MiB by gzip",
            post(CHAT, "content-encoding: gzip\r\n", &gzip(&bomb())),
            Some(413),
        ),
        (
            "4 MiB by deflate",
            post(CHAT, "content-encoding: deflate\r\n", &zlib(&bomb())),
            Some(413),
        ),
        (
            "what is no gzip",
            small("content-encoding: gzip\r\n"),
            Some(400),
        ),
        ("brotli", small("content-encoding: br\r\n"), Some(415)),
        (
            "two compressions",
            post(
                CHAT,
                "content-encoding: gzip, gzip\r\n",
                &gzip(&gzip(&asked())),
            ),
            Some(415),
        ),
        (
            "a body that is too large",
            post(CHAT, "", &vec![b' '; MOST + 1]),
            Some(413),
        ),
        (
            "the same in chunks",
            request(CHAT, chunked, chunk.as_bytes()),
            Some(413),
        ),
        (
            "a length of 10^18, and no body",
            request(CHAT, "content-length: 1000000000000000000\r\n", b""),
            Some(413),
        ),
        (
            "a length of 10^30",
            request(
                CHAT,
                &format!("content-length: 1{}\r\n", "0".repeat(30)),
                b"",
            ),
            Some(400),
        ),
        (
            "a length below zero",
            request(CHAT, "content-length: -1\r\n", b""),
            Some(400),
        ),
        (
            "two lengths",
            request(
                CHAT,
                "content-length: 5\r\ncontent-length: 6\r\n",
                b"{\"a\":1",
            ),
            Some(400),
        ),
        (
            "chunks that are none",
            request(CHAT, chunked, b"zz\r\nhello\r\n"),
            Some(400),
        ),
        (
            "a chunk's length of 10^30",
            request(CHAT, chunked, b"ffffffffffffffffffffffff\r\nx\r\n"),
            Some(400),
        ),
        (
            "a transfer coding that isn't known",
            request(CHAT, "transfer-encoding: bogus\r\n", b""),
            Some(400),
        ),
        (
            "a header of a mebibyte",
            small(&format!("x-long: {long}\r\n")),
            Some(431),
        ),
        ("2,000 headers", small(&many), Some(431)),
        (
            "a path of a mebibyte",
            post(&format!("/{long}"), "", b""),
            Some(431),
        ),
        ("a folded header", small("x-a: b\r\n c\r\n"), Some(400)),
        ("a header without a name", small(": b\r\n"), Some(400)),
        ("a NUL in a header", small("x-a: b\0c\r\n"), Some(400)),
        (
            "bytes that are no HTTP",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            Some(400),
        ),
        (
            "HTTP/2 without asking",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            None,
        ),
        (
            "a method that isn't known",
            b"BREW / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".to_vec(),
            Some(405),
        ),
        (
            "a head that stops",
            b"POST / HTTP/1.1\r\nhost: 127".to_vec(),
            None,
        ),
        ("nothing", Vec::new(), None),
        (
            "a body that stops",
            request(CHAT, "content-length: 50\r\n", b"{\"mod"),
            Some(408),
        ),
        (
            "a chunk that stops",
            request(CHAT, chunked, b"50\r\n{\"mod"),
            Some(408),
        ),
    ]
}

/// A body as one chunk.
fn chunks(body: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", body.len());
    [size.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}
