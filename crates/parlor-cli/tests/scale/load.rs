//! Many requests at once, and what became of each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::client::Client;
use crate::node::question;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// A whole answer.
    Answer {
        status: u16,
        has_retry_after: bool,
        body: String,
    },
    /// Part of an answer.
    Half(String),
    /// Nothing at all.
    Nothing,
}

impl Came {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            _ => 0,
        }
    }
}

/// Asks once.
pub(crate) async fn ask(client: &Client) -> Came {
    let body = question().to_string();
    let kind = [("content-type", "application/json")];
    let opened = client.try_open("POST", "/v1/messages", &body, &kind).await;
    let Ok(mut opened) = opened else {
        return Came::Nothing;
    };
    let length = opened
        .header("content-length")
        .and_then(|it| it.parse().ok());
    let has_retry_after = opened.header("retry-after").is_some();
    let status = opened.status;
    let body = opened.rest().await;
    match length {
        Some(length) if body.len() < length => Came::Half(body),
        _ => Came::Answer {
            status,
            has_retry_after,
            body,
        },
    }
}

/// Clients that ask again and again until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    came: Arc<Mutex<Vec<Came>>>,
    tasks: JoinSet<()>,
}

impl Load {
    /// So many at each of these.
    pub(crate) fn start(clients: &[Client], each: usize) -> Self {
        let (stop, came) = (Arc::default(), Arc::default());
        let mut tasks = JoinSet::new();
        for client in clients.iter().flat_map(|it| std::iter::repeat_n(it, each)) {
            let (client, stop) = (client.clone(), Arc::<AtomicBool>::clone(&stop));
            let came = Arc::<Mutex<Vec<Came>>>::clone(&came);
            tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let one = ask(&client).await;
                    let is_gone = one == Came::Nothing;
                    came.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(one);
                    if is_gone {
                        crate::node::pause().await;
                    }
                }
            });
        }
        Self { stop, came, tasks }
    }

    /// How many came so far that are like this.
    pub(crate) fn count(&self, is_it: impl Fn(&Came) -> bool) -> usize {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.iter().filter(|it| is_it(it)).count()
    }

    /// Waits until so many more came that are like this.
    pub(crate) async fn more(&self, what: &str, count: usize, is_it: impl Fn(&Came) -> bool) {
        let before = self.count(&is_it);
        crate::node::until(what, || async { self.count(&is_it) >= before + count }).await;
    }

    /// All that came, when nobody asks any more.
    pub(crate) async fn end(mut self) -> Vec<Came> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.clone()
    }
}

/// Holds a refusal for want of a store to its form.
#[track_caller]
pub(crate) fn is_away(came: &Came) {
    let Came::Answer {
        status: 503,
        has_retry_after: true,
        body,
    } = came
    else {
        panic!("{came:?}");
    };
    assert!(body.contains("is away"), "{body}");
}
