//! The provider that is always there: core's echo.

use std::sync::Arc;

use async_trait::async_trait;
use parlor_core::{ChatModel, Echo, Error, ErrorKind, Result};

use crate::{Descriptor, ModelEntry, Provider, ProviderConfig};

/// The built-in providers of every registry.
pub(super) static PROVIDERS: &[&dyn Provider] = &[&Builtin];

/// The name of the one built-in model.
const MODEL: &str = "echo";

static DESCRIPTOR: Descriptor = Descriptor::new("echo", "Echo (built in, not a language model)")
    .aliases(&["embedded"])
    .default_model(MODEL)
    .without_key();

#[derive(Debug)]
struct Builtin;

#[async_trait]
impl Provider for Builtin {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, model: &str, _: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        match model {
            MODEL => Ok(Arc::new(Echo::new())),
            other => {
                let message = format!("the only built-in model is `{MODEL}`, not `{other}`");
                Err(Error::new(ErrorKind::ModelNotFound, message).with_model(other))
            }
        }
    }

    async fn models(&self, _: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        let mut entry = ModelEntry::new(MODEL);
        entry.capabilities = Echo::new().info().capabilities;
        Ok(vec![entry])
    }
}
