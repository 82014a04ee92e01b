//! A host of the common chat dialect as data, and the provider made of it.

use crate::auth::Auth;
use crate::endpoint::Endpoint;
use crate::files::Files;
use crate::model::HttpModel;
use crate::provider::{configured_quirks, list_models};
use async_trait::async_trait;
use parlor_core::{Capabilities, Capability, ChatModel, ChatRequest, Error, Result};
use parlor_dialect::openai_chat::{OpenAiChat, Quirks};
use parlor_dialect::{Dialect, Profile, Target};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use reqwest::Method;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A host that speaks the common chat dialect: its description, its quirks,
/// and, where it does something in its own way, the function that does it.
///
/// ```
/// use parlor_dialect::openai_chat::{Quirks, Thinking};
/// use parlor_http::ChatHost;
/// use parlor_registry::{Descriptor, Provider};
///
/// static ACME: ChatHost = ChatHost::new(
///     Descriptor::new("acme", "Acme AI").base_url("https://api.acme.example/v1"),
///     quirks,
/// );
///
/// fn quirks() -> Quirks {
///     let mut quirks = Quirks::compatible();
///     quirks.thinking = Thinking::Type;
///     quirks
/// }
///
/// pub static PROVIDERS: &[&dyn Provider] = &[&ACME];
/// # assert_eq!(PROVIDERS[0].descriptor().id, "acme");
/// ```
#[derive(Debug)]
pub struct ChatHost {
    descriptor: Descriptor,
    quirks: fn() -> Quirks,
    by_model: fn(&str, &mut Quirks),
    endpoint: MakeEndpoint,
    list: Option<(&'static str, ReadEntry)>,
    addresses: &'static [(&'static str, &'static str)],
}

/// Makes the endpoint that a configuration describes.
type MakeEndpoint = fn(&Descriptor, &ProviderConfig) -> Result<Endpoint>;

/// Reads what a host's list tells of a model beside its id.
type ReadEntry = fn(&Value, &mut ModelEntry);

impl ChatHost {
    /// A host that takes its key as a bearer and lists its models at `/models`.
    pub const fn new(descriptor: Descriptor, quirks: fn() -> Quirks) -> Self {
        Self {
            descriptor,
            quirks,
            by_model: |_, _| {},
            endpoint: |descriptor, config| Endpoint::configured(config, descriptor, Auth::Bearer),
            list: Some(("/models", |_, _| {})),
            addresses: &[],
        }
    }

    /// The same, where some models are served in another way than the rest:
    /// `change` is given a model's name and the host's quirks.
    #[must_use]
    pub const fn by_model(mut self, change: fn(&str, &mut Quirks)) -> Self {
        self.by_model = change;
        self
    }

    /// The same with another way to the endpoint: other authentication, or
    /// headers of its own.
    #[must_use]
    pub const fn with_endpoint(mut self, make: MakeEndpoint) -> Self {
        self.endpoint = make;
        self
    }

    /// The same with a list of models at this path; `read` takes what an
    /// entry tells beside what [`read_models`](crate::read_models) knows.
    #[must_use]
    pub const fn with_list(mut self, path: &'static str, read: ReadEntry) -> Self {
        self.list = Some((path, read));
        self
    }

    /// The same without a list of models.
    #[must_use]
    pub const fn without_list(mut self) -> Self {
        self.list = None;
        self
    }

    /// The same with other addresses for keys that were found in certain
    /// variables, where keys of one place aren't taken at the other. A
    /// configured address counts more.
    #[must_use]
    pub const fn with_addresses(
        mut self,
        of_variables: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.addresses = of_variables;
        self
    }

    /// A model of this name. Nothing is sent.
    ///
    /// # Errors
    /// `Authentication` without a key that is needed; `Configuration`, when an
    /// address, a header or a quirk is wrong.
    pub fn model(&self, name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
        let dialect = self.dialect(name, config)?;
        let mut info = config.model_info(name);
        if !dialect.quirks().prefill_field.is_empty() {
            let known = Capabilities::UNKNOWN.having(&[Capability::Prefill]);
            info.capabilities = info.capabilities.or(known);
        }
        Ok(HttpModel::configured(
            dialect,
            self.endpoint(config)?,
            info,
            Profile::of(name),
            config.extra.clone(),
        ))
    }

