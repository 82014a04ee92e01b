//! Answers that are kept for all instances.

use super::SharedStore;
use async_trait::async_trait;
use bytes::Bytes;
use parlor_core::Result;
use parlor_layers::cache::CacheStore;
use parlor_layers::key::CacheKey;
use std::time::Duration;

fn name(key: &CacheKey) -> String {
    format!("parlor:cache:{key}")
}

#[async_trait]
impl CacheStore for SharedStore {
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>> {
        let mut get = redis::cmd("GET");
        get.arg(name(key));
        let found: Option<Vec<u8>> = self.ask(&get).await?;
        Ok(found.map(Bytes::from))
    }

    async fn put(&self, key: &CacheKey, answer: Bytes, ttl: Option<Duration>) -> Result<()> {
        let mut set = redis::cmd("SET");
        set.arg(name(key)).arg(&answer[..]);
        if let Some(ttl) = ttl {
            // A time of nothing is no time to Redis.
            let ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
            set.arg("PX").arg(ms.min(i64::MAX as u64 / 2));
        }
        self.ask(&set).await
    }
}
