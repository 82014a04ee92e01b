//! The few lines of HTTP/1.1 that the test servers speak, down to bytes and resets.
//!
//! Written by hand because what a test server has to do lies below HTTP: a chunk that is cut, a
//! reset in the middle of a body, a stall that lasts until the client hangs up.

mod connection;
mod reply;
mod request;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use connection::{Connection, End, Plan, Played, Script, Step};
pub(crate) use reply::{Ending, Framing, Opening, Reply, chunk};
pub use request::SeenRequest;

/// The speed of a test server, and how long and how much it gives at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The pause between the pieces of a drip and between keep-alives. 5 ms by default.
    pub unit: Duration,
    /// How long a stall lasts if the client never hangs up. 10 s by default.
    pub patience: Duration,
    /// How many bytes an endless body or line has. 64 MiB by default.
    pub flood: usize,
}

impl Default for Pace {
    fn default() -> Self {
        let (unit, patience) = (Duration::from_millis(5), Duration::from_secs(10));
        Self {
            unit,
            patience,
            flood: 64 << 20,
        }
    }
}

/// What a server does with a request.
pub(crate) type Site = dyn Fn(&SeenRequest) -> Plan + Send + Sync;

/// A listener on the loopback interface that plays scripts and keeps a log; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Host {
    address: SocketAddr,
    log: watch::Sender<Vec<SeenRequest>>,
    task: JoinHandle<()>,
}

impl Host {
    /// Listens on a free port.
    pub(crate) async fn start(pace: Pace, site: Arc<Site>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let log = watch::Sender::new(Vec::new());
        let task = tokio::spawn(accept(listener, pace, site, log.clone()));
        Ok(Self { address, log, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in the order they came in.
    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.log.borrow().clone()
    }

    /// Waits until the log satisfies `check`; `false` when `bound` passes first.
    pub(crate) async fn wait_until(
        &self,
        bound: Duration,
        check: impl Fn(&[SeenRequest]) -> bool,
    ) -> bool {
        let mut log = self.log.subscribe();
        let met = log.wait_for(|seen| check(seen));
        matches!(tokio::time::timeout(bound, met).await, Ok(Ok(_)))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    pace: Pace,
    site: Arc<Site>,
    log: watch::Sender<Vec<SeenRequest>>,
) {
    let mut open = JoinSet::new();
    for number in 0.. {
        while open.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let connection = Connection::new(stream, number);
        open.spawn(serve(connection, pace, Arc::clone(&site), log.clone()));
    }
}

/// Answers the requests of one connection until either side ends it.
async fn serve(
    mut connection: Connection,
    pace: Pace,
    site: Arc<Site>,
    log: watch::Sender<Vec<SeenRequest>>,
) {
    while let Ok(Some(request)) = connection.request().await {
        let plan = site(&request);
        let mut place = 0;
        log.send_modify(|seen| {
            place = seen.len();
            seen.push(request);
        });
        let (played, end) = connection.play(plan, pace).await;
        log.send_modify(|seen| {
            if let Some(request) = seen.get_mut(place) {
                request.dropped = played == Played::Dropped;
                request.finished = played != Played::Dropped;
            }
        });
        match end {
            End::KeepAlive if played == Played::Finished => {}
            End::Reset => return connection.reset(),
            End::KeepAlive | End::Close => return,
        }
    }
}
