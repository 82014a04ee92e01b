//! Who waits for a message of the server, by its channel.

use super::SharedStore;
use super::relay::{STOPS, stop_key};
use parlor_core::Result;
use redis::{PushInfo, PushKind, Value};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::{self, watch};

/// Those who wait, and the channels whose messages come.
#[derive(Default)]
pub(super) struct Ears {
    waiting: Mutex<HashMap<String, Waiting>>,
    /// Held while that changes, so that what is told to the server has the order of what is known.
    channels: sync::Mutex<HashSet<String>>,
}

struct Waiting {
    changed: watch::Sender<()>,
    count: usize,
}

/// Somebody who waits.
pub(super) struct Listening {
    ears: Arc<Ears>,
    key: String,
    changed: watch::Receiver<()>,
}

impl Ears {
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is said of this from now on.
    pub(super) fn listen(self: &Arc<Self>, key: &str) -> Listening {
        let mut waiting = self.waiting();
        let entry = waiting.entry(key.to_owned());
        let entry = entry.or_insert_with(|| Waiting {
            changed: watch::Sender::new(()),
            count: 0,
        });
        entry.count += 1;
        Listening {
            ears: Arc::clone(self),
            key: key.to_owned(),
            changed: entry.changed.subscribe(),
        }
    }

    fn wake(&self, key: &str) {
        if let Some(waiting) = self.waiting().get(key) {
            waiting.changed.send_replace(());
        }
    }

    /// Takes in what the server said unasked.
    pub(super) fn heard(&self, push: &PushInfo) {
        let text = |at: usize| match push.data.get(at) {
            Some(Value::BulkString(bytes)) => std::str::from_utf8(bytes).ok(),
            Some(Value::SimpleString(text)) => Some(text.as_str()),
            _ => None,
        };
        match (&push.kind, text(0)) {
            (PushKind::Message, Some(STOPS)) => self.wake(&stop_key(text(1).unwrap_or_default())),
            // What was said before may have gone by; it is looked at again.
            (PushKind::Subscribe, Some(STOPS)) => {
                for waiting in self.waiting().values() {
                    waiting.changed.send_replace(());
                }
            }
            (PushKind::Message | PushKind::Subscribe, Some(channel)) => self.wake(channel),
            _ => {}
        }
    }
}

impl Listening {
    /// Forgets what was said before.
    pub(super) fn hush(&mut self) {
        self.changed.mark_unchanged();
    }

    /// Waits until something is said.
    pub(super) async fn wait(&mut self) {
        // The sender stays as long as this.
        let _ = self.changed.changed().await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut waiting = self.ears.waiting();
        if let Some(entry) = waiting.get_mut(&self.key) {
            entry.count -= 1;
            if entry.count == 0 {
                waiting.remove(&self.key);
            }
        }
    }
}

impl SharedStore {
    /// Has the messages of a channel come, on each new connection too.
    pub(super) async fn subscribe(&self, channel: &str) -> Result<()> {
        let mut channels = self.ears.channels.lock().await;
        if !channels.contains(channel) {
            // Where it isn't answered, those who wait behind this one leave the server alone, too.
            self.repeated(|mut it| async move { it.subscribe(channel).await })
                .await?;
            channels.insert(channel.to_owned());
        }
        Ok(())
    }

    /// Has them come no more, unless somebody waits for them again.
    pub(super) fn unsubscribe(&self, channel: &str) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (store, channel) = (self.clone(), channel.to_owned());
        runtime.spawn(async move {
            let mut channels = store.ears.channels.lock().await;
            if store.ears.waiting().contains_key(&channel) {
                return;
            }
            // Nor is it known here where nobody waited for the server's answer.
            channels.remove(&channel);
            let mut connection = store.connection.clone();
            // A server that is away has forgotten it.
            let _ = connection.unsubscribe(channel).await;
        });
    }
}
