//! Answers of the Responses API that are kept, to be read again and gone on from.
//!
//! What is kept are the items in the words of the API: what went in, with everything before it, and
//! what came out. A request that names a previous response becomes one with those items before its
//! own, and an item that it refers to stands in it whole, so that any provider can answer it; what only
//! one provider understands is [sealed](crate::seal) in them. A response belongs to the key that asked
//! for it. Nothing runs in the background: who asks for that is answered at once.

mod memory;
mod stored;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use parlor::{ChatResponse, Error, ErrorKind, Result};
use parlor_dialect::{ClientTools, Outline};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::body::Seen;
use crate::chat::{Shelf, StoreAt};
use crate::config::ServerConfig;
use crate::gateway::refused;
use crate::routes::Routes;
use crate::seal::Sealer;
use crate::service::Site;
use crate::speak::{self, Speak};
use memory::InMemory;
use stored::Stored;

/// The dialect whose answers are kept.
const DIALECT: &str = "openai-responses";

/// How long responses are kept.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many items a request may refer to, and how many of them are looked for at once.
const MOST_REFERENCES: usize = 1024;
const LOOKED_FOR: usize = 16;

/// Where responses are kept, as text by a key that says whose they are.
#[async_trait]
pub(crate) trait ResponseStore: Debug + Send + Sync {
    /// Keeps one, in the place of another of the same key.
    ///
    /// # Behavior
    /// - Doesn't wait: what takes time is queued.
    fn put(&self, key: String, kept: String);

    /// Finds one.
    ///
    /// # Behavior
    /// - Nothing, where it was never kept, was taken away, or is too old.
    async fn get(&self, key: &str) -> Result<Option<Arc<str>>>;

    /// Takes one away; whether it was there.
    async fn delete(&self, key: &str) -> Result<bool>;

    /// Waits until all that was put is kept.
    async fn flushed(&self) {}
}

/// Where the responses of a service are kept: where its conversations are, unless that is memory.
pub(crate) fn store(config: &ServerConfig, shelf: &Arc<Shelf>) -> Arc<dyn ResponseStore> {
    match config.store {
        StoreAt::Memory => Arc::new(InMemory::default()),
        _ => Arc::new(Stored::new(Arc::clone(shelf), config.relay.is_some())),
    }
}

/// A response as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What went in, with everything before it.
    input: Vec<Value>,
    /// The response itself.
    response: Map<String, Value>,
}

/// What keeps the answer to a request, once that has come.
pub(crate) struct Keeping {
    store: Arc<dyn ResponseStore>,
    owner: String,
    input: Vec<Value>,
    previous: Option<String>,
}

