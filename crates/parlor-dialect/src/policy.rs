//! What happens to a setting that the model can't honour.

mod honour;
mod media;

use crate::dialect::Target;
use crate::profile::ReasoningReplay;
use parlor_core::{
    Capability, ChatRequest, Error, ModelInfo, OnUnsupported, Origin, Part, Result, ToolResult,
    Warning, WarningKind,
};
use std::ops::RangeInclusive;

/// Decides, setting by setting, between an error and a warning, and gathers
/// the warnings.
///
/// The caller's [`ChatRequest::on_unsupported`] rules; without it tuning knobs
/// warn and features fail.
#[derive(Debug)]
pub struct Policy<'a> {
    wish: Option<OnUnsupported>,
    /// The wish for tools of another provider's own.
    of_foreign_tools: Option<OnUnsupported>,
    info: &'a ModelInfo,
    /// Whether the client asked in another dialect.
    is_foreign: bool,
    warnings: Vec<Warning>,
}

/// The words of all dialects for the usual class of service, at its usual price.
const USUAL_TIER: [&str; 4] = ["default", "standard", "standard_only", "on_demand"];

/// The word for the class of service that the provider chooses, which it does too
/// where nothing is said.
const ANY_TIER: &str = "auto";

impl<'a> Policy<'a> {
    /// The policy of a request to a model by a dialect of this name. It notes
    /// that thoughts which another model signed or wrote stay behind.
    pub fn new(request: &ChatRequest, target: &Target<'a>, dialect: &str) -> Self {
        let mut policy = Self::silent(request, target.info);
        policy.is_foreign = request.client_dialect.is_some_and(|it| it != dialect);
        let is_foreign = |part: &Part| {
            matches!(part, Part::Reasoning(_))
                && part.native().is_some_and(|native| {
                    let Origin {
                        provider,
                        dialect: from,
                        ..
                    } = &native.origin;
                    from != dialect || provider != target.info.native_provider()
                })
        };
        let parts = request.messages.iter().flat_map(|it| &it.parts);
        if target.profile.replay == ReasoningReplay::Never && parts.into_iter().any(is_foreign) {
            let message = "`messages.reasoning` of another model is left out";
            policy.warn(WarningKind::Notice, "messages.reasoning", message);
        }
        policy
    }

    /// The policy of a request of which nothing is noted yet.
    pub(crate) fn silent(request: &ChatRequest, info: &'a ModelInfo) -> Self {
        Self {
            wish: request.on_unsupported,
            of_foreign_tools: request.on_foreign_tools,
            info,
            is_foreign: false,
            warnings: Vec::new(),
        }
    }

    /// A tuning knob that can't be honoured: left out with a warning unless
    /// the caller wants an error. `why` completes "`setting` …".
    ///
    /// # Errors
    /// `Unsupported`, when the caller wants errors.
    pub fn knob(&mut self, setting: &str, why: &str) -> Result<()> {
        self.unsupported(self.wish, setting, why, OnUnsupported::Warn)
    }

    /// A feature that can't be honoured: an error unless the caller is content
    /// with a warning.
    ///
    /// # Errors
    /// `Unsupported`, unless the caller wants warnings.
    pub fn feature(&mut self, setting: &str, why: &str) -> Result<()> {
        self.unsupported(self.wish, setting, why, OnUnsupported::Error)
    }

    /// A tool of another provider's own: a feature, unless the caller said of
    /// such tools what to do ([`ChatRequest::on_foreign_tools`]). It is told
    /// once, however many there are.
    ///
    /// # Errors
    /// `Unsupported`, unless the caller wants warnings.
    pub fn foreign_tool(&mut self, why: &str) -> Result<()> {
        let wish = self.of_foreign_tools.or(self.wish);
        self.unsupported(wish, "tools", why, OnUnsupported::Error)
    }

    /// Whether a feature may be written: it is wanted, and the model isn't
    /// known to lack it.
    ///
    /// # Errors
    /// As [`feature`](Self::feature).
    pub fn allows(&mut self, wanted: bool, setting: &str, capability: Capability) -> Result<bool> {
        if wanted && self.info.capabilities.lacks(capability) {
            self.lacking(setting, capability, OnUnsupported::Error)?;
            return Ok(false);
        }
        Ok(wanted)
    }

