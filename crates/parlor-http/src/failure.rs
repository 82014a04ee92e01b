//! From what reqwest and the dialect report to the one error.

mod proxy;
mod tls;

use crate::auth::Sent;
use crate::endpoint::Endpoint;
use crate::headers;
use crate::wire::Wire;
use http::Extensions;
use parlor_core::{Error, ErrorKind, ModelInfo, Result, Retry, Scrub, TimeoutKind};
use parlor_dialect::WireError;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode, Url};
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The most of an error's body that is read.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// How long the rest of an error's body is waited for: the status has told the
/// failure already.
const ERROR_BODY_TIME: Duration = Duration::from_secs(5);

/// Reads the failure that a status reports.
pub(crate) async fn of_status(
    dialect: &dyn Wire,
    mut response: Response,
    endpoint: &Endpoint,
) -> Error {
    let status = response.status();
    let head = response.headers().clone();
    if status.is_redirection() {
        return of_redirect(&response);
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return proxy::wants_credentials(endpoint.proxy(response.url()).as_deref());
    }
    let limits = endpoint.timeouts();
    let shortest = limits.idle.into_iter().chain(limits.total).min();
    let time = shortest.map_or(ERROR_BODY_TIME, |it| it.min(ERROR_BODY_TIME));
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ERROR_BODY_LIMIT - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ERROR_BODY_LIMIT {
                break;
            }
        }
    };
    // What came in time is enough.
    let _ = timeout(time, read).await;
    let scrub = scrub(response.extensions(), endpoint);
    let error = of_body(dialect, status.as_u16(), &head, &body).scrubbed(&scrub);
    match &endpoint.key_help {
        Some(more) if error.kind() == ErrorKind::Authentication => {
            let help = format!("{} {more}", error.help());
            error.with_help(help)
        }
        _ => error,
    }
}

/// What takes the secrets of the request out of the errors that its response
/// amounts to.
pub(crate) fn scrub(response: &Extensions, endpoint: &Endpoint) -> Scrub {
    let own = response.get::<Scrub>().cloned();
    own.unwrap_or_else(|| endpoint.scrub())
}

/// What of the extensions [`scrub`] and [`Endpoint::renews`] look at, without what
/// the HTTP client puts there.
pub(crate) fn detached(mut response: Extensions) -> Extensions {
    let mut own = Extensions::new();
    if let Some(scrub) = response.remove::<Scrub>() {
        own.insert(scrub);
    }
    if let Some(sent) = response.remove::<Arc<Sent>>() {
        own.insert(sent);
    }
    own
}

/// Reads the failure that a body reports under a status.
fn of_body(dialect: &dyn Wire, status: u16, head: &HeaderMap, body: &[u8]) -> Error {
    let plain = headers::plain(head);
    let error = dialect.read_error(&WireError::new(status, &plain, body));
    let error = match error.body() {
        Some(_) => error,
        None => error.with_body(body),
    };
    let advice = headers::retry(head, error.retry());
    let error = error.with_status(status).with_retry(advice);
    match headers::request_id(head) {
        Some(id) if error.request_id().is_none() => error.with_request_id(id),
        _ => error,
    }
}

/// A redirect isn't followed: the key must not go where nobody sent it.
fn of_redirect(response: &Response) -> Error {
    let location = headers::text(response.headers(), "location");
    let target = location.and_then(|it| response.url().join(it).ok());
    let target = target.as_ref().map_or("another address".to_owned(), bare);
    Error::new(
        ErrorKind::Configuration,
        format!("{} redirects to {target}", bare(response.url())),
    )
    .with_status(response.status().as_u16())
    .with_help("If that is the right address, set it as the base URL; parlor doesn't follow redirects with a key.")
}