/// Puts the items of a previous response before a request's own, and those in place that it refers
/// to; says what keeps its answer. Another dialect's body stays as it is.
pub(crate) async fn gone_on(
    site: &Site,
    dialect: &dyn Speak,
    caller: &Caller,
    body: Seen,
) -> Result<(Seen, Option<Keeping>)> {
    if dialect.name() != DIALECT {
        return Ok((body, None));
    }
    if goes_alone(&body) {
        return Ok((body, None));
    }
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(&body.bytes) else {
        return Ok((body, None));
    };
    let owner = caller.holder().unwrap_or_default();
    let previous = match fields.shift_remove("previous_response_id") {
        Some(Value::String(id)) => Some(id),
        _ => None,
    };
    let keeps = fields.get("store") != Some(&Value::Bool(false));
    let waits = fields.shift_remove("background") == Some(Value::Bool(true));
    // Nothing but its wait is taken out of it.
    let said = match waits {
        true => fields.get("input").cloned(),
        false => None,
    };
    let mut own = match fields.get_mut("input").map(Value::take) {
        Some(Value::String(text)) => {
            vec![json!({ "type": "message", "role": "user", "content": text })]
        }
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let refers = referred(site, &owner, &mut own).await?;
    if previous.is_none() && !keeps && !waits && !refers {
        return Ok((body, None));
    }
    let mut input = match &previous {
        None => Vec::new(),
        Some(id) => {
            let mut kept = find(site, &owner, id).await?.ok_or_else(|| {
                let message = format!("Previous response with id '{id}' not found.");
                Error::new(ErrorKind::InvalidRequest, message)
                    .with_status(400)
                    .with_code("previous_response_not_found")
            })?;
            if let Some(Value::Array(output)) = kept.response.shift_remove("output") {
                kept.input.extend(output);
            }
            kept.input
        }
    };
    input.append(&mut own);
    let body = match previous.is_some() || refers || waits {
        false => body,
        true => {
            let all = match said.filter(|_| previous.is_none() && !refers) {
                Some(said) => said,
                None if keeps => input.clone().into(),
                None => std::mem::take(&mut input).into(),
            };
            if fields.contains_key("input") || previous.is_some() {
                fields.insert("input".to_owned(), all);
            }
            Seen::from(Bytes::from(Value::Object(fields).to_string()))
        }
    };
    let keeping = keeps.then(|| Keeping {
        store: Arc::clone(&site.responses),
        owner,
        input,
        previous,
    });
    Ok((body, keeping))
}

/// Whether a request says that its answer isn't kept, and names nothing that is: most agents' do,
/// whose bodies are long.
fn goes_alone(body: &Seen) -> bool {
    let Some(outline) = Outline::known(&body.bytes, &body.members) else {
        return false;
    };
    let says = |name: &str| outline.get(name).filter(|it| *it != "null");
    let refers = |input: &str| input.contains("item_reference");
    says("store") == Some("false")
        && says("previous_response_id").is_none()
        && says("background").is_none_or(|it| it == "false")
        && !says("input").is_some_and(refers)
}

/// Puts kept items in the place of those that only name them; whether there were any. One that isn't
/// kept here may be kept by the provider.
async fn referred(site: &Site, owner: &str, items: &mut [Value]) -> Result<bool> {
    let named = items.iter().enumerate().filter_map(|(at, item)| {
        let is_reference = item.get("type").is_some_and(|it| it == "item_reference");
        let id = item.get("id")?.as_str()?;
        is_reference.then(|| (at, item_key(owner, id)))
    });
    let named: Vec<(usize, String)> = named.collect();
    if named.len() > MOST_REFERENCES {
        let message = format!("a request may refer to {MOST_REFERENCES} items at most");
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_status(400));
    }
    let found = stream::iter(named).map(|(at, key)| async move {
        let found = site.responses.get(&key).await?;
        Ok::<_, Error>((at, found))
    });
    let found: Vec<_> = found.buffered(LOOKED_FOR).try_collect().await?;
    let mut any = false;
    for (at, text) in found {
        let item = text.and_then(|it| serde_json::from_str(&it).ok());
        if let (Some(item), Some(place)) = (item, items.get_mut(at)) {
            *place = item;
            any = true;
        }
    }
    Ok(any)
}

impl Keeping {
    /// Keeps an answer as it was given: in these bytes.
    pub(crate) fn told(self, body: &[u8]) {
        let Ok(mut response) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return;
        };
        let Some(Value::String(id)) = response.get("id") else {
            return;
        };
        let key = key(&self.owner, id);
        if let Some(previous) = self.previous {
            response.insert("previous_response_id".to_owned(), previous.into());
        }
        for (id, item) in named(&response) {
            self.store.put(item_key(&self.owner, id), item.to_string());
        }
        let input = self.input;
        if let Ok(kept) = serde_json::to_string(&Kept { input, response }) {
            self.store.put(key, kept);
        }
    }

    /// Keeps an answer that was streamed.
    pub(crate) fn streamed(self, mut response: ChatResponse, tools: &ClientTools) {
        let dialect = speak::responses();
        Sealer::new(&*dialect).whole(&mut response);
        if let Ok(body) = dialect.whole(&response, tools) {
            self.told(&body);
        }
    }
}

fn key(owner: &str, id: &str) -> String {
    format!("{owner}\n{id}")
}

/// The key of an item of a response.
fn item_key(owner: &str, id: &str) -> String {
    key(owner, &format!("item\n{id}"))
}

/// The items of a response that have ids.
fn named(response: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let output = response.get("output").and_then(Value::as_array);
    let items = output.into_iter().flatten();
    items.filter_map(|item| Some((item.get("id")?.as_str()?, item)))
}

