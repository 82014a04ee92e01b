//! Records what a model answers, and replays it: for tests without a network.
//!
//! - **Place:** inside redaction, so that what it takes out isn't recorded either;
//!   outside of everything that waits, spends or asks twice, so that a replay
//!   passes none of it.
//! - **`info()`:** the inner one's. A model that is only replayed is never asked,
//!   but its id is part of what makes requests the same.
//! - **A call:** given as recorded: the answer, or the error with its kind,
//!   message, help, status, code, advice on retrying, request id and partial
//!   answer, but without its cause and body.
//! - **A stream's opening:** as a call; replayed it takes no time.
//! - **A stream's middle:** event by event as recorded, and broken where it broke.
//!   While it is recorded every event passes at once, and a copy is kept.
//! - **A drop:** what is dropped is recorded up to there; who goes on in a replay
//!   gets an error that says so.
//!
//! What makes requests the same is told in [`key`](crate::key): calls are replayed
//! by what they ask, and among those that ask the same in the order in which they
//! were made. A call is replayed for a call and a stream for a stream.
//!
//! # Files
//! A path that ends in `.jsonl` is one file for everything, which is for one test.
//! Any other path is a folder with a file for each request, which several tests may
//! share, at the same time too. Files are read when the layer is
//! [opened](ReplayLayer::open) and written by [`save`](ReplayLayer::save), or
//! when the last of the layer, its models and its streams is dropped: both block
//! for as long as the disk takes. Each is written beside its place first and then
//! renamed, so that nobody meets half a file.
//!
//! They are JSON, a line for each thing in its order, to be read, compared and
//! kept under version control: a `recording` with its request begins each
//! exchange, then comes the `response`, or `opened` and each `event`, or the
//! `error`. There are no times in them.
//!
//! # Secrets
//! are taken out before anything is kept: those that the policy's
//! [`secrets`](ReplayPolicy::secrets) knows, what looks like a key, in text that
//! came in pieces too, and every text in a field named like one (`api_key`,
//! `password` and so on). What a person said stays: look through a file before you
//! share it. What was taken out still counts for the key.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::replay::{ReplayLayer, ReplayMode, ReplayPolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let name = format!("parlor-replay-{}.jsonl", std::process::id());
//! # let path = std::env::temp_dir().join(name);
//! let layer = ReplayLayer::open(&path, ReplayPolicy::new(ReplayMode::Record))?;
//! let model = Echo::new().layer(layer.clone());
//! model.ask("Hi").await?;
//! layer.save()?;
//!
//! let layer = ReplayLayer::open(&path, ReplayPolicy::new(ReplayMode::Replay))?;
//! let model = Echo::new().layer(layer);
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! let error = model.ask("Hello").await.unwrap_err();
//! assert!(error.message().contains("messages[0].parts[0].text"));
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! It is made in code only, since it opens files.

mod files;
mod form;
mod miss;
mod scrub;
mod tape;

use crate::key::{CacheKey, KeyPolicy};
use async_trait::async_trait;
use files::{Place, Recording};
use form::{Head, Kind};
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Layer, ModelInfo, Result,
    Scrub,
};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tape::Tape;

/// Whether to record or to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayMode {
    /// Ask the model, and record what it answers in place of what was recorded.
    Record,
    /// Never ask the model. What isn't recorded is an error that names the
    /// recording that comes nearest, and what differs.
    Replay,
    /// Replay what is recorded, and record the rest. Of what nobody answered, for
    /// want of a connection or a key, say, or of patience, nothing is kept.
    Auto,
}

/// What to record and replay.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplayPolicy {
    /// Whether to record or to replay.
    pub mode: ReplayMode,
    /// What makes requests the same.
    pub key: KeyPolicy,
    /// The secrets that are known; what looks like one is taken out anyway.
    pub secrets: Scrub,
}

impl ReplayPolicy {
    /// The policy of a mode, where everything else has its default.
    pub fn new(mode: ReplayMode) -> Self {
        Self {
            mode,
            key: KeyPolicy::default(),
            secrets: Scrub::default(),
        }
    }
}

/// Records what a model answers, and replays it.
///
/// Clones share the recordings and their order, and so do all models wrapped by
/// them.
#[derive(Clone)]
pub struct ReplayLayer {
    shared: Arc<Shared>,
}

struct Shared {
    policy: ReplayPolicy,
    place: Place,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// What was there when the layer was opened.
    recorded: Vec<Arc<Recording>>,
    /// What was recorded since, in the order of the calls; `None` for those that
    /// are going on or came to nothing.
    new: Vec<Option<Recording>>,
    /// How often each was asked for.
    asked: HashMap<Id, usize>,
    unsaved: bool,
}

/// What makes exchanges the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Id {
    key: String,
    of: Kind,
}

