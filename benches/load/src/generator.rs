//! Requests at a steady rate, whether answers come or not.

use crate::exchange::{Answer, Connection};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections that wait for the next request to one server.
#[derive(Clone)]
pub(crate) struct Pool {
    address: Arc<str>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// What came of many requests.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Answers that were right.
    pub(crate) good: usize,
    pub(crate) events: usize,
    /// Milliseconds to the first token of each answer.
    pub(crate) first: Vec<f64>,
    /// Why the last one failed that did.
    pub(crate) failed: Option<String>,
}

impl Pool {
    /// A server at an address, without a scheme.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.into(),
            idle: Arc::default(),
        }
    }

    /// Asks over a connection that is free, or a new one.
    pub(crate) async fn ask(&self, request: &[u8]) -> io::Result<Answer> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.address).await?,
        };
        let asked = timeout(PATIENCE, connection.ask(request)).await;
        let answer = asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Closes what is kept.
    pub(crate) fn close(&self) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
    }

    /// Asks so often a second for so long, and waits for all that comes of it. An answer is right
    /// that has the status 200 and as many events.
    pub(crate) async fn open_loop(
        &self,
        request: &Arc<[u8]>,
        rate: f64,
        lasts: Duration,
        events: usize,
    ) -> Outcome {
        let count = (rate * lasts.as_secs_f64()).round().max(1.0) as usize;
        let began = Instant::now();
        let mut under_way = JoinSet::new();
        for at in 0..count {
            sleep_until(began + Duration::from_secs_f64(at as f64 / rate)).await;
            let (pool, request) = (self.clone(), Arc::clone(request));
            under_way.spawn(async move { pool.ask(&request).await });
        }
        let mut outcome = Outcome::default();
        while let Some(joined) = under_way.join_next().await {
            match joined.map_err(io::Error::other).flatten() {
                Ok(answer) if answer.status == 200 && answer.events >= events => {
                    outcome.good += 1;
                    outcome.events += answer.events;
                    outcome.first.push(answer.first.as_secs_f64() * 1e3);
                }
                Ok(answer) => {
                    let (status, events) = (answer.status, answer.events);
                    outcome.failed = Some(format!("status {status}, {events} events"));
                }
                Err(error) => outcome.failed = Some(error.to_string()),
            }
        }
        outcome
    }
}
