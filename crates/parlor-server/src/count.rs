//! What a prompt comes to, in the dialects that can ask.
//!
//! The provider is asked where it counts; else it is an estimate, and the answer's head says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use parlor::{ErrorKind, Origin, Result, estimate};
use serde_json::{Map, Value, json};

use crate::account::Asked;
use crate::gateway::{model_of, path_of, refused, reply};
use crate::names::Names;
use crate::responses;
use crate::service::Site;
use crate::speak::Speak;
use crate::through;

/// The header of an answer that tells an estimate: of what.
const ESTIMATED: &str = "x-parlor-estimated";

/// What comes of a request that asks for a count: the body of a chat, and how the count is told.
pub(crate) struct Count {
    /// The path at which the dialect takes chats, made of the path of the count.
    pub(crate) path: fn(&str) -> String,
    /// The body of the chat, made of the body of the count.
    pub(crate) body: fn(Map<String, Value>) -> Map<String, Value>,
    /// The answer.
    pub(crate) told: fn(u64) -> Value,
}

/// For the messages API.
pub(crate) const MESSAGES: Count = Count {
    path: |path| path.replace("/count_tokens", ""),
    body: |body| body,
    told: |tokens| json!({ "input_tokens": tokens }),
};

/// For `generateContent`, whose clients send a whole request or what the prompt is made of.
pub(crate) const CONTENTS: Count = Count {
    path: |path| path.replace(":countTokens", ":generateContent"),
    body: |mut body| match body.shift_remove("generateContentRequest") {
        Some(Value::Object(request)) => request,
        _ => body,
    },
    told: |tokens| json!({ "totalTokens": tokens }),
};

/// For the Responses API, whose clients may go on from what is kept.
pub(crate) const RESPONSES: Count = Count {
    path: |path| path.replace("/input_tokens", ""),
    body: |body| body,
    told: |tokens| json!({ "object": "response.input_tokens", "input_tokens": tokens }),
};

/// Answers with the count.
pub(crate) async fn tokens(
    count: &'static Count,
    dialect: Arc<dyn Speak>,
    site: Arc<Site>,
    request: Request,
) -> Response {
    let asked = site.asked(request.headers(), request.uri(), dialect.name());
    let mut asked = match asked.await {
        Ok(asked) => asked,
        Err(error) => return refused(&*dialect, &error),
    };
    match counted(count, &*dialect, &site, &mut asked, request).await {
        Ok((tokens, is_estimated)) => {
            let body = (count.told)(tokens).to_string();
            let mut response = reply(StatusCode::OK, "application/json", Body::from(body));
            if is_estimated {
                let headers = response.headers_mut();
                headers.insert(ESTIMATED, HeaderValue::from_static("tokens"));
            }
            response
        }
        Err(error) => {
            let response = refused(&*dialect, &error);
            asked.failed(&error);
            asked.told(response.status().as_u16());
            response
        }
    }
}

async fn counted(
    count: &Count,
    dialect: &dyn Speak,
    site: &Site,
    asked: &mut Asked,
    request: Request,
) -> Result<(u64, bool)> {
    let path = path_of(&request);
    let (parts, body) = request.into_parts();
    let head = parts.headers;
    let mut body = site.bodies.whole(&head, body).await?;
    let id = model_of(&path, &mut body)?;
    asked.called(&id);
    let known = site.known(&id)?;
    let (body, _) = responses::gone_on(site, dialect, asked.caller(), body).await?;
    let fields = serde_json::from_slice(&body.bytes).unwrap_or_default();
    let body: Bytes = Value::Object((count.body)(fields)).to_string().into();
    let origin = Origin::new(known.info.native_provider(), dialect.name());
    let mut incoming = dialect.read(&(count.path)(&path), &body, &origin)?;
    Names::suit(&mut incoming.request);
    through::spare(&mut incoming.request);
    through::carry(dialect, &mut incoming, &head, body.into(), &origin);
    // A key counts only what it may ask.
    let request = &incoming.request;
    asked.wants(&id, &known.info, request).await?;
    asked.costs_nothing();
    let told = match site.count(&id, request).await {
        Some(told) => (told?, false),
        None => {
            asked.asked_nobody();
            (estimate::input_tokens(request), true)
        }
    };
    asked.completed();
    Ok(told)
}

impl Site {
    /// What the provider of a model counts; nothing, where it doesn't.
    async fn count(&self, id: &str, request: &parlor::ChatRequest) -> Option<Result<u64>> {
        let live = self.live();
        if live.registry.route(id).is_some() {
            return None;
        }
        let resolved = match live.registry.resolve(id) {
            Ok(resolved) => resolved,
            Err(error) => return Some(Err(error)),
        };
        live.look_for_key(&resolved).await;
        match resolved.count_tokens(request).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => None,
            // A host that speaks the dialect without counting says that nothing is there.
            Err(error) if matches!(error.status(), Some(404 | 405 | 501)) => None,
            told => Some(told),
        }
    }
}
