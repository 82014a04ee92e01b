//! Conversations that are kept: listed, found, changed, written out, deleted.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use parlor::agent::{ConversationStore, Kept, TurnId};
use parlor::{Arguments, Result, ToolCall};
use parlor_store::{Branched, Since, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::call::{Call, json, missing, to_its_end, turn_id, wrong};
use super::going::is_without_end;
use super::shown::{Conversation, Conversations, ShownTurn, Whole};
use super::turns::waiting;
use crate::gateway::reply;
use crate::service::Site;

/// How many conversations a list has, where nothing is said, and at most.
const LISTED: u32 = 50;
const LISTED_AT_MOST: u32 = 200;

/// The most characters of a title.
const TITLE: usize = 200;

/// Which conversations are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Which {
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

pub(super) async fn list(site: Arc<Site>, call: Call) -> Result<Response> {
    let which: Which = call.query()?;
    let store = call.store(&site).await?;
    let limit = which.limit.unwrap_or(LISTED).clamp(1, LISTED_AT_MOST);
    let going = |id: &str| site.turns.of(id).map(|turn| turn.id);
    let words = which
        .q
        .as_deref()
        .map(str::trim)
        .filter(|it| !it.is_empty());
    if let Some(words) = words {
        let found = store.search(words, limit).await?.into_iter();
        let conversations = found.map(|found| {
            let going = going(&found.info.id);
            Conversation::found(found, going)
        });
        let listed = Conversations {
            conversations: conversations.collect(),
            next: None,
        };
        return json(StatusCode::OK, &listed);
    }
    let since = which.cursor.as_deref().map(since).transpose()?;
    let infos = store.list_since(limit, since.as_ref()).await?;
    let last = infos.last().filter(|_| infos.len() == limit as usize);
    let next = last.map(|last| format!("{}.{}", last.updated_ms, last.id));
    let conversations = infos.into_iter().map(|info| {
        let going = going(&info.id);
        Conversation::of(info, going)
    });
    let listed = Conversations {
        conversations: conversations.collect(),
        next,
    };
    json(StatusCode::OK, &listed)
}

fn since(cursor: &str) -> Result<Since> {
    let parsed = cursor.split_once('.').and_then(|(updated_ms, id)| {
        Some(Since {
            updated_ms: updated_ms.parse().ok()?,
            id: id.to_owned(),
        })
    });
    parsed.ok_or_else(|| wrong("`cursor` isn't one that a list gave as `next`"))
}

/// A conversation that is to begin.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct New {
    /// A line that says what it is about. Left out, the first question gives it.
    title: Option<String>,
    /// What its model is told at first.
    system: Option<String>,
    /// The name of the model that answers.
    model: Option<String>,
}

pub(super) async fn create(site: Arc<Site>, call: Call) -> Result<Response> {
    let _room = site.admit()?;
    let store = call.store(&site).await?;
    let new: New = call.json().await?;
    let title = new.title.as_deref().map(title).transpose()?;
    if let Some(model) = &new.model {
        site.model(model).await?;
    }
    let system = new.system.filter(|it| !it.trim().is_empty());
    let id = store
        .create(title.unwrap_or_default(), system.as_deref())
        .await?;
    if new.model.is_some() {
        store.set_model(&id, new.model.as_deref()).await?;
    }
    let whole = whole(&site, &store, &id).await?;
    json(StatusCode::CREATED, &whole)
}

pub(super) async fn get(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let whole = whole(&site, &store, call.param("id")).await?;
    json(StatusCode::OK, &whole)
}

/// A conversation as the sender sees it.
pub(super) async fn load(store: &Store, id: &str, until: Option<TurnId>) -> Result<Kept> {
    store.load_until(id, until).await.map_err(missing)
}

