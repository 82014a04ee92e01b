//! Every endpoint of the chat service, with what it takes and gives.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodFilter;
use futures_util::future::BoxFuture;
use parlor::Result;
use schemars::{Schema, SchemaGenerator};

use super::approvals::{Answer, Decision};
use super::call::Call;
use super::question::Question;
use super::shown::{Conversations, ShownTurn, Whole};
use super::turns::Accepted;
use super::{conversations, follow, stream, turns};
use crate::service::Site;
use crate::{models, tools};

/// One endpoint.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// What it is for, in a sentence.
    pub(crate) about: &'static str,
    /// What the query may say, and what that means.
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(crate) takes: Option<SchemaOf>,
    /// The status where it goes well, the media types, and what they are of.
    pub(crate) gives: &'static [Gives],
    pub(crate) answers: Answers,
}

/// What an endpoint gives where it goes well.
pub(crate) struct Gives {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    /// The media types that it may have, with what is in each.
    pub(crate) kinds: &'static [(&'static str, Option<SchemaOf>)],
}

/// Makes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

type Answered<T> = BoxFuture<'static, T>;

pub(crate) enum Answers {
    /// A request whose sender may ask.
    Whole(fn(Arc<Site>, Call) -> Answered<Result<Response>>),
    /// A request as it came.
    Itself(fn(Arc<Site>, Request) -> Answered<Response>),
}

/// A handler as a value of a table.
macro_rules! by {
    ($($handler:tt)+) => {
        $crate::chat::Answers::Whole(|site, call| Box::pin($($handler)+(site, call)))
    };
}
pub(crate) use by;

pub(crate) fn schema<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const WHOLE: &[(&str, Option<SchemaOf>)] = &[("application/json", Some(schema::<Whole>))];
const TURN: &[(&str, Option<SchemaOf>)] = &[("application/json", Some(schema::<ShownTurn>))];
const NOTHING: &[Gives] = &[Gives {
    status: 204,
    about: "It is gone.",
    kinds: &[],
}];

