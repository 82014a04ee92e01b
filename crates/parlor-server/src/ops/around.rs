//! What stands around every route: the request's id, its times, sites that may ask, slow senders.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use axum::response::Response;

use super::origins;
use crate::patience::Upload;
use crate::service::Site;

const ID: HeaderName = HeaderName::from_static("x-request-id");
/// Asks for the times of an answer's stages.
const WANTS_TIMES: HeaderName = HeaderName::from_static("x-parlor-timing");
/// <https://www.w3.org/TR/server-timing/>
const TIMES: HeaderName = HeaderName::from_static("server-timing");

tokio::task_local! {
    static STAGES: Arc<Stages>;
}

/// When the stages of a request were over, where somebody wants to know.
struct Stages {
    began: Instant,
    let_in: OnceLock<Instant>,
    read: OnceLock<Instant>,
    sent: OnceLock<Instant>,
}

/// A stage of a request that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// Its key was looked up, and there is room.
    LetIn,
    /// Its body was read.
    Read,
    /// Its limits were asked for; the model is asked now.
    Sent,
}

/// Notes that a stage is over, where that is wanted.
pub(crate) fn over(stage: Stage) {
    // Outside of a request whose client wants to know there is nothing to note.
    let _ = STAGES.try_with(|stages| {
        let at = match stage {
            Stage::LetIn => &stages.let_in,
            Stage::Read => &stages.read,
            Stage::Sent => &stages.sent,
        };
        let _ = at.set(Instant::now());
    });
}

/// What is done for the same request in a task of its own.
pub(crate) fn carried<F: Future>(done: F) -> impl Future<Output = F::Output> {
    let stages = STAGES.try_with(Arc::clone).ok();
    async move {
        match stages {
            Some(stages) => STAGES.scope(stages, done).await,
            None => done.await,
        }
    }
}

impl Stages {
    fn header(&self) -> Option<HeaderValue> {
        let mut text = String::new();
        let mut last = self.began;
        let stages = [
            ("access", self.let_in.get().copied()),
            ("read", self.read.get().copied()),
            ("limits", self.sent.get().copied()),
            ("answer", Some(Instant::now())),
        ];
        for (name, at) in stages {
            if let Some(at) = at {
                let took = at.saturating_duration_since(last).as_secs_f64() * 1e3;
                let comma = if text.is_empty() { "" } else { ", " };
                text += &format!("{comma}{name};dur={took:.3}");
                last = at;
            }
        }
        HeaderValue::from_str(&text).ok()
    }
}

/// Answers with the id that the request has, or was given here.
pub(crate) async fn around<B, F>(
    site: &Site,
    mut request: Request<B>,
    next: impl FnOnce(Request<Body>) -> F,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
    F: Future<Output = Response>,
{
    if let Some(response) = origins::preflight(&request, &site.config.origins) {
        return response;
    }
    let origin = origins::listed(request.headers(), &site.config.origins);
    let id = HeaderValue::from_str(&request_id(request.headers())).ok();
    if let Some(id) = &id {
        request.headers_mut().insert(ID, id.clone());
    }
    let wants_times = request.headers().contains_key(WANTS_TIMES);
    let limit = site.config.client_timeout;
    let request = request.map(|body| Body::new(Upload::new(body, limit)));
    let mut response = match wants_times {
        false => next(request).await,
        true => {
            let stages = Stages {
                began: Instant::now(),
                let_in: OnceLock::new(),
                read: OnceLock::new(),
                sent: OnceLock::new(),
            };
            let answered = async {
                let mut response = next(request).await;
                if let Ok(Some(times)) = STAGES.try_with(|it| it.header()) {
                    response.headers_mut().insert(TIMES, times);
                }
                response
            };
            STAGES.scope(Arc::new(stages), answered).await
        }
    };
    if let Some(id) = id {
        response.headers_mut().insert(ID, id);
    }
    if let Some(origin) = origin {
        origins::allow(response.headers_mut(), origin);
    }
    response
}

/// The client's own id of its request, where it is a plain one, or a new one.
pub(crate) fn request_id(head: &HeaderMap) -> String {
    let given = head.get(ID).and_then(|it| it.to_str().ok());
    let is_plain = |id: &&str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&id.len()) && id.bytes().all(is_plain)
    };
    match given.filter(is_plain) {
        Some(id) => id.to_owned(),
        None => {
            let chance = fastrand::u128(..);
            let mut id = String::with_capacity(28);
            id.push_str("req_");
            let digits = (0..24).map(|at| (chance >> (4 * at)) as u32 & 0xf);
            id.extend(digits.filter_map(|it| char::from_digit(it, 16)));
            id
        }
    }
}
