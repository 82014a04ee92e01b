//! A server that answers with recorded exchanges, cut into reads as the test likes.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::cassette::{Cassette, RecordedResponse};
use crate::http::{Framing, Host, Pace, Reply, SeenRequest};

/// Headers that belong to the recorded connection, or to a body as it was before it was recorded.
const NOT_REPLAYED: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Where a replayed body is cut. Each piece is a chunk, and so a read, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuts {
    /// Nowhere.
    Whole,
    /// After every byte.
    Bytes,
    /// After 1 to 64 bytes by chance, the same for the same seed.
    Seeded(u64),
}

impl Cuts {
    /// The body in pieces.
    pub fn cut(self, body: &[u8]) -> Vec<Vec<u8>> {
        let mut chance = match self {
            Self::Whole => return vec![body.to_vec()],
            Self::Bytes => return body.chunks(1).map(<[u8]>::to_vec).collect(),
            Self::Seeded(seed) => fastrand::Rng::with_seed(seed),
        };
        let (mut pieces, mut rest) = (vec![], body);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(chance.usize(1..=64).min(rest.len()));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces
    }
}

/// A server on the loopback interface that plays recordings; dropping it ends it.
///
/// A client gets [`url`](Self::url) as its base URL. Whatever it asks beneath that URL is
/// answered with the recorded status, headers and body, without those headers that speak of the
/// recorded connection. It runs on the runtime in which it was started.
#[derive(Debug)]
pub struct ReplayServer {
    host: Host,
}

impl ReplayServer {
    /// Starts on a free port.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start(
        cassettes: impl IntoIterator<Item = Cassette>,
        cuts: Cuts,
    ) -> io::Result<Self> {
        let recorded: HashMap<String, RecordedResponse> = cassettes
            .into_iter()
            .map(|it| (it.id(), it.response))
            .collect();
        let play = move |seen: &SeenRequest| {
            let found = recording(&seen.path).and_then(|id| recorded.get(id));
            let reply = match found {
                Some(response) => reply(response, cuts),
                None => Reply::new(404, "text/plain", vec![b"no such recording".to_vec()]),
            };
            reply.script(seen).into()
        };
        Ok(Self {
            host: Host::start(Pace::default(), Arc::new(play)).await?,
        })
    }

    /// The base URL for a recording, without a slash at its end.
    pub fn url(&self, cassette: &Cassette) -> String {
        format!("http://{}/replay/{}", self.host.address(), cassette.id())
    }

    /// The requests so far, in the order they came in.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.host.requests()
    }

    /// The requests to one recording so far, for a comparison with the recorded request.
    pub fn requests_of(&self, cassette: &Cassette) -> Vec<SeenRequest> {
        let id = cassette.id();
        self.requests()
            .into_iter()
            .filter(|it| recording(&it.path) == Some(&id))
            .collect()
    }
}

/// The recording's id in a path: the two segments after the first.
fn recording(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/replay/")?;
    let provider = rest.find('/')? + 1;
    let name = rest[provider..]
        .find(['/', '?'])
        .unwrap_or(rest.len() - provider);
    Some(&rest[..provider + name])
}

fn reply(response: &RecordedResponse, cuts: Cuts) -> Reply {
    let kept = response
        .headers
        .iter()
        .filter(|(name, _)| !NOT_REPLAYED.contains(&name.as_str()));
    Reply {
        headers: kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        framing: Framing::Chunked,
        ..Reply::new(response.status, "", cuts.cut(&response.body))
    }
}