    /// The dialect as the host speaks it with this model, and as the
    /// configuration changes that.
    ///
    /// # Errors
    /// As [`configured_quirks`].
    pub fn dialect(&self, model: &str, config: &ProviderConfig) -> Result<OpenAiChat> {
        let mut quirks = (self.quirks)();
        (self.by_model)(model, &mut quirks);
        Ok(OpenAiChat::new(configured_quirks(quirks, config)?))
    }

    /// Where the host is, and how requests prove who sends them.
    ///
    /// # Errors
    /// As [`Endpoint::configured`].
    pub fn endpoint(&self, config: &ProviderConfig) -> Result<Endpoint> {
        let address = self.address_of_key(config)?;
        let mut endpoint = match address {
            Some(address) => {
                let config = config.clone().with_base_url(address);
                (self.endpoint)(&self.descriptor, &config)
            }
            None => (self.endpoint)(&self.descriptor, config),
        }?;
        let is_usual = config.base_url.as_deref() == self.descriptor.base_url;
        if let (true, Some(place)) = (is_usual, self.other_place(address)) {
            endpoint.key_help = Some(place);
        }
        Ok(endpoint)
    }

    /// Asks a path beside chat what a request comes to: the body has the
    /// request's model and messages alone, as a chat's would.
    ///
    /// # Errors
    /// As a call of the model.
    pub async fn ask_of_messages(
        model: &HttpModel<OpenAiChat>,
        request: &ChatRequest,
        path: &str,
    ) -> Result<Value> {
        let profile = Profile::of(&model.info().model);
        let target = Target::new(model.info(), &profile);
        let wire = model.dialect().write_request(request, &target)?;
        let unreadable = |error: serde_json::Error| Error::decode(error.to_string());
        let mut body: Map<String, Value> =
            serde_json::from_slice(&wire.body).map_err(unreadable)?;
        body.retain(|field, _| matches!(field.as_str(), "model" | "messages"));
        let body = serde_json::to_vec(&body).map_err(unreadable)?;
        let endpoint = model.endpoint();
        endpoint
            .json(model.dialect(), Method::POST, path, &[], Some(body))
            .await
    }

    /// The files kept at the host, where its API is the one that
    /// [`Files`] speaks.
    ///
    /// # Errors
    /// As [`endpoint`](Self::endpoint).
    pub fn files(&self, config: &ProviderConfig) -> Result<Files> {
        let dialect = self.dialect("", config)?;
        Ok(Files::new(self.endpoint(config)?, dialect))
    }

    /// Where a key belongs that isn't taken at this address of its variable's,
    /// or at the usual one.
    fn other_place(&self, address: Option<&str>) -> Option<String> {
        let usual = self
            .descriptor
            .base_url
            .zip(self.descriptor.key_env.first());
        let (url, variable) = match address {
            Some(_) => usual.map(|(url, variable)| (url, *variable))?,
            None => self.addresses.first().map(|(name, url)| (*url, *name))?,
        };
        let host = url.split("://").last()?.split('/').next()?;
        Some(format!("If the key is for {host}, put it into {variable}."))
    }

    /// The address that goes with the variable in which the key was found.
    fn address_of_key(&self, config: &ProviderConfig) -> Result<Option<&'static str>> {
        let usual = config.base_url.as_deref();
        let configured = usual.is_some() && usual != self.descriptor.base_url;
        if self.addresses.is_empty() || configured {
            return Ok(None);
        }
        let key = config.key()?;
        let found = key.and_then(|key| {
            let mut rows = self.addresses.iter();
            rows.find(|(variable, _)| *variable == key.source)
        });
        Ok(found.map(|(_, address)| *address))
    }
}

#[async_trait]
impl Provider for ChatHost {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(self.model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        let Some((path, read)) = self.list else {
            let message = format!("{} has no list of models", self.descriptor.name);
            return Err(Error::unsupported(message).with_provider(&config.instance));
        };
        let (endpoint, dialect) = (self.endpoint(config)?, self.dialect("", config)?);
        list_models(&endpoint, &dialect, path, &[], read).await
    }
}
