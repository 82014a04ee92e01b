//! Where `[layers]` counts and keeps: beside the limits of keys, and so together with other
//! instances of the service.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parlor::layers::Stores;
use parlor::layers::limits::{Claim, LimitStore, Receipt, Reserved, Window};
use parlor::{Error, ErrorKind, Result, Retry};

use crate::config::{OnStoreFailure, ServerConfig};

/// The stores of the layers around all models, or around those of an instance of a provider.
pub(crate) fn stores(config: &ServerConfig, instance: Option<&str>) -> Stores {
    let mut stores = Stores::default();
    stores.limits = Some(Arc::new(Layered {
        store: Arc::clone(&config.limits),
        on_failure: config.on_store_failure,
        prefix: format!("layers/{}/", instance.unwrap_or_default()),
    }));
    stores.cache.clone_from(&config.cache);
    stores
}

/// A store of limits in which layers have accounts of their own.
#[derive(Debug)]
struct Layered {
    store: Arc<dyn LimitStore>,
    on_failure: OnStoreFailure,
    prefix: String,
}

impl Layered {
    fn account(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[async_trait]
impl LimitStore for Layered {
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved> {
        let mut claims = claims.to_vec();
        for claim in &mut claims {
            claim.account = self.account(&claim.account);
        }
        match (self.store.reserve(&claims).await, self.on_failure) {
            (Err(_), OnStoreFailure::Allow) => {
                // Nothing is reserved; what is used is told when the store is back.
                let receipts = claims.into_iter().map(|mut claim| {
                    claim.amount = 0;
                    Receipt::new(&claim, 0)
                });
                Ok(Reserved::Granted(receipts.collect()))
            }
            (Err(error), OnStoreFailure::Refuse) => Err(away(error)),
            (reserved, _) => reserved,
        }
    }

    fn settle(&self, receipt: Receipt, used: u64) {
        self.store.settle(receipt, used);
    }

    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration) {
        self.store
            .hold(&self.account(account), window, at_least, until);
    }

    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)> {
        self.store.used(&self.account(account), window).await
    }
}

/// That a limit can't be looked at for now.
pub(crate) fn away(error: Error) -> Error {
    let message = "the store of this service's limits is away";
    Error::new(ErrorKind::Overloaded, message)
        .with_status(503)
        .with_retry(Retry::Never)
        .with_source(error)
}
