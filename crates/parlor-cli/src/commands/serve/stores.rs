//! The stores of the service, as they are configured.

use std::sync::Arc;

use parlor_server::ServeSettings;
use parlor_store::{SharedStore, Store};

use crate::environment::env;
use crate::failure::Failure;
use crate::keeper::{self, Shelf};
use crate::scrub::without_secrets;

/// Opens the store of keys, usage and conversations.
pub(super) async fn open(settings: &ServeSettings) -> Result<Store, Failure> {
    Ok(match settings.store(&env())? {
        None => Shelf::default().store().await?.clone(),
        Some(place) if is_postgres(place.expose()) => Store::postgres(place.expose()).await?,
        Some(file) => Store::sqlite(file.expose()).await?,
    })
}

/// Where limits are counted and turns are told, where several instances share that.
pub(super) fn shared(settings: &ServeSettings) -> Result<Option<Arc<SharedStore>>, Failure> {
    let place = settings.redis(&env())?;
    let opened = place.map(|place| SharedStore::redis(place.expose()));
    Ok(opened.transpose()?.map(Arc::new))
}

/// Where that is, as it may be shown.
pub(super) fn shown(settings: &ServeSettings) -> String {
    match settings.store(&env()) {
        Ok(Some(place)) => without_secrets(place.expose()),
        Ok(None) => {
            let path = keeper::path(&env());
            path.map_or_else(|| "none".to_owned(), |it| it.display().to_string())
        }
        Err(error) => error.message().to_owned(),
    }
}

fn is_postgres(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}
