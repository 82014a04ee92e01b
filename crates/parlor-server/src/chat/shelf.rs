//! Where conversations are kept, opened when the first of them is asked for.

use std::path::PathBuf;

use parlor::{Error, Result};
use parlor_store::Store;
use tokio::sync::OnceCell;

/// Where a service keeps conversations.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum StoreAt {
    /// In memory: they are gone with the service.
    #[default]
    Memory,
    /// In this file of SQLite's, which is made where there is none. The terminal program keeps its
    /// own in such a file, and both may use one.
    File(PathBuf),
    /// In a store that is open already.
    Open(Store),
}

/// The store, once it is wanted.
#[derive(Debug)]
pub(crate) struct Shelf {
    at: StoreAt,
    store: OnceCell<Store>,
}

impl Shelf {
    pub(crate) fn new(at: StoreAt) -> Self {
        Self {
            at,
            store: OnceCell::new(),
        }
    }

    /// The store. One that can't be opened is tried again when it is next asked for.
    pub(crate) async fn store(&self) -> Result<&Store> {
        let opened = self.store.get_or_try_init(|| async {
            match &self.at {
                StoreAt::Memory => Store::memory().await,
                StoreAt::File(path) => Store::sqlite(path).await,
                StoreAt::Open(store) => Ok(store.clone()),
            }
        });
        opened.await.map_err(away)
    }
}

/// Conversations wait until their store is back; everything else goes on without.
fn away(error: Error) -> Error {
    error.with_status(503)
}
