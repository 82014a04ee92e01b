//! `GET /api/requests`: requests as they end, for those who watch.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use parlor::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use crate::access::Caller;
use crate::account::MOST_SEEN;
use crate::chat::Call;
use crate::gateway::reply;
use crate::service::Site;

/// How many of those before are told where nothing is said.
const RECENT: usize = 100;
/// How many are told at once: what a connection that doesn't take them holds.
const BATCH: usize = 32;
/// How long nothing is said before somebody who watches is told that the service is still there.
const STILL: Duration = Duration::from_secs(15);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct From {
    recent: Option<usize>,
    last_event_id: Option<String>,
}

/// Tells of the last requests, and of those that follow.
pub(super) async fn requests(site: Arc<Site>, call: Call) -> Result<Response> {
    let from: From = call.query()?;
    let tail = &site.account.tail;
    let (room, ear) = tail.watch().ok_or_else(|| {
        let message = "as many watch this service's requests as it bears";
        Error::new(ErrorKind::Overloaded, message).with_status(503)
    })?;
    let head = call.head.get("last-event-id");
    let head = head.and_then(|it| it.to_str().ok());
    let last = head.or(from.last_event_id.as_deref());
    // One of a process before this one is read as none.
    let place = last.and_then(|it| tail.after(it)).unwrap_or_else(|| {
        let recent = from.recent.unwrap_or(RECENT);
        tail.before_last(recent.min(MOST_SEEN))
    });
    let watcher = Watcher {
        checked: Instant::now(),
        caller: call.caller.clone(),
        site,
        call,
        ear,
        place,
        _room: room,
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let text = watcher.next().await?;
        Some((Ok::<_, Infallible>(text), watcher))
    });
    let body = Body::from_stream(events);
    Ok(reply(StatusCode::OK, "text/event-stream", body))
}

/// Somebody who watches. What they don't read isn't written: they go on where they are, or where
/// what is remembered begins.
struct Watcher {
    site: Arc<Site>,
    call: Call,
    caller: Caller,
    ear: watch::Receiver<u64>,
    place: u64,
    /// When their key was last looked at.
    checked: Instant,
    _room: OwnedSemaphorePermit,
}

impl Watcher {
    /// What is new; `None` where the service ends, or their key doesn't hold any more.
    async fn next(&mut self) -> Option<String> {
        let still = Instant::now() + STILL;
        loop {
            if self.checked.elapsed() >= STILL {
                let (head, uri) = (&self.call.head, &self.call.uri);
                self.caller = self.site.access.check(head, uri).await.ok()?;
                self.checked = Instant::now();
            }
            self.ear.mark_unchanged();
            let tail = &self.site.account.tail;
            let since = tail.since(self.place, &self.caller, BATCH);
            self.place = since.next;
            let mut text = String::new();
            if since.missed > 0 {
                // How many others asked isn't everybody's affair.
                let data = match self.caller {
                    Caller::Given(_) => json!({}),
                    _ => json!({ "requests": since.missed }),
                };
                // Writing to a string never fails.
                let _ = write!(text, "event: missed\ndata: {data}\n\n");
            }
            for (number, seen) in &since.seen {
                let id = tail.id(*number);
                let data = serde_json::to_string(seen).unwrap_or_default();
                let _ = write!(text, "id: {id}\nevent: request\ndata: {data}\n\n");
            }
            if !text.is_empty() {
                return Some(text);
            }
            if since.is_over {
                return None;
            }
            match tokio::time::timeout_at(still, self.ear.changed()).await {
                Ok(told) => told.ok()?,
                Err(_) => return Some(": still\n\n".to_owned()),
            }
        }
    }
}
