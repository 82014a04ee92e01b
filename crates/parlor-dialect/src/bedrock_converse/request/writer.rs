//! What the parts of a request are written with.

use super::super::wire::{Object, block, keys};
use super::super::{Family, Quirks};
use crate::dialect::Target;
use crate::policy::Policy;
use parlor_core::{CacheHint, Capability, ChatRequest, Origin, Part, Result};
use serde_json::Value;

/// What of a model's id tells its family, in whatever words a profile or an
/// ARN puts it.
const FAMILIES: &[(&str, Family)] = &[
    ("claude", Family::Claude),
    ("amazon.nova", Family::Nova),
    ("gpt-oss", Family::Gpt),
    ("mistral", Family::Mistral),
];

/// Whom a request is written for, and what is noted on the way.
pub(super) struct Writer<'a> {
    pub(super) origin: Origin,
    pub(super) target: &'a Target<'a>,
    pub(super) quirks: &'a Quirks,
    pub(super) family: Family,
    pub(super) policy: Policy<'a>,
    /// Whether the model takes cache points; one that isn't known may.
    caches: bool,
    /// The names of documents so far; each may stand but once.
    pub(super) documents: Vec<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        request: &ChatRequest,
        target: &'a Target<'a>,
        quirks: &'a Quirks,
        origin: Origin,
    ) -> Self {
        let id = target.info.model.to_ascii_lowercase();
        let known = FAMILIES.iter().find(|(part, _)| id.contains(part));
        let family = match (quirks.family, known) {
            (Family::ByModel, Some((_, family))) => *family,
            (Family::ByModel, None) => Family::Other,
            (family, _) => family,
        };
        let is_opaque = quirks.family == Family::ByModel && is_opaque(&id);
        let policy = Policy::new(request, target, &origin.dialect);
        Self {
            origin,
            target,
            quirks,
            family,
            policy,
            caches: matches!(family, Family::Claude | Family::Nova) || is_opaque,
            documents: Vec::new(),
        }
    }

    /// Whether a document of this format may be larger than others.
    pub(super) fn takes_large(&self, format: &str) -> bool {
        let id = self.target.info.model.to_ascii_lowercase();
        let is_older = ["claude-2", "claude-v2", "claude-3", "claude-instant"];
        match (self.family, format) {
            (Family::Claude, "pdf") => !is_older.iter().any(|it| id.contains(it)),
            (Family::Nova, "pdf" | "docx") => true,
            _ => false,
        }
    }

    /// [`Policy::knob`], once per setting.
    pub(super) fn knob(&mut self, setting: &str, why: &str) -> Result<()> {
        match self.policy.told(setting) {
            true => Ok(()),
            false => self.policy.knob(setting, why),
        }
    }

    /// [`Policy::feature`], once per setting.
    pub(super) fn feature(&mut self, setting: &str, why: &str) -> Result<()> {
        match self.policy.told(setting) {
            true => Ok(()),
            false => self.policy.feature(setting, why),
        }
    }

    /// [`Policy::coerced`], once per setting.
    pub(super) fn coerced(&mut self, setting: &str, message: impl Into<String>) {
        if !self.policy.told(setting) {
            self.policy.coerced(setting, message);
        }
    }

    /// Whether the model is known to lack a capability.
    pub(super) fn lacks(&self, capability: Capability) -> bool {
        self.target.info.capabilities.lacks(capability)
    }

    /// The provider's own item on a part, as an object, if it may go back.
    pub(super) fn native<'p>(&self, part: &'p Part) -> Option<&'p Object> {
        part.native_for(&self.origin).and_then(Value::as_object)
    }

    /// The cache point that a hint asks for, where host and model take them.
    /// There are five minutes, the default, and an hour; any other time
    /// becomes the next one up, or the hour.
    pub(super) fn cache_point(&mut self, hint: Option<&CacheHint>) -> Result<Option<Object>> {
        let Some(hint) = hint else { return Ok(None) };
        if !self.quirks.cache {
            self.knob("cache", "is not supported here")?;
            return Ok(None);
        }
        if !self.caches {
            self.knob("cache", "is not taken by this model")?;
            return Ok(None);
        }
        let mut point = block("type", "default");
        if let Some(wanted) = hint.ttl_seconds {
            let (seconds, word) = match wanted {
                ..=300 => (300, "5m"),
                _ => (3600, "1h"),
            };
            if wanted != seconds {
                self.coerced("cache", format!("the time to live was sent as {word}"));
            }
            point.insert("ttl".to_owned(), word.into());
        }
        Ok(Some(block(keys::CACHE_POINT, point)))
    }
}

/// Whether an id says nothing of the model behind it: that of an inference
/// profile of one's own, of a stored prompt, of a model one has trained.
fn is_opaque(id: &str) -> bool {
    let kinds = [
        "application-inference-profile/",
        "prompt/",
        "prompt-router/",
        "provisioned-model/",
        "custom-model",
        "imported-model/",
    ];
    id.starts_with("arn:") && kinds.iter().any(|it| id.contains(it))
}