/// All endpoints.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/chat/stream",
        about: "Asks a model, and streams its answer; nothing is kept",
        query: &[],
        takes: Some(schema::<stream::Question>),
        gives: &[Gives {
            status: 200,
            about: "A line of JSON for each piece of the answer; the last one is `finished`. \
                        With `Accept: text/event-stream` the lines are the data of events.",
            kinds: &[
                ("application/x-ndjson", Some(schema::<stream::Piece>)),
                ("text/event-stream", Some(schema::<stream::Piece>)),
            ],
        }],
        answers: Answers::Itself(|site, request| Box::pin(stream::stream(site, request))),
    },
    Route {
        method: Method::Get,
        path: "/api/models",
        about: "Lists the models that can be asked, and why some can't be now",
        query: &[(
            "all",
            "`true` for the models of providers without a key too.",
        )],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The models.",
            kinds: &[("application/json", Some(schema::<models::Models>))],
        }],
        answers: by!(models::list),
    },
    Route {
        method: Method::Get,
        path: "/api/tools",
        about: "Lists what models may call in conversations",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The tools.",
            kinds: &[("application/json", Some(schema::<tools::ToolList>))],
        }],
        answers: by!(tools::list),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations",
        about: "Lists conversations, the newest first, or those where words were said",
        query: &[
            (
                "q",
                "Words that were said, by their beginnings; in each turn the first 256 KiB count.",
            ),
            ("limit", "How many, at most 200; 50 where nothing is said."),
            (
                "cursor",
                "The `next` of the list that this one goes on after.",
            ),
        ],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The conversations.",
            kinds: &[("application/json", Some(schema::<Conversations>))],
        }],
        answers: by!(conversations::list),
    },
    Route {
        method: Method::Post,
        path: "/api/conversations",
        about: "Begins a conversation",
        query: &[],
        takes: Some(schema::<conversations::New>),
        gives: &[Gives {
            status: 201,
            about: "The conversation.",
            kinds: WHOLE,
        }],
        answers: by!(conversations::create),
    },
    Route {
        method: Method::Delete,
        path: "/api/conversations",
        about: "Deletes all conversations that the sender sees",
        query: &[("all", "`true`, so that it is meant.")],
        takes: None,
        gives: NOTHING,
        answers: by!(conversations::delete_all),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations/{id}",
        about: "A conversation with the turns of its branch",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The conversation.",
            kinds: WHOLE,
        }],
        answers: by!(conversations::get),
    },
    Route {
        method: Method::Patch,
        path: "/api/conversations/{id}",
        about: "Changes a conversation's title, instructions, model or branch",
        query: &[],
        takes: Some(schema::<conversations::Change>),
        gives: &[Gives {
            status: 200,
            about: "The conversation as it is now.",
            kinds: WHOLE,
        }],
        answers: by!(conversations::change),
    },
    Route {
        method: Method::Delete,
        path: "/api/conversations/{id}",
        about: "Deletes a conversation with all its branches, and stops its turn",
        query: &[],
        takes: None,
        gives: NOTHING,
        answers: by!(conversations::delete),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations/{id}/export",
        about: "Writes a conversation out",
        query: &[(
            "format",
            "`markdown`, which it is where nothing is said, or `json`.",
        )],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "Markdown to read, or JSON that the terminal program reads.",
            kinds: &[("text/markdown", None), ("application/json", None)],
        }],
        answers: by!(conversations::export),
    },
    Route {
        method: Method::Post,
        path: "/api/conversations/{id}/fork",
        about: "Begins another conversation with the turns of this one",
        query: &[],
        takes: Some(schema::<conversations::Fork>),
        gives: &[Gives {
            status: 201,
            about: "The new conversation.",
            kinds: WHOLE,
        }],
        answers: by!(conversations::fork),
    },
    Route {
        method: Method::Post,
        path: "/api/conversations/{id}/turns",
        about: "Asks something; the service answers whether anybody reads or not",
        query: &[],
        takes: Some(schema::<Question>),
        gives: &[Gives {
            status: 202,
            about: "It is being answered.",
            kinds: &[("application/json", Some(schema::<Accepted>))],
        }],
        answers: by!(turns::create),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations/{id}/turns/{turn}",
        about: "A turn, on whatever branch it is",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The turn.",
            kinds: TURN,
        }],
        answers: by!(turns::get),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations/{id}/turns/{turn}/events",
        about: "What a turn says, as it says it, from the first event or after `Last-Event-ID`",
        query: &[(
            "last_event_id",
            "The id of the last event that was read, where no `Last-Event-ID` says it.",
        )],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "Server-sent events: `start`, `text`, `reasoning`, `tool_call`, `approval`, \
                    `decided`, `tool_started`, `tool_result`, `media`, and `end`, which is the last.",
            kinds: &[("text/event-stream", None)],
        }],
        answers: by!(follow::events),
    },
    Route {
        method: Method::Post,
        path: "/api/conversations/{id}/turns/{turn}/stop",
        about: "Stops a turn, and keeps what it said",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The turn as it is kept.",
            kinds: TURN,
        }],
        answers: by!(turns::stop),
    },
    Route {
        method: Method::Post,
        path: "/api/conversations/{id}/turns/{turn}/approvals/{call}",
        about: "Says whether a call that waits may run; the first answer counts",
        query: &[],
        takes: Some(schema::<Answer>),
        gives: &[Gives {
            status: 200,
            about: "What is decided. 409 says that it was decided otherwise before.",
            kinds: &[("application/json", Some(schema::<Decision>))],
        }],
        answers: by!(turns::approve),
    },
    Route {
        method: Method::Get,
        path: "/api/conversations/{id}/turns/{turn}/media/{at}",
        about: "The bytes of a picture, sound, film or document of a turn",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "The bytes.",
            kinds: &[("*/*", None)],
        }],
        answers: by!(turns::media),
    },
];
