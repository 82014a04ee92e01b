//! Turns of a conversation: begun, shown, stopped.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use parlor::agent::{Conversation, ConversationStore, KeptTurn, Turn, TurnId, TurnState, title_of};
use parlor::{ChatRequest, Error, Result};
use parlor_store::Store;
use schemars::JsonSchema;
use serde::Serialize;

use super::approvals::{Answer, Waiting, late};
use super::call::{Call, json, missing, to_its_end, turn_id, wrong};
use super::conversations::{load, place};
use super::follow::elsewhere;
use super::going::{Begun, Ended, Place, go, is_last, is_without_end, without_end};
use super::log::Position;
use super::question::{Question, asked_in};
use super::refused;
use super::shown::{self, ShownTurn};
use crate::account::Asked;
use crate::body::Held;
use crate::gateway::reply;
use crate::service::Site;
use crate::tools::Tools;

/// How long a turn that is to stop may take to do so elsewhere.
const STOPPING: Duration = Duration::from_secs(15);

/// How long another instance may take to hear an answer.
const ANSWERED: Duration = Duration::from_secs(10);

/// A turn that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Accepted {
    /// The turn's id.
    pub(crate) id: String,
    /// The conversation's id.
    pub(crate) conversation: String,
    /// Where what it says can be followed, from the first event on.
    pub(crate) events: String,
}

/// Begins a turn, and answers at once.
pub(super) async fn create(site: Arc<Site>, call: Call) -> Result<Response> {
    let mut asked = site.asked(&call.head, &call.uri, "chat").await?;
    let conversation = call.param("id").to_owned();
    let ready = accepted(&site, call, &conversation, &mut asked).await;
    let ready = ready.inspect_err(|error| not_begun(&mut asked, error))?;
    // A client who leaves doesn't end it: what is asked is answered, once it is kept.
    let id = to_its_end(begin(ready, asked, Arc::clone(&site.tools))).await?;
    let events = format!("/api/conversations/{conversation}/turns/{}/events", id.0);
    let accepted = Accepted {
        id: id.0.to_string(),
        conversation,
        events: events.clone(),
    };
    let mut response = json(StatusCode::ACCEPTED, &accepted)?;
    if let Ok(events) = HeaderValue::from_str(&events) {
        response.headers_mut().insert(header::LOCATION, events);
    }
    Ok(response)
}

fn not_begun(asked: &mut Asked, error: &Error) {
    asked.failed(error);
    asked.told(refused(error).status().as_u16());
}

/// A question that is to be kept and answered.
struct Ready {
    place: Place,
    store: Store,
    conversation: String,
    /// The turn that it goes after.
    last: Option<TurnId>,
    turn: Turn,
    /// The model by the name that it was asked by.
    model: String,
    chat: Conversation,
    question: ChatRequest,
    /// What its body holds until it is kept.
    _held: Held,
}

/// Takes the conversation, and reads the question.
async fn accepted(site: &Site, call: Call, conversation: &str, asked: &mut Asked) -> Result<Ready> {
    let store = call.store(site).await?;
    let question: (Question, Held) = call.held().await?;
    // Whose it is is looked at before whether it is free.
    load(&store, conversation, None).await?;
    let place = site.turns.enter(conversation).await?;
    ready(site, (place, store), conversation, question, asked).await
}

/// Keeps the question, as the turn that its answer will complete, and has it answered.
async fn begin(ready: Ready, mut asked: Asked, tools: Arc<Tools>) -> Result<TurnId> {
    let (store, conversation) = (ready.store, &ready.conversation);
    let turn = KeptTurn::from(ready.turn);
    let kept = store.append(conversation, ready.last, &turn).await;
    let id = kept.inspect_err(|error| not_begun(&mut asked, error))?;
    // Where the name can't be kept, the turn still tells its model.
    let _ = store.set_model(conversation, Some(&ready.model)).await;
    go(
        ready.place,
        Begun {
            id,
            chat: ready.chat,
            question: ready.question,
            store,
            asked,
            tools,
        },
    );
    Ok(id)
}

/// Finds what the question goes on after and who answers it, and whether the key may ask that.
async fn ready(
    site: &Site,
    (place, store): (Place, Store),
    conversation: &str,
    (mut question, held): (Question, Held),
    asked: &mut Asked,
) -> Result<Ready> {
    let after = after(&store, conversation, &question).await?;
    let kept = match after {
        After::Head => load(&store, conversation, None).await?,
        After::Turn(turn) => load(&store, conversation, Some(turn)).await?,
        After::Nothing => {
            let mut kept = load(&store, conversation, None).await?;
            kept.turns.clear();
            kept.history.clear();
            kept
        }
    };
    let named = question.model.clone().or(kept.info.model);
    let name = named.unwrap_or_else(|| site.live().registry.default_model(None).id);
    let model = site.model(&name).await?;
    let mut request = ChatRequest::default();
    request.messages = match (&question.replaces, question.asks()) {
        (_, true) => question.messages(model.info())?,
        (Some(turn), false) => {
            let turn = store.turn(conversation, turn_id(turn)?).await;
            asked_in(&turn.map_err(missing)?.messages)
        }
        (None, false) => {
            return Err(wrong("the turn asks nothing").with_help("Send `text`, or attachments."));
        }
    };
    question.settings.apply(&mut request);
    let mut whole = request.clone();
    whole.messages = kept.history.messages();
    whole.messages.extend(request.messages.iter().cloned());
    asked.wants(&name, model.info(), &whole).await?;
    if kept.info.title.is_empty() {
        let titles = request.messages.iter().map(title_of);
        let title = titles.into_iter().find(|title| !title.is_empty());
        store
            .set_title(conversation, title.as_deref().unwrap_or("(no text)"))
            .await?;
    }
    let mut turn = Turn::new(request.messages.clone());
    turn.state = TurnState::Interrupted;
    turn.failure = Some(without_end());
    turn.model = Some(model.info().id());
    Ok(Ready {
        place,
        store,
        conversation: conversation.to_owned(),
        last: kept.turns.last().copied(),
        turn,
        model: name,
        chat: Conversation::shared(model).with_history(kept.history),
        question: request,
        _held: held,
    })
}

