//! Somebody who follows a turn, wherever it is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use parlor::agent::{KeptTurn, Turn, TurnId};
use parlor::{ErrorKind, Result};
use parlor_store::Store;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::call::Call;
use super::going::{Elsewhere, Going, News, is_last, is_without_end};
use super::log::{END, Log, Position, Read};
use super::shown;
use super::turns::find;
use crate::gateway::reply;
use crate::service::Site;

/// How long nothing is said before a reader is told that the service is still there.
const STILL: Duration = Duration::from_secs(15);

/// How long a store that is away is left before it is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// Where a reader goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct From {
    #[serde(alias = "last-event-id", alias = "lastEventId")]
    last_event_id: Option<String>,
}

/// Says what a turn says, from where the reader left off.
pub(super) async fn events(site: Arc<Site>, call: Call) -> Result<Response> {
    let from: From = call.query()?;
    let room = site.admit()?;
    let store = call.store(&site).await?;
    let (id, turn) = find(&call, &store).await?;
    let head = call
        .head
        .get("last-event-id")
        .and_then(|it| it.to_str().ok());
    let last = head.or(from.last_event_id.as_deref());
    // One that was never given is read as none.
    let mut position: Position = last.and_then(|it| it.parse().ok()).unwrap_or_default();
    let conversation = call.param("id");
    let source = match site.turns.find(conversation, id) {
        Some(going) => {
            let ear = going.log.ear();
            Source::Here(going, ear)
        }
        None => match elsewhere(&site, &store, conversation, (id, &turn), position).await {
            Some(turn) => Source::Elsewhere(turn),
            None => {
                let was_cut = is_without_end(&turn);
                let log = kept(id, turn);
                position = position.in_store();
                // More of it may have been read where it was on its way than was kept.
                if was_cut {
                    position = log.within(position);
                }
                Source::Kept(log)
            }
        },
    };
    let reader = Reader {
        source,
        store,
        conversation: conversation.to_owned(),
        id,
        position,
        _room: room,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let text = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(text), reader))
    });
    Ok(reply(
        StatusCode::OK,
        "text/event-stream",
        Body::from_stream(events),
    ))
}

/// A turn that another instance of the service has.
pub(super) async fn elsewhere(
    site: &Site,
    store: &Store,
    conversation: &str,
    (id, turn): (TurnId, &Turn),
    after: Position,
) -> Option<Elsewhere> {
    let relay = site.turns.relay.clone()?;
    let may_be_going = is_without_end(turn) && is_last(store, conversation, id).await;
    Elsewhere::find(relay, store, conversation, (id, may_be_going), after).await
}

/// Where a turn is read.
enum Source {
    /// Where it is on its way, or was lately.
    Here(Arc<Going>, watch::Receiver<()>),
    /// At another instance of the service.
    Elsewhere(Elsewhere),
    /// In the store.
    Kept(Log),
    /// It was read to its end.
    Read,
}

/// A turn that is over, as it was followed when it was on its way.
fn kept(id: TurnId, turn: Turn) -> Log {
    let log = Log::of(id, &turn);
    log.end(&shown::end(&KeptTurn::from(turn)));
    log
}

/// Somebody who follows a turn.
struct Reader {
    source: Source,
    store: Store,
    conversation: String,
    id: TurnId,
    position: Position,
    _room: tokio::sync::OwnedSemaphorePermit,
}

impl Reader {
    /// What was said since; `None` when all was read.
    async fn next(&mut self) -> Option<String> {
        let mut out = String::new();
        let still = Instant::now() + STILL;
        while Instant::now() < still {
            match &mut self.source {
                Source::Here(going, ear) => {
                    ear.mark_unchanged();
                    match going.log.read(&mut self.position, &mut out) {
                        Read::Some => return Some(out),
                        Read::End => return None,
                        Read::Wait => {}
                    }
                    let _ = tokio::time::timeout_at(still, ear.changed()).await;
                }
                Source::Elsewhere(turn) => match turn.hear(self.position).await {
                    News::Told(told) => {
                        for one in &told {
                            self.position.take(one, &mut out);
                        }
                        if told.iter().any(|it| it.name == END) {
                            self.source = Source::Read;
                        }
                        return Some(out);
                    }
                    News::Nothing | News::Away => {}
                    // Whoever had it is gone; what was kept of it is what there is.
                    News::Gone => match self.store.turn(&self.conversation, self.id).await {
                        Ok(turn) => {
                            let log = kept(self.id, turn);
                            self.position = log.within(self.position.in_store());
                            self.source = Source::Kept(log);
                        }
                        Err(error) if error.kind() == ErrorKind::Validation => return None,
                        // The store is away too; it is looked at again.
                        Err(_) => tokio::time::sleep(AGAIN).await,
                    },
                },
                Source::Kept(log) => {
                    return match log.read(&mut self.position, &mut out) {
                        Read::Some => Some(out),
                        Read::Wait | Read::End => None,
                    };
                }
                Source::Read => return None,
            }
        }
        Some(": still\n\n".to_owned())
    }
}