async fn find(site: &Site, owner: &str, id: &str) -> Result<Option<Kept>> {
    let found = site.responses.get(&key(owner, id)).await?;
    Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Adds what is asked of kept responses.
pub(crate) fn routes(router: Routes) -> Routes {
    let to = |wish| move |site, id, uri, headers| granted(wish, site, id, uri, headers);
    router
        .route(
            "/v1/responses/{id}",
            get(to(Wish::Show)).delete(to(Wish::Forget)),
        )
        .route("/v1/responses/compact", post(compact))
        .route("/v1/responses/{id}/cancel", post(to(Wish::Cancel)))
        .route("/v1/responses/{id}/input_items", get(to(Wish::Items)))
}

/// What comes of it is for its maker's own models alone, so no other could go on from it.
async fn compact(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let refused = async {
        site.access.check(&headers, &uri).await?;
        let message = "`/v1/responses/compact` isn't answered here: shorten the conversation in \
                       the client, or begin a new one";
        Err(Error::unsupported(message).with_status(400))
    };
    answered(refused.await)
}

/// What is kept under an id of who asks.
async fn kept(site: &Site, (headers, uri): (&HeaderMap, &Uri), id: &str) -> Result<(String, Kept)> {
    let caller = site.access.check(headers, uri).await?;
    let owner = caller.holder().unwrap_or_default();
    match find(site, &owner, id).await? {
        Some(kept) => Ok((owner, kept)),
        None => {
            let message = format!("Response with id '{id}' not found.");
            Err(Error::new(ErrorKind::InvalidRequest, message).with_status(404))
        }
    }
}

fn answered(answer: Result<Value>) -> Response {
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(error) => refused(&*speak::responses(), &error),
    }
}

/// What is asked of a kept response.
#[derive(Clone, Copy)]
enum Wish {
    Show,
    Forget,
    Cancel,
    Items,
}

/// Answers a wish of whoever the response belongs to.
async fn granted(
    wish: Wish,
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let granted = async {
        let (owner, kept) = kept(&site, (&headers, &uri), &id).await?;
        Ok(match wish {
            Wish::Show => kept.response.into(),
            Wish::Items => listed(kept.input, &id, &uri),
            Wish::Forget => {
                for (item, _) in named(&kept.response) {
                    site.responses.delete(&item_key(&owner, item)).await?;
                }
                site.responses.delete(&key(&owner, &id)).await?;
                json!({ "id": id, "object": "response", "deleted": true })
            }
            // Only what runs in the background can be cancelled so, and nothing does here: who
            // leaves a stream ends it.
            Wish::Cancel => {
                let message = "Cannot cancel a synchronous response.";
                let error = Error::new(ErrorKind::InvalidRequest, message);
                return Err(error.with_status(StatusCode::BAD_REQUEST.as_u16()));
            }
        })
    };
    answered(granted.await)
}

/// A page of items: the newest first unless the query says otherwise, twenty of them.
fn listed(mut items: Vec<Value>, response: &str, uri: &Uri) -> Value {
    let query = uri.query().unwrap_or_default();
    let said = |name: &str| {
        let pairs = query.split('&').filter_map(|it| it.split_once('='));
        pairs.clone().find(|(it, _)| *it == name).map(|(_, it)| it)
    };
    // Items that a client sent have no ids, though pages are found by them.
    for (at, item) in items.iter_mut().enumerate() {
        if let Some(fields) = item.as_object_mut() {
            let id = || format!("item_{response}_{at}").into();
            fields.entry("id").or_insert_with(id);
            fields.entry("type").or_insert_with(|| "message".into());
        }
    }
    if said("order") != Some("asc") {
        items.reverse();
    }
    let after = said("after").and_then(|id| items.iter().position(|it| it["id"] == id));
    let limit = said("limit").and_then(|it| it.parse().ok()).unwrap_or(20);
    let rest = items.split_off(after.map_or(0, |at| at + 1));
    let has_more = rest.len() > limit;
    let data: Vec<Value> = rest.into_iter().take(limit).collect();
    let id = |it: Option<&Value>| it.map(|it| it["id"].clone());
    let (first, last) = (id(data.first()), id(data.last()));
    json!({
        "object": "list", "data": data, "first_id": first, "last_id": last, "has_more": has_more,
    })
}