impl ReplayLayer {
    /// A layer with the recordings that are at this path. Reads files, and blocks
    /// meanwhile.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where there is nothing to
    /// replay, or it can't be read.
    pub fn open(path: impl Into<PathBuf>, policy: ReplayPolicy) -> Result<Self> {
        let place = Place::of(path.into());
        let recorded = match policy.mode {
            ReplayMode::Record => Vec::new(),
            _ => place.read()?,
        };
        if policy.mode == ReplayMode::Replay && recorded.is_empty() {
            let message = format!("there are no recordings at {}", place.path().display());
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_help("Run it once with `ReplayMode::Auto` to record, or correct the path."));
        }
        let kept = Kept {
            recorded: recorded.into_iter().map(Arc::new).collect(),
            ..Kept::default()
        };
        Ok(Self {
            shared: Arc::new(Shared {
                policy,
                place,
                kept: Mutex::new(kept),
            }),
        })
    }

    /// Where the recordings are.
    pub fn path(&self) -> &Path {
        self.shared.place.path()
    }

    /// How many exchanges were recorded since the layer was opened.
    pub fn recorded(&self) -> usize {
        self.shared.kept().new.iter().flatten().count()
    }

    /// Writes what was recorded, and blocks meanwhile. A drop does so too, but
    /// can't tell whether it went well.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where it can't be written.
    pub fn save(&self) -> Result<()> {
        self.shared.save()
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that is done under the lock can panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) -> Result<()> {
        let mut kept = self.kept();
        if !kept.unsaved {
            return Ok(());
        }
        let new: Vec<&Recording> = kept.new.iter().flatten().collect();
        let recorded: Vec<&Recording> = kept.recorded.iter().map(|it| &**it).collect();
        self.place.write(&recorded, &new, self.policy.mode)?;
        kept.unsaved = false;
        Ok(())
    }

    /// What there is for a request, or the tape to record it on.
    fn look(self: &Arc<Self>, info: &ModelInfo, request: &ChatRequest, of: Kind) -> Result<Found> {
        let key: CacheKey = self.policy.key.key(info, request)?;
        let id = Id {
            key: key.to_string(),
            of,
        };
        let mut kept = self.kept();
        let asked = kept.asked.entry(id.clone()).or_default();
        let number = *asked;
        *asked += 1;
        let mut same = kept.recorded.iter().filter(|it| it.head.is(&id));
        if let Some(recording) = same.nth(number) {
            return Ok(Found::Recording(recording.clone()));
        }
        let mut request = serde_json::to_value(request).unwrap_or_default();
        scrub::value(&self.policy.secrets, &mut request);
        let head = Head {
            key: id.key,
            model: info.id(),
            of,
            request,
        };
        if self.policy.mode == ReplayMode::Replay {
            let nearest = miss::Miss {
                head: &head,
                number,
                recorded: &kept.recorded,
                key: &self.policy.key,
                path: self.place.path(),
            };
            return Err(nearest.error());
        }
        kept.new.push(None);
        let number = kept.new.len() - 1;
        Ok(Found::Nothing(Tape::new(self.clone(), number, head)))
    }

    fn keep(&self, number: usize, recording: Recording) {
        let mut kept = self.kept();
        if let Some(place) = kept.new.get_mut(number) {
            *place = Some(recording);
            kept.unsaved = true;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.save();
    }
}

impl fmt::Debug for ReplayLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayLayer")
            .field("path", &self.path())
            .field("mode", &self.shared.policy.mode)
            .finish_non_exhaustive()
    }
}

impl Layer for ReplayLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(ReplayModel {
            info: Arc::new(inner.info().clone()),
            inner,
            layer: self.clone(),
        })
    }
}

enum Found {
    Recording(Arc<Recording>),
    Nothing(Tape),
}

#[derive(Debug)]
struct ReplayModel {
    inner: Arc<dyn ChatModel>,
    info: Arc<ModelInfo>,
    layer: ReplayLayer,
}

impl ReplayModel {
    fn look(&self, request: &ChatRequest, of: Kind) -> Result<Found> {
        self.layer.shared.look(&self.info, request, of)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for ReplayModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        match self.look(request, Kind::Call)? {
            Found::Recording(recording) => recording.answer(),
            Found::Nothing(tape) => {
                let answer = self.inner.chat(request).await;
                tape.call(&answer);
                answer
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        match self.look(request, Kind::Stream)? {
            Found::Recording(recording) => tape::play(&recording, &self.info),
            Found::Nothing(tape) => match self.inner.stream(request).await {
                Ok(stream) => Ok(tape.stream(stream, &self.info)),
                Err(error) => {
                    tape.refused(&error);
                    Err(error)
                }
            },
        }
    }
}