async fn whole(site: &Site, store: &Store, id: &str) -> Result<Whole> {
    let kept = load(store, id, None).await?;
    let tree = store.tree(id).await?;
    let mut going = site.turns.of(id).map(|turn| turn.id);
    if going.is_none() && site.turns.is_elsewhere(id).await {
        going = without_end(&kept);
    }
    let mut branch = Vec::with_capacity(kept.turns.len());
    for (turn, at) in kept.history.turns().iter().zip(&kept.turns) {
        let mut shown = ShownTurn::of(id, *at, turn)?;
        place(&mut shown, *at, &tree);
        if going == Some(*at) {
            shown.going(waiting(site, store, id, (*at, turn)).await);
        }
        branch.push(shown);
    }
    Ok(Whole {
        system: kept.history.system().map(str::to_owned),
        about: Conversation::of(kept.info, going),
        branch,
    })
}

/// The last turn of a conversation's branch, while it has no end.
fn without_end(kept: &Kept) -> Option<TurnId> {
    let last = kept.history.turns().last().zip(kept.turns.last());
    let last = last.filter(|(turn, _)| is_without_end(turn));
    last.map(|(_, at)| *at)
}

/// Says of a turn where it stands.
pub(super) fn place(shown: &mut ShownTurn, id: TurnId, tree: &[Branched]) {
    let Some(own) = tree.iter().find(|turn| turn.id == id) else {
        return;
    };
    shown.parent = own.parent.map(|it| it.0.to_string());
    shown.created_ms = Some(own.created_ms);
    shown.cost.clone_from(&own.cost);
    let siblings = tree.iter().filter(|turn| turn.parent == own.parent);
    shown.siblings = siblings.map(|it| it.id.0.to_string()).collect();
}

/// What changes of a conversation; what is left out stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Change {
    /// A line that says what it is about.
    title: Option<String>,
    /// What its model is told at first; `null` for nothing.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    system: Option<Option<String>>,
    /// The name of the model that answers from now on.
    model: Option<String>,
    /// A turn of the branch to go on with, which ends where it was last gone on with.
    head: Option<String>,
}

fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

pub(super) async fn change(site: Arc<Site>, call: Call) -> Result<Response> {
    let _room = site.admit()?;
    let store = call.store(&site).await?;
    let id = call.param("id").to_owned();
    let change: Change = call.json().await?;
    // All of it is looked at before any of it is done.
    load(&store, &id, None).await?;
    let title = change.title.as_deref().map(title).transpose()?;
    if let Some(model) = &change.model {
        site.model(model).await?;
    }
    let head = match &change.head {
        Some(head) => {
            if let Some(turn) = site.turns.of(&id) {
                let message = format!("turn {} is on its way on another branch", turn.id.0);
                return Err(wrong(message).with_status(409));
            }
            if site.turns.is_elsewhere(&id).await {
                let message = "a turn is on its way on another branch, at another instance";
                return Err(wrong(message).with_status(409));
            }
            let head = turn_id(head)?;
            let tree = store.tree(&id).await?;
            let last = newest(head, &tree).ok_or_else(|| {
                missing(wrong(format!("the conversation has no turn {}", head.0)))
            })?;
            Some(last)
        }
        None => None,
    };
    if let Some(title) = title {
        store.set_title(&id, title).await?;
    }
    if let Some(system) = &change.system {
        let system = system.as_deref().filter(|it| !it.trim().is_empty());
        store.set_system(&id, system).await?;
    }
    if let Some(head) = head {
        store.set_head(&id, Some(head)).await?;
    }
    if let Some(model) = &change.model {
        store.set_model(&id, Some(model)).await?;
    }
    let whole = whole(&site, &store, &id).await?;
    json(StatusCode::OK, &whole)
}

/// The last turn of the newest branch that goes through a turn.
fn newest(from: TurnId, tree: &[Branched]) -> Option<TurnId> {
    let parents: HashMap<TurnId, Option<TurnId>> =
        tree.iter().map(|turn| (turn.id, turn.parent)).collect();
    parents.get(&from)?;
    let goes_through = |turn: TurnId| {
        // As many steps as there are turns, should they go round.
        let mut at = Some(turn);
        for _ in 0..=tree.len() {
            match at {
                Some(turn) if turn == from => return true,
                Some(turn) => at = parents.get(&turn).copied().flatten(),
                None => return false,
            }
        }
        false
    };
    let mut newest_first = tree.iter().rev().map(|turn| turn.id);
    newest_first.find(|turn| goes_through(*turn))
}

