//! Where the pictures of requests are fetched from: slow and out of them at random.

use crate::common::{error, millis};
use async_trait::async_trait;
use fastrand::Rng;
use parlor_core::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::time::sleep;

/// Has a picture at every address, but doesn't find it now and then.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    chance: Arc<Mutex<Rng>>,
    well: Arc<AtomicBool>,
}

impl Shelf {
    pub(crate) fn new(rng: &mut Rng, well: &Arc<AtomicBool>) -> Self {
        Self {
            chance: Arc::new(Mutex::new(rng.fork())),
            well: well.clone(),
        }
    }
}

#[async_trait]
impl MediaFetcher for Shelf {
    async fn fetch(&self, _: &str) -> Result<FetchedMedia> {
        let (takes, broken) = {
            let mut chance = self.chance.lock().unwrap();
            let broken = chance.u8(0..16) == 0 && !self.well.load(Ordering::Relaxed);
            (millis(&mut chance, 500), broken.then(|| error(&mut chance)))
        };
        sleep(takes).await;
        match broken {
            Some(error) => Err(error),
            None => Ok(FetchedMedia::new(&b"\x89PNG\r\n\x1a\n"[..], None)),
        }
    }
}

/// Whether a request still has a picture by its address.
pub(crate) fn is_unfetched(request: &ChatRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|it| &it.parts);
    parts.any(|part| matches!(part, Part::Media(media) if media.is_fetchable()))
}
