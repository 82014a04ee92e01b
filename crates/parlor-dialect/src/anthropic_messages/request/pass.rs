//! A client's own body for a host of this dialect.

use super::super::{Betas, Quirks};
use crate::dialect::{Target, WireRequest};
use crate::path::with_model;
use crate::verbatim::Passed;
use parlor_core::Words;
use serde_json::Value;

/// Passes a body where the host reads it as the dialect's clients write it.
pub(in super::super) fn pass(
    words: &Words,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Option<WireRequest> {
    let usual = quirks.model_in_body
        && quirks.stream_in_body
        && quirks.body_version.is_none()
        && quirks.betas == Betas::Header
        && quirks.server_tools
        && quirks.signatures
        && quirks.cache
        && quirks.output_format;
    // A copy takes its own thoughts back, which the maker's models refuse.
    if !usual || (words.unsigned && target.profile.signs) {
        return None;
    }
    // Betas of the configuration are a header.
    let extra = target.extra.filter(|it| !it.is_empty());
    if extra.is_some_and(|it| it.contains_key("betas")) {
        return None;
    }
    let body = Passed::new(words)?.streamed(target.stream, false)?;
    let body = body.beneath(extra)?;
    let model = Value::from(&*target.info.model).to_string();
    let path = with_model(&quirks.path, &target.info.model, "@:");
    let mut wire = body.set("model", model).into_wire(path);
    let said = |name: &str| {
        let found = words.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.clone())
    };
    let version = said("anthropic-version").or_else(|| quirks.version.clone());
    let betas = said("anthropic-beta").into_iter();
    let betas: Vec<String> = betas.chain(quirks.named_betas.iter().cloned()).collect();
    let headers = [
        ("anthropic-version", version),
        (
            "anthropic-beta",
            (!betas.is_empty()).then(|| betas.join(",")),
        ),
    ];
    let headers = headers.into_iter();
    wire.headers = headers
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Some(wire)
}
