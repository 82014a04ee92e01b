//! From settings to an agent: the model found, laid over, and put within its layers.

use std::sync::Arc;

use parlor_agent::{Conversation, Session};
use parlor_core::{ChatModel, Error, ErrorKind, Result};
use parlor_registry::{COMPATIBLE, Config, KeySource, Registry, Resolved};
use serde_json::Value;

use super::whole::Whole;
use super::{Agent, Settings};
use crate::layers::ConfiguredLayers;

impl Settings {
    /// The agent that they describe, by the [`registry`](crate::registry) of the
    /// program.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), all of kind
    /// [`Configuration`](ErrorKind::Configuration); and as
    /// [`model`](crate::model()).
    pub fn agent(&self) -> Result<Agent> {
        self.agent_in(crate::registry()?)
    }

    /// The same by another registry.
    ///
    /// # Errors
    /// As [`agent`](Self::agent).
    pub fn agent_in(&self, registry: &Registry) -> Result<Agent> {
        self.validate()?;
        let mut request = self.model.request(&self.modes)?;
        request.include_raw = self.run.is_on(self.run.debug);
        Ok(Agent {
            model: self.model_in(registry)?,
            request,
            system: self.model.system.clone(),
            limits: self.run.limits(),
            statistics: self.run.statistics(),
            fits_window: self.model.context_length.is_some(),
            error_length: self.run.error_length,
            progress: self.run.is_on(self.run.progress),
            session_time: self.run.session_time,
            hooks: self.hooks.clone(),
        })
    }

    /// One conversation of an agent of its own.
    ///
    /// # Errors
    /// As [`agent`](Self::agent).
    pub fn conversation(&self) -> Result<Conversation> {
        Ok(self.agent()?.conversation())
    }

    /// The same, over after `session_time`, if that is set.
    ///
    /// # Errors
    /// As [`agent`](Self::agent).
    pub fn session(&self) -> Result<Session> {
        Ok(self.agent()?.session())
    }

    /// The model within its layers, for requests by hand. Sampling, modes and
    /// instructions are a conversation's.
    ///
    /// # Errors
    /// As [`agent`](Self::agent).
    pub fn chat_model(&self) -> Result<Arc<dyn ChatModel>> {
        self.validate()?;
        self.model_in(crate::registry()?)
    }

    fn model_in(&self, registry: &Registry) -> Result<Arc<dyn ChatModel>> {
        let id = registry.default_model(self.model.model.as_deref()).id;
        let layers = ConfiguredLayers::new(&self.layered(registry.config()))?;
        if registry.route(&id).is_some() {
            self.fits_route(&id)?;
            return layers.model(registry, &id);
        }
        let resolved = self.resolved(registry, &id)?;
        let mut model = resolved.build()?;
        if self.model.stream == Some(false) {
            model = Arc::new(Whole(model));
        }
        layers.around(model, &resolved)
    }

    /// The program's configuration with the layers that these settings want.
    fn layered(&self, config: &Config) -> Config {
        let mut config = config.clone();
        config.layers.retry = self.run.retry(config.layers.retry);
        let layers = &mut config.layers.others;
        layers.extend(self.run.layers.clone());
        if let Some(strict) = self.run.strict_parsing {
            layers
                .entry("strict".to_owned())
                .or_insert(Value::Bool(strict));
        }
        config
    }

    /// What the id means, laid over by these settings.
    fn resolved(&self, registry: &Registry, id: &str) -> Result<Resolved> {
        let mut resolved = match &self.model.base_url {
            Some(_) if !names_provider(registry, id) => {
                registry.resolve(&format!("{COMPATIBLE}/{id}"))?
            }
            _ => registry.resolve(id)?,
        };
        let mut config = resolved.config;
        if let Some(url) = &self.model.base_url {
            config = config.moved_to(url);
        }
        if let Some(key) = &self.model.api_key {
            config = config.with_only_key(KeySource::Explicit(key.clone()));
        } else if let Some(name) = &self.model.api_key_env {
            config = config.with_only_key(KeySource::Env(vec![name.clone()]));
        }
        config.timeouts = self.run.timeouts.or(config.timeouts);
        config.verify_tls = self.run.verify_tls.unwrap_or(config.verify_tls);
        config.context_window = self.model.context_length.or(config.context_window);
        resolved.config = config;
        Ok(resolved)
    }

    /// A route's models have their own addresses, keys and limits.
    fn fits_route(&self, id: &str) -> Result<()> {
        let timeouts = self.run.timeouts != parlor_registry::config::Timeouts::default();
        let alone = [
            ("model.base_url", self.model.base_url.is_some()),
            ("model.api_key", self.model.api_key.is_some()),
            ("model.api_key_env", self.model.api_key_env.is_some()),
            ("model.stream", self.model.stream == Some(false)),
            ("model.context_length", self.model.context_length.is_some()),
            ("run.timeouts", timeouts),
            ("run.verify_tls", self.run.verify_tls.is_some()),
        ];
        match alone.iter().find(|(_, is_set)| *is_set) {
            None => Ok(()),
            Some((key, _)) => {
                let message =
                    format!("`{key}` is of one model, and `{id}` is a route over several");
                Err(Error::new(ErrorKind::Configuration, message)
                    .with_help("Name one model, or set it for each provider in the configuration."))
            }
        }
    }
}

/// Whether an id says by itself at which provider the model is.
fn names_provider(registry: &Registry, id: &str) -> bool {
    let head = id.split_once('/').map(|(head, _)| head);
    let mapped = registry.config().models.contains_key(id);
    mapped || head.is_some_and(|head| registry.descriptor(head).is_ok())
}
