//! A client's own body for a host of this dialect.

use super::super::quirks::Quirks;
use crate::dialect::{Target, WireRequest};
use crate::verbatim::Passed;
use parlor_core::Words;
use serde_json::Value;

/// Passes a body to a host that reads it as the dialect's clients write it.
pub(in super::super) fn pass(
    words: &Words,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Option<WireRequest> {
    let mut body = Passed::new(words)?.streamed(target.stream, false)?;
    for fields in [Some(&quirks.body), target.extra] {
        body = body.beneath(fields)?;
    }
    let model = Value::from(&*target.info.model).to_string();
    let mut wire = body.set("model", model).into_wire(quirks.path.clone());
    wire.headers = quirks.headers.clone().into_iter().collect();
    Some(wire)
}