/// What a turn goes on after.
enum After {
    Head,
    Turn(TurnId),
    Nothing,
}

async fn after(store: &Store, conversation: &str, question: &Question) -> Result<After> {
    if let Some(replaced) = &question.replaces {
        let replaced = turn_id(replaced)?;
        let tree = store.tree(conversation).await?;
        let found = tree.iter().find(|turn| turn.id == replaced);
        let found = found.ok_or_else(|| {
            missing(wrong(format!(
                "the conversation has no turn {}",
                replaced.0
            )))
        })?;
        return Ok(found.parent.map_or(After::Nothing, After::Turn));
    }
    Ok(match &question.after {
        None => After::Head,
        Some(None) => After::Nothing,
        Some(Some(turn)) => After::Turn(turn_id(turn)?),
    })
}

/// A turn of a conversation that the sender sees.
pub(super) async fn find(call: &Call, store: &Store) -> Result<(TurnId, Turn)> {
    let id = call.turn()?;
    let turn = store.turn(call.param("id"), id).await.map_err(missing)?;
    Ok((id, turn))
}

pub(super) async fn get(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let (id, turn) = find(&call, &store).await?;
    let conversation = call.param("id");
    let mut shown = ShownTurn::of(conversation, id, &turn)?;
    place(&mut shown, id, &store.tree(conversation).await?);
    let is_going = match site.turns.of(conversation) {
        Some(here) => here.id == id,
        None => {
            is_without_end(&turn)
                && is_last(&store, conversation, id).await
                && site.turns.is_elsewhere(conversation).await
        }
    };
    if is_going {
        shown.going(waiting(&site, &store, conversation, (id, &turn)).await);
    }
    json(StatusCode::OK, &shown)
}

/// The calls of a turn on its way that wait for a person's word, wherever it is.
pub(super) async fn waiting(
    site: &Site,
    store: &Store,
    conversation: &str,
    (id, turn): (TurnId, &Turn),
) -> Vec<Waiting> {
    if let Some(here) = site.turns.find(conversation, id) {
        return here.approvals.waiting();
    }
    let turn = elsewhere(site, store, conversation, (id, turn), Position::default()).await;
    match turn {
        Some(mut turn) => turn.waiting().await,
        None => Vec::new(),
    }
}

/// Answers for a call that waits, wherever its turn is. The first answer counts.
pub(super) async fn approve(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let (id, turn) = find(&call, &store).await?;
    let conversation = call.param("id").to_owned();
    let which = call.param("call").to_owned();
    // Where turns that wait for this have all the places, it must come through.
    let answer = call.short().json::<Answer>().await?.check()?;
    let decision = match site.turns.find(&conversation, id) {
        Some(going) => site.turns.answer(&going, &which, answer)?,
        None => {
            let (turn, from) = ((id, &turn), Position::default());
            match elsewhere(&site, &store, &conversation, turn, from).await {
                Some(mut going) => going.answer(&which, answer, ANSWERED).await?,
                None => return Err(late("the turn is over, and no call of it waits")),
            }
        }
    };
    json(StatusCode::OK, &decision)
}

/// What was shown to the model in a turn, or was made by it.
pub(super) async fn media(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let (_, turn) = find(&call, &store).await?;
    let at = call.param("at").parse();
    let at = at.map_err(|_| missing(wrong("there is no such media")))?;
    let (bytes, media_type) = shown::media(&turn, at)?;
    // What could hold a script is given to be saved, and never run.
    let harmless = [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
    ];
    let is_harmless = |kind: &str| {
        harmless.contains(&kind) || kind.starts_with("audio/") || kind.starts_with("video/")
    };
    let kind = media_type.filter(|kind| is_harmless(kind));
    let mut response = reply(
        StatusCode::OK,
        "application/octet-stream",
        Body::from(bytes),
    );
    let headers = response.headers_mut();
    let sandbox = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, sandbox);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    match kind.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        Some(kind) => headers.insert(header::CONTENT_TYPE, kind),
        None => headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        ),
    };
    Ok(response)
}

/// Stops a turn wherever it is; one that is over stays as it is.
pub(super) async fn stop(site: Arc<Site>, call: Call) -> Result<Response> {
    let store = call.store(&site).await?;
    let (id, turn) = find(&call, &store).await?;
    let conversation = call.param("id");
    if let Some(going) = site.turns.find(conversation, id) {
        going.stop(Ended::Stopped);
        // Its end is kept before it is told.
        let mut ear = going.log.ear();
        while !going.log.is_over() && ear.changed().await.is_ok() {}
    } else if is_without_end(&turn) && is_last(&store, conversation, id).await {
        let (turn, from) = ((id, &turn), Position::default());
        if let Some(mut turn) = elsewhere(&site, &store, conversation, turn, from).await {
            turn.stop(STOPPING).await?;
        }
    }
    let turn = store.turn(conversation, id).await.map_err(missing)?;
    json(StatusCode::OK, &ShownTurn::of(conversation, id, &turn)?)
}
