//! The stand-ins of a program, while they run.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::batches::Batch;
use crate::connection::Connection;
use crate::exchange::Exchange;
use crate::script::SCRIPTED;
use crate::speak::Speak;
use crate::stand_in::{KEY_VARIABLE, STAND_INS, StandIn};

/// How long an exchange may take to end that has ended for the client.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the stand-ins answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manner {
    /// What passes between two words; nothing by default.
    pub pace: Duration,
    /// Whether each answer says that it is scripted.
    pub says_so: bool,
    /// Whether [`StandIns::take`] gives what went over the wire.
    pub records: bool,
}

/// A stand-in for each provider of [`STAND_INS`], each at a port of its own of the loopback
/// interface; dropping it ends them.
///
/// They run on the runtime in which they were started.
#[derive(Debug)]
pub struct StandIns {
    addresses: Vec<(&'static StandIn, SocketAddr)>,
    tasks: Vec<JoinHandle<()>>,
    site: Arc<Site>,
}

/// What all of them share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) manner: Manner,
    batches: Mutex<Vec<Batch>>,
    seen: Mutex<Vec<Exchange>>,
    ended: Notify,
}

impl Site {
    /// Keeps what went over the wire, where somebody wants it.
    pub(crate) fn keep(&self, exchange: Exchange) {
        if self.manner.records {
            self.seen().push(exchange);
            self.ended.notify_one();
        }
    }

    /// The batches that were handed in.
    pub(crate) fn batches(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIns {
    /// Starts them.
    ///
    /// # Errors
    /// Where the loopback interface can't be listened on.
    pub async fn start(manner: Manner) -> io::Result<Self> {
        let site = Arc::new(Site {
            manner,
            batches: Mutex::default(),
            seen: Mutex::default(),
            ended: Notify::new(),
        });
        let mut stand_ins = Self {
            addresses: Vec::new(),
            tasks: Vec::new(),
            site,
        };
        for stand_in in STAND_INS {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            stand_ins.addresses.push((stand_in, listener.local_addr()?));
            let site = Arc::clone(&stand_ins.site);
            stand_ins
                .tasks
                .push(tokio::spawn(accept(listener, stand_in, site)));
        }
        Ok(stand_ins)
    }

    /// The base URL of the stand-in for this provider.
    pub fn url(&self, provider: &str) -> Option<String> {
        let mut all = self.addresses.iter();
        let (stand_in, address) = all.find(|(it, _)| it.provider == provider)?;
        Some(format!("http://{address}{}", stand_in.base))
    }

    /// A configuration, in TOML, by which each of these models is asked of each stand-in: as
    /// `provider/model`, with the key that [`KEY_VARIABLE`] has. The first one is
    /// the default. Nothing is tried twice.
    pub fn config(&self, models: &[&str]) -> String {
        let first = self.addresses.first().map_or("", |(it, _)| it.provider);
        let first = format!("{first}/{}", models.first().unwrap_or(&SCRIPTED));
        let mut toml = format!("default_model = \"{first}\"\n\n[layers.retry]\nattempts = 1\n");
        for (stand_in, address) in &self.addresses {
            let StandIn {
                provider,
                name,
                base,
                ..
            } = stand_in;
            for model in models {
                // Writing to a string can't fail.
                let _ = write!(
                    toml,
                    "\n[models.\"{provider}/{model}\"]\nmodel = \"{provider}/{model}\"\n\
                     label = \"{name} ({model})\"\nbase_url = \"http://{address}{base}\"\n\
                     api_key_env = \"{KEY_VARIABLE}\"\n"
                );
            }
        }
        toml
    }

    /// What went over the wire since it was last taken, in the order in which it ended: waits until
    /// there are so many.
    ///
    /// An answer ends for the client a moment before it does for who sends it. Where fewer come
    /// within five seconds, it is those.
    pub async fn take(&self, count: usize) -> Vec<Exchange> {
        let all_ended = async {
            while self.site.seen().len() < count {
                self.site.ended.notified().await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, all_ended).await;
        std::mem::take(&mut *self.site.seen())
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, stand_in: &'static StandIn, site: Arc<Site>) {
    let speak: Arc<dyn Speak> = stand_in.speak().into();
    let mut open = JoinSet::new();
    // It goes on until the listener can't.
    while let Ok((stream, _)) = listener.accept().await {
        while open.try_join_next().is_some() {}
        let connection = Connection::new(stream, stand_in, Arc::clone(&speak), Arc::clone(&site));
        open.spawn(connection.serve());
    }
}
