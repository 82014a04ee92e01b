//! A client's own body for a host of this dialect.

use super::super::quirks::Quirks;
use crate::dialect::{Target, WireRequest};
use crate::path::with_model;
use crate::verbatim::{Outline, Passed};
use parlor_core::Words;
use serde_json::Value;

/// Passes a body to a host that reads it as the dialect's clients write it.
pub(in super::super) fn pass(
    words: &Words,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Option<WireRequest> {
    let body = Passed::new(words)?.streamed(target.stream, false)?;
    let model = Value::from(&*target.info.model).to_string();
    let asks = target.stream && quirks.stream_usage && !words.tells_usage;
    let mut body = match body.said("stream_options") {
        // Usage is asked for in any case: the gateway wants to know it.
        _ if !asks => body,
        Some(said) if said.starts_with('{') => {
            let options = Outline::of(said.as_bytes())?;
            let options = options.with(&[("include_usage", "true".to_owned())]);
            body.set("stream_options", String::from_utf8(options).ok()?)
        }
        _ => body.set("stream_options", r#"{"include_usage":true}"#.to_owned()),
    };
    for fields in [Some(&quirks.body), target.extra] {
        body = body.beneath(fields)?;
    }
    let path = with_model(&quirks.path, &target.info.model, "");
    let mut wire = body.set("model", model).into_wire(path);
    wire.headers = quirks.headers.clone().into_iter().collect();
    Some(wire)
}
