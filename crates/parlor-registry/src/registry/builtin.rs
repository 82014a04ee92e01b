//! The providers that are always there: core's echo and rules.

use std::sync::Arc;

use async_trait::async_trait;
use parlor_core::{ChatModel, Echo, Error, ErrorKind, Result, Rules};

use crate::{Descriptor, ModelEntry, Provider, ProviderConfig};

/// The built-in providers of every registry.
pub(super) static PROVIDERS: &[&dyn Provider] = &[&ECHO, &RULES];

/// What is asked where nothing else is said.
pub(super) const DEFAULT: &str = "embedded/rules";

static ECHO: Builtin = Builtin {
    descriptor: Descriptor::new("echo", "Echo (built in, not a language model)")
        .default_model("echo")
        .without_key(),
    models: &[("echo", echo)],
};

static RULES: Builtin = Builtin {
    descriptor: Descriptor::new("embedded", "Rules (built in, not a language model)")
        .default_model("rules")
        .without_key(),
    models: &[("rules", rules), ("tiny", rules), ("echo", echo)],
};

fn echo() -> Arc<dyn ChatModel> {
    Arc::new(Echo::new())
}

fn rules() -> Arc<dyn ChatModel> {
    Arc::new(Rules::new())
}

/// A model's name, and what makes it.
type Named = (&'static str, fn() -> Arc<dyn ChatModel>);

/// A provider of what is built in.
#[derive(Debug)]
struct Builtin {
    descriptor: Descriptor,
    /// Models by name; only the first, which is its own, is listed.
    models: &'static [Named],
}

#[async_trait]
impl Provider for Builtin {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, _: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        let mut models = self.models.iter();
        if let Some((_, build)) = models.find(|(name, _)| *name == model) {
            return Ok(build());
        }
        let id = self.descriptor.id;
        let known: Vec<&str> = self.models.iter().map(|(name, _)| *name).collect();
        let known = known.join("` or `");
        let message = format!("the only built-in model of `{id}` is `{known}`, not `{model}`");
        Err(Error::new(ErrorKind::ModelNotFound, message).with_model(model))
    }

    async fn models(&self, _: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        let own = self.models.iter().take(1).map(|(_, build)| {
            let model = build();
            let mut entry = ModelEntry::new(&model.info().model);
            entry.capabilities = model.info().capabilities;
            entry
        });
        Ok(own.collect())
    }
}
