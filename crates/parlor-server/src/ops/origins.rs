//! Pages of other sites that may ask, because the configuration lists their sites.
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

/// The answer to a browser's question whether a listed site may ask, where this is one.
pub(super) fn preflight<B>(request: &Request<B>, origins: &[String]) -> Option<Response<Body>> {
    let head = request.headers();
    let asks = head.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = listed(head, origins)?;
    if request.method() != Method::OPTIONS || !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let wanted = head.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let answer = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PATCH, DELETE");
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(wanted) = wanted {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    answer.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("600"),
    );
    allow(answer, origin);
    Some(response)
}

/// Lets the page of a listed site read an answer.
pub(super) fn allow(answer: &mut HeaderMap, origin: HeaderValue) {
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.append(header::VARY, HeaderValue::from_static("origin"));
    let shown = HeaderValue::from_static("x-request-id, retry-after");
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, shown);
}

/// The origin of a request, where it is listed.
pub(super) fn listed(head: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    let origin = head.get(header::ORIGIN)?;
    let is_listed = origins.iter().any(|it| it.as_bytes() == origin.as_bytes());
    is_listed.then(|| origin.clone())
}
