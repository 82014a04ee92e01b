//! Failures, both ways: numbers, and a status that says nothing.

use parlor_core::{Error, ErrorKind};
use serde_json::json;

/// What the numbers mean; one that ends in `*` stands for all that begin so.
/// Kinds are reported by the first of theirs.
///
/// Sources: cloud.baidu.com, `WENXINWORKSHOP`, "Error codes"; bce-qianfan-sdk.
pub const CODES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Authentication,
        &["110", "111", "100", "13", "14", "15"],
    ),
    (ErrorKind::Permission, &["6", "336004"]),
    // The model is the method that is missing.
    (ErrorKind::ModelNotFound, &["3", "336005"]),
    (
        ErrorKind::RateLimited,
        &["18", "336501", "336502", "336503"],
    ),
    (ErrorKind::QuotaExhausted, &["17", "4", "19"]),
    (ErrorKind::Overloaded, &["336100"]),
    (ErrorKind::Server, &["336000", "1", "2"]),
    (ErrorKind::ContextTooLong, &["336103"]),
    (
        ErrorKind::InvalidRequest,
        &["336003", "33600*", "33610*", "33611*"],
    ),
];

/// In the message of a failure about a parameter these tell that there was too
/// much.
const TOO_LONG: &[&str] = &["too long", "max input", "max length", "maximum length"];

/// The failure by what its message adds to its number.
pub(super) fn refined(error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidRequest {
        return error;
    }
    let message = error.message().to_ascii_lowercase();
    match TOO_LONG.iter().any(|words| message.contains(words)) {
        true => error.with_kind(ErrorKind::ContextTooLong),
        false => error,
    }
}

/// The failure in the API's shape, whole or as the last of a stream.
pub(super) fn write(error: &Error) -> Vec<u8> {
    let row = CODES.iter().find(|(kind, _)| *kind == error.kind());
    let code = match (row, error.kind()) {
        (Some((_, codes)), _) => codes.first().copied(),
        (None, ErrorKind::Unsupported | ErrorKind::Media | ErrorKind::ContentFiltered) => {
            Some("336003")
        }
        _ => None,
    };
    let code = code.and_then(|it| it.parse().ok()).unwrap_or(336_000_u32);
    let body = json!({
        "error_code": code,
        "error_msg": error.message(),
        "id": error.request_id().unwrap_or_default(),
    });
    body.to_string().into_bytes()
}
