//! A host as data, and the provider made of it.

use async_trait::async_trait;
use parlor_core::{ChatModel, Error, ErrorKind, Result};
use parlor_dialect::Profile;
use parlor_dialect::openai_chat::{ErrorWord, OpenAiChat, Quirks};
use parlor_http::{Auth, Endpoint, HttpModel, configured_quirks, list_models};
use parlor_registry::{COMPATIBLE, Descriptor, ModelEntry, Provider, ProviderConfig};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A host that speaks the OpenAI chat dialect: its description and its quirks.
#[derive(Debug)]
pub struct Preset {
    descriptor: Descriptor,
    quirks: fn() -> Quirks,
    lists: bool,
}

impl Preset {
    /// A host with a list of models at `/models`.
    pub const fn new(descriptor: Descriptor, quirks: fn() -> Quirks) -> Self {
        Self {
            descriptor,
            quirks,
            lists: true,
        }
    }

    /// The same without a list of models.
    #[must_use]
    pub const fn without_list(mut self) -> Self {
        self.lists = false;
        self
    }

    /// The host of which nothing is known but what the configuration says.
    pub(crate) const fn generic() -> Self {
        let descriptor = Descriptor::new(COMPATIBLE, "Any host with the OpenAI chat dialect")
            .feature("compatible")
            .without_key();
        Self::new(descriptor, Quirks::compatible)
    }

    /// A model of this name. Nothing is sent.
    ///
    /// # Errors
    /// `Authentication` without a key that is needed; `Configuration`, when an
    /// address, a header or a quirk is wrong.
    pub fn model(&self, name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
        Ok(HttpModel::configured(
            self.dialect(config)?,
            self.endpoint(config)?,
            config.model_info(name),
            Profile::of(name),
            config.extra.clone(),
        ))
    }

    fn dialect(&self, config: &ProviderConfig) -> Result<OpenAiChat> {
        let quirks = configured_quirks((self.quirks)(), config)?;
        Ok(OpenAiChat::new(quirks))
    }

    fn endpoint(&self, config: &ProviderConfig) -> Result<Endpoint> {
        Endpoint::configured(config, &self.descriptor, Auth::Bearer)
    }
}

#[async_trait]
impl Provider for Preset {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(self.model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        if !self.lists {
            let message = format!("{} has no list of models", self.descriptor.name);
            return Err(Error::unsupported(message).with_provider(&config.instance));
        }
        let (endpoint, dialect) = (self.endpoint(config)?, self.dialect(config)?);
        list_models(&endpoint, &dialect, "/models", &[], |_, _| {}).await
    }
}

/// Names the settings that a host refuses or ignores, with blanks between.
pub(crate) fn refuse(quirks: &mut Quirks, settings: &str) {
    quirks.refused = settings.split(' ').map(str::to_owned).collect();
}

/// What a host's codes of error mean, by kind.
pub(crate) fn codes(table: &[(ErrorKind, &[&str])]) -> BTreeMap<String, ErrorWord> {
    let rows = table.iter().flat_map(|(kind, codes)| {
        let row = |code: &&str| ((*code).to_owned(), ErrorWord(*kind));
        codes.iter().map(row)
    });
    rows.collect()
}
