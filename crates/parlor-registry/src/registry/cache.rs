//! The models built so far, bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor_core::ChatModel;

/// The most models kept, and the most ids remembered: ids may come from
/// strangers, and any id under a provider makes a model.
const LIMIT: usize = 1024;

/// The models built so far.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// What ids were found to mean.
    keys: HashMap<String, String>,
    models: HashMap<String, Arc<dyn ChatModel>>,
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model that an id was found to mean, without looking again.
    pub(super) fn by_id(&self, id: &str) -> Option<Arc<dyn ChatModel>> {
        let inner = self.inner();
        let key = inner.keys.get(id)?;
        inner.models.get(key).cloned()
    }

    /// The model of a key.
    pub(super) fn by_key(&self, id: &str, key: &str) -> Option<Arc<dyn ChatModel>> {
        let mut inner = self.inner();
        let model = inner.models.get(key).cloned()?;
        inner.remember(id, key);
        Some(model)
    }

    /// Keeps a model, unless another has been kept under the key in the
    /// meantime; gives the one that is kept.
    pub(super) fn keep(
        &self,
        id: &str,
        key: &str,
        built: Arc<dyn ChatModel>,
    ) -> Arc<dyn ChatModel> {
        let mut inner = self.inner();
        if let Some(model) = inner.models.get(key) {
            return model.clone();
        }
        if inner.models.len() >= LIMIT {
            inner.models.retain(|_, model| Arc::strong_count(model) > 1);
        }
        if inner.models.len() < LIMIT {
            inner.models.insert(key.to_owned(), built.clone());
            inner.remember(id, key);
        }
        built
    }
}

impl Inner {
    fn remember(&mut self, id: &str, key: &str) {
        if self.keys.len() >= LIMIT {
            self.keys.clear();
        }
        self.keys.insert(id.to_owned(), key.to_owned());
    }
}