    /// A setting for which the model lacks a capability. The error and the
    /// warning tell of the nearest model that has it, where one is known.
    ///
    /// # Errors
    /// `Unsupported`, where the caller, or else `default`, wants an error.
    pub fn lacking(
        &mut self,
        setting: &str,
        capability: Capability,
        default: OnUnsupported,
    ) -> Result<()> {
        let message = format!("`{setting}` is not supported by this model");
        let is_same = |it: &Warning| it.setting == setting && it.message.starts_with(&message);
        if self.wish.unwrap_or(default) == OnUnsupported::Warn {
            // Looked for once, however many parts of the request ask.
            if !self.warnings.iter().any(is_same) {
                let message = match self.info.alternatives.nearest(capability) {
                    Some(id) => format!("{message}; `{id}` supports it"),
                    None => message,
                };
                self.warn(WarningKind::Unsupported, setting, message);
            }
            return Ok(());
        }
        let error = self.refused(message);
        Err(match self.info.alternatives.nearest(capability) {
            Some(id) => {
                let help = format!("Use `{id}`, which supports it, or leave out `{setting}`.");
                error.with_help(help)
            }
            None => error,
        })
    }

    /// The class of service that a request wants, of which the host knows `words`.
    /// What a client of another dialect calls it goes by its meaning, or is left
    /// out; whoever speaks the host's own says what they like.
    ///
    /// # Errors
    /// As [`knob`](Self::knob), where it is left out.
    pub(crate) fn service_tier<'t>(
        &mut self,
        tier: Option<&'t str>,
        words: &[impl AsRef<str>],
    ) -> Result<Option<&'t str>> {
        let known = |word: &&str| words.iter().any(|it| it.as_ref() == *word);
        let Some(tier) = tier.filter(|tier| self.is_foreign && !known(tier)) else {
            return Ok(tier);
        };
        if tier == ANY_TIER {
            return Ok(None);
        }
        let usual = USUAL_TIER.contains(&tier).then_some(USUAL_TIER);
        let usual = usual.into_iter().flatten().find(known);
        if usual.is_none() {
            self.knob("service_tier", "is a class that this host has no word for")?;
        }
        Ok(usual)
    }

    /// Whether the name of the end user has as many letters as the host takes;
    /// an end of 0 is no limit. Clients of other dialects send long ones.
    ///
    /// # Errors
    /// As [`knob`](Self::knob), where it hasn't.
    pub(crate) fn fits_user(&mut self, user: &str, lengths: RangeInclusive<usize>) -> Result<bool> {
        let (least, most) = lengths.into_inner();
        let length = user.chars().count();
        let why = match most {
            _ if length < least => format!("has fewer than {least} letters"),
            1.. if length > most => format!("has more than {most} letters"),
            _ => return Ok(true),
        };
        self.knob("user", &why)?;
        Ok(false)
    }

    /// The limit on an answer as the host takes it. Clients of other dialects
    /// want a single token to find out whether a model is there.
    pub(crate) fn least_output(&mut self, wanted: u64, least: u64) -> u64 {
        if !self.is_foreign || wanted == 0 || wanted >= least {
            return wanted;
        }
        let message = format!("{wanted} tokens are sent as {least}, the least that the host takes");
        self.coerced("max_output_tokens", message);
        least
    }

    /// Notes that a tool failed, for which the dialect has no mark, unless the
    /// caller writes the result's words for any dialect.
    pub(crate) fn unmarked_failure(&mut self, result: &ToolResult) {
        if self.is_foreign && result.is_error {
            let message = "that a tool failed is said by its result's words alone";
            self.warn(WarningKind::Notice, "messages.is_error", message);
        }
    }

    /// Notes that a setting was changed to the nearest thing the model takes.
    pub fn coerced(&mut self, setting: &str, message: impl Into<String>) {
        self.warn(WarningKind::Coerced, setting, message);
    }

    /// Notes a warning; once, however often it is given.
    fn warn(&mut self, kind: WarningKind, setting: &str, message: impl Into<String>) {
        let warning = Warning::new(kind, setting, message);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Whether a warning about this setting was gathered: for those who say it
    /// once only.
    pub fn told(&self, setting: &str) -> bool {
        self.warnings.iter().any(|it| it.setting == setting)
    }

    /// The warnings gathered.
    pub fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    fn unsupported(
        &mut self,
        wish: Option<OnUnsupported>,
        setting: &str,
        why: &str,
        default: OnUnsupported,
    ) -> Result<()> {
        let message = format!("`{setting}` {why}");
        match wish.unwrap_or(default) {
            OnUnsupported::Warn => {
                self.warn(WarningKind::Unsupported, setting, message);
                Ok(())
            }
            OnUnsupported::Error => Err(self.refused(message)),
        }
    }

    fn refused(&self, message: String) -> Error {
        Error::unsupported(message)
            .with_provider(&self.info.provider)
            .with_model(&self.info.model)
    }
}
