//! Conversations and turns as clients are shown them.

use parlor::agent::{Found, KeptInfo, KeptTurn, Turn, TurnFailure, TurnId, TurnState};
use parlor::{Cost, MediaSource, Message, Part, Result, Usage};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::approvals::Waiting;
use super::call;
use parlor::{Error, ErrorKind};

/// A conversation as lists show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation {
    /// A few letters and digits, the same in the terminal program.
    pub(crate) id: String,
    /// A line that says what it is about; empty until something was asked.
    pub(crate) title: String,
    /// The name of the model that it goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// When it began, in milliseconds since 1970 (UTC).
    pub(crate) created_ms: i64,
    /// When something last changed in it, in milliseconds since 1970 (UTC).
    pub(crate) updated_ms: i64,
    /// The conversation that it was forked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forked_from: Option<String>,
    /// How many turns its branch has.
    pub(crate) turns: u32,
    /// Tokens of its branch.
    pub(crate) usage: Usage,
    /// What its branch cost, where all of it is known in one currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<Cost>,
    /// The turn that is on its way here, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) going: Option<String>,
    /// Where the words of a search stand in it: every second text, from the second one on, was
    /// looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) found: Vec<String>,
}

/// Some conversations.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Conversations {
    /// The newest first; of a search, the best first.
    pub(crate) conversations: Vec<Conversation>,
    /// What `cursor` is for the next ones, where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A conversation with what was said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) about: Conversation,
    /// What its model is told at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    /// The turns of its branch, oldest first.
    pub(crate) branch: Vec<ShownTurn>,
}

/// One turn: what was asked, and all that answers it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownTurn {
    /// A number, written as text since it is too long for a number of JavaScript's.
    pub(crate) id: String,
    /// The turn that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    /// All turns that follow the same one, itself among them, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) siblings: Vec<String>,
    /// When it began, in milliseconds since 1970 (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_ms: Option<i64>,
    pub(crate) state: State,
    /// The model that answered, as `provider/model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    pub(crate) usage: Usage,
    /// What it cost, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<Cost>,
    /// Why it has no whole answer, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
    /// Its calls of tools that wait for a person's word, while it is on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) waiting: Vec<Waiting>,
    /// Its messages: the question, then what answers it. Media have the address that their bytes
    /// are at here, and what only their provider understands is left out.
    #[schemars(with = "Vec<Message>")]
    pub(crate) messages: Vec<Value>,
}

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It is on its way.
    Going,
    /// The answer is whole.
    Complete,
    /// It was stopped, or the service ended; what is there is what had come.
    Interrupted,
    /// It failed; what is there is what had come.
    Failed,
    /// Its last calls of tools wait for an approval.
    Pending,
}

/// Why something failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Failure {
    /// The kind of the failure in a word.
    pub(crate) kind: String,
    /// What went wrong.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) help: String,
}

/// An answer that isn't what was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Refused {
    pub(crate) error: Failure,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().as_str().to_owned(),
            message: error.message().to_owned(),
            help: error.help().to_owned(),
        }
    }
}

impl From<&TurnFailure> for Failure {
    fn from(failure: &TurnFailure) -> Self {
        Self {
            kind: failure.kind.clone(),
            message: failure.message.clone(),
            help: failure.help.clone(),
        }
    }
}

impl Conversation {
    pub(super) fn of(info: KeptInfo, going: Option<TurnId>) -> Self {
        Self {
            id: info.id,
            title: info.title,
            model: info.model,
            created_ms: info.created_ms,
            updated_ms: info.updated_ms,
            forked_from: info.forked_from,
            turns: info.turns,
            usage: info.usage,
            cost: info.cost,
            going: going.map(|it| it.0.to_string()),
            found: Vec::new(),
        }
    }

    /// A place where words were found.
    pub(super) fn found(found: Found, going: Option<TurnId>) -> Self {
        let texts = found.snippet.split([Found::BEGIN, Found::END]);
        let texts = texts.map(str::to_owned).collect();
        Self {
            found: texts,
            ..Self::of(found.info, going)
        }
    }
}

impl ShownTurn {
    /// A turn of a conversation, with nothing said of its place.
    pub(super) fn of(conversation: &str, id: TurnId, turn: &Turn) -> Result<Self> {
        Ok(Self {
            id: id.0.to_string(),
            parent: None,
            siblings: Vec::new(),
            created_ms: None,
            state: state(turn),
            model: turn.model.clone(),
            usage: turn.usage.clone(),
            cost: None,
            error: turn.failure.as_ref().map(Failure::from),
            waiting: Vec::new(),
            messages: messages(conversation, id, turn)?,
        })
    }
}

impl ShownTurn {
    /// Says that it is on its way, so that it has neither end nor failure, and which of its calls
    /// wait.
    pub(super) fn going(&mut self, waiting: Vec<Waiting>) {
        self.state = State::Going;
        self.error = None;
        self.waiting = waiting;
    }
}

fn state(turn: &Turn) -> State {
    let cancelled = ErrorKind::Cancelled.as_str();
    match (turn.state, &turn.failure) {
        (TurnState::Interrupted, Some(failure)) if failure.kind != cancelled => State::Failed,
        (TurnState::Complete, _) => State::Complete,
        (TurnState::Pending, _) => State::Pending,
        _ => State::Interrupted,
    }
}

/// The last event of a turn.
pub(super) fn end(kept: &KeptTurn) -> Value {
    let turn = &kept.turn;
    let mut end = json!({ "state": state(turn), "usage": turn.usage });
    if let Some(cost) = &kept.cost {
        end["cost"] = json!(cost);
    }
    if let Some(failure) = &turn.failure {
        end["error"] = json!(Failure::from(failure));
    }
    if let Some(model) = &turn.model {
        end["model"] = json!(model);
    }
    end
}

/// Messages for clients: bytes stay here, and so does what only providers understand.
fn messages(conversation: &str, id: TurnId, turn: &Turn) -> Result<Vec<Value>> {
    let mut count = 0;
    let mut all = Vec::with_capacity(turn.messages.len());
    let mut place = |part: &mut Part| {
        if let Part::Media(media) = part
            && let MediaSource::Bytes(_) = &media.source
        {
            let turn = id.0;
            media.source = MediaSource::Url(format!(
                "/api/conversations/{conversation}/turns/{turn}/media/{count}"
            ));
            count += 1;
        }
    };
    for message in &turn.messages {
        let mut message = message.clone();
        for part in &mut message.parts {
            match part {
                Part::ToolResult(result) => result.parts.iter_mut().for_each(&mut place),
                part => place(part),
            }
        }
        let mut message = serde_json::to_value(&message)
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        strip(&mut message);
        for part in message["parts"].as_array_mut().into_iter().flatten() {
            strip(part);
        }
        all.push(message);
    }
    Ok(all)
}

fn strip(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.remove("native");
    }
}

/// The bytes of a turn's media, by their place among them, and what they are.
pub(super) fn media(turn: &Turn, at: usize) -> Result<(bytes::Bytes, Option<String>)> {
    let parts = turn
        .messages
        .iter()
        .flat_map(|message: &Message| &message.parts);
    let parts = parts.flat_map(|part| match part {
        Part::ToolResult(result) => result.parts.as_slice(),
        part => std::slice::from_ref(part),
    });
    let mut media = parts.filter_map(|part| match part {
        Part::Media(media) => match &media.source {
            MediaSource::Bytes(bytes) => Some((bytes.clone(), media.media_type.clone())),
            _ => None,
        },
        _ => None,
    });
    let found = media.nth(at);
    found.ok_or_else(|| call::missing(call::wrong(format!("the turn has no media {at}"))))
}