fn title(title: &str) -> Result<&str> {
    let title = title.trim();
    match title.chars().count() > TITLE || title.chars().any(char::is_control) {
        true => Err(wrong(format!(
            "a title is a line of at most {TITLE} characters"
        ))),
        false => Ok(title),
    }
}

pub(super) async fn delete(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let gone = gone(site, store, call.param("id").to_owned());
    to_its_end(gone).await.map_err(missing)?;
    Ok(nothing())
}

/// Deletes a conversation, and stops its turn wherever that is.
async fn gone(site: Arc<Site>, store: Store, id: String) -> Result<()> {
    let id = &*id;
    let mut elsewhere = None;
    if let Some(relay) = &site.turns.relay
        && site.turns.of(id).is_none()
        && site.turns.is_elsewhere(id).await
    {
        let kept = store.load_until(id, None).await?;
        elsewhere = without_end(&kept).map(|turn| (relay, turn));
    }
    store.delete(id).await?;
    site.turns.forget(id);
    if let Some((relay, turn)) = elsewhere {
        // Where it can't be told, it goes on until it is to be kept again.
        let _ = relay.stop(&turn.0.to_string()).await;
    }
    Ok(())
}

/// Which conversations are deleted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct All {
    all: bool,
}

pub(super) async fn delete_all(site: Arc<Site>, call: Call) -> Result<Response> {
    let All { all } = call.query()?;
    if !all {
        let help = "Send it with `?all=true` to delete every conversation that you see.";
        return Err(wrong("nothing says which conversations are deleted").with_help(help));
    }
    let store = call.store(&site).await?;
    loop {
        let infos = store.list(LISTED_AT_MOST, 0).await?;
        if infos.is_empty() {
            return Ok(nothing());
        }
        for info in infos {
            // Somebody else may have deleted it meanwhile.
            let gone = gone(Arc::clone(&site), store.clone(), info.id);
            if let Err(error) = to_its_end(gone).await.map_err(missing)
                && error.status() != Some(404)
            {
                return Err(error);
            }
        }
    }
}

fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Where a fork ends.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Fork {
    /// The last turn that it has. Left out, it has all of the branch.
    until: Option<String>,
}

pub(super) async fn fork(site: Arc<Site>, call: Call) -> Result<Response> {
    let _room = site.admit()?;
    let store = call.store(&site).await?;
    let id = call.param("id").to_owned();
    let fork: Fork = call.json().await?;
    let until = fork.until.as_deref().map(turn_id).transpose()?;
    let fork = store.fork(&id, until).await.map_err(missing)?;
    let whole = whole(&site, &store, &fork).await?;
    json(StatusCode::CREATED, &whole)
}

/// As what a conversation is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    format: Option<String>,
}

pub(super) async fn export(site: Arc<Site>, call: Call) -> Result<Response> {
    let written: Written = call.query()?;
    let store = call.store(&site).await?;
    let id = call.param("id");
    let kept = load(&store, id, None).await?;
    let (kind, ending, body) = match written.format.as_deref() {
        None | Some("markdown" | "md") => {
            let text = kept.history.to_markdown(called);
            ("text/markdown; charset=utf-8", "md", text.into())
        }
        Some("json") => {
            let response = json(StatusCode::OK, &kept.history)?;
            ("application/json", "json", response.into_body())
        }
        Some(other) => {
            let message = format!("nothing is written as `{other}`");
            return Err(wrong(message).with_help("`format` is `markdown` or `json`."));
        }
    };
    let mut response = reply(StatusCode::OK, kind, body);
    let name = format!(
        "attachment; filename=\"conversation-{}.{ending}\"",
        kept.info.id
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// A call on one line.
fn called(call: &ToolCall) -> String {
    let Arguments { text, .. } = &call.arguments;
    let text: Vec<&str> = text.split_whitespace().collect();
    format!("{}({})", call.name, text.join(" "))
}
