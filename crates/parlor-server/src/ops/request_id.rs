//! The id of a request: the client's own, or a new one, on the answer too.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Answers with the id that the request has, or was given here.
pub(crate) async fn named(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let Ok(value) = HeaderValue::from_str(&id) else {
        return next.run(request).await;
    };
    request.headers_mut().insert(HEADER, value.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, value);
    response
}

/// The client's own id of its request, where it is a plain one, or a new one.
pub(crate) fn request_id(head: &HeaderMap) -> String {
    let given = head.get(HEADER).and_then(|it| it.to_str().ok());
    let is_plain = |id: &&str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&id.len()) && id.bytes().all(is_plain)
    };
    match given.filter(is_plain) {
        Some(id) => id.to_owned(),
        None => format!("req_{:016x}{:08x}", fastrand::u64(..), fastrand::u32(..)),
    }
}