/// A failure before any response; `proxy` is the one that the request went
/// through, without credentials.
pub(crate) fn of_send(error: reqwest::Error, proxy: Option<&str>) -> Error {
    let host = error.url().map_or("the server".to_owned(), bare);
    let error = error.without_url();
    if error.is_builder() {
        return Error::new(
            ErrorKind::Configuration,
            format!("the request to {host} can't be made: {}", root(&error)),
        )
        .with_source(error);
    }
    if error.is_connect() {
        if let Some(why) = tls::distrust(&error) {
            return Error::new(
                ErrorKind::Connection,
                format!("cannot connect to {host}: its certificate {why}"),
            )
            .with_retry(Retry::Never)
            .with_help(tls::HELP)
            .with_source(error);
        }
        let kind = match error.is_timeout() {
            true => ErrorKind::Timeout(TimeoutKind::Connect),
            false => ErrorKind::Connection,
        };
        return match proxy {
            Some(proxy) => proxy::of_connect(kind, &host, proxy, error),
            None => {
                let message = format!("cannot connect to {host}: {}", reason(&error));
                Error::new(kind, message).with_source(error)
            }
        };
    }
    let through = proxy.map_or(String::new(), |it| format!(" through the proxy {it}"));
    Error::new(
        ErrorKind::Connection,
        format!(
            "the connection to {host}{through} broke before an answer: {}",
            reason(&error)
        ),
    )
    .with_source(error)
}

/// Whether a connection that stood broke before anything of an answer came.
pub(crate) fn is_break(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// A failure in the middle of a body.
pub(crate) fn of_read(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if is_damaged(&error) {
        return Error::decode(format!(
            "the response's compression is damaged: {}",
            root(&error)
        ))
        .with_source(error);
    }
    Error::new(
        ErrorKind::Truncated,
        format!(
            "the connection broke in the middle of the answer: {}",
            reason(&error)
        ),
    )
    .with_source(error)
}

/// Whether the bytes that came are wrong, and not too few: reqwest calls both
/// a decoding error, or both an error of the body.
fn is_damaged(error: &reqwest::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other};
    io_cause(error).is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput | Other))
}

/// A time limit that ran out.
pub(crate) fn of_timeout(kind: TimeoutKind, endpoint: &Endpoint) -> Error {
    let limits = endpoint.timeouts();
    let (what, limit) = match kind {
        TimeoutKind::Connect => ("connection", limits.connect),
        TimeoutKind::FirstEvent => ("first event", limits.first_event),
        TimeoutKind::Idle => ("further event", limits.idle),
        _ => ("end of the answer", limits.total),
    };
    let limit = limit.unwrap_or_default();
    Error::new(
        ErrorKind::Timeout(kind),
        format!("no {what} from {} within {limit:?}", endpoint.address()),
    )
}

/// The same error with the model's and the request's names on it.
pub(crate) fn named(mut error: Error, info: &ModelInfo, request_id: Option<&str>) -> Error {
    if error.provider().is_none() {
        error = error.with_provider(&info.provider);
    }
    if error.model().is_none() {
        error = error.with_model(&info.model);
    }
    match request_id {
        Some(id) if error.request_id().is_none() => error.with_request_id(id),
        _ => error,
    }
}

pub(crate) use proxy::between;

/// Scheme, host and port: what may be shown of a URL.
pub(crate) fn bare(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Parses an address, and shows no secret of it where it can't be parsed.
pub(crate) fn parse_url(text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::Configuration, format!("the base URL {why}"))
            .with_help("Give an address such as https://api.example.com/v1.")
    };
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(wrong(&format!(
            "must begin with http:// or https://, not {scheme}:"
        ))),
    }
}

/// Why a connection failed, in the words that people know.
fn reason(error: &reqwest::Error) -> String {
    match io_cause(error) {
        Some(io) => match io.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
            io::ErrorKind::TimedOut => "timed out".to_owned(),
            _ => io.to_string(),
        },
        None => root(error),
    }
}

/// The outermost error of the system's among the causes.
fn io_cause(error: &reqwest::Error) -> Option<&io::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = current.source();
    }
    None
}

/// The message of the innermost cause.
fn root(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}
