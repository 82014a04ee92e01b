//! What of a client's request goes through to a provider that speaks the client's dialect.
//!
//! Its body goes byte for byte, but for the model's name and the wish for usage in a stream, and so do
//! the headers in [`Speak::headers`]; the answer comes back byte for byte. In between everything is
//! read into core's words, by which all layers work. Where a layer changes what is asked or answered,
//! or the model's host wants other words, the request is written and the answer encoded from what was
//! read; then a client's fields that core has no words for go to hosts of its own dialect alone.

use axum::http::HeaderMap;
use parlor::{ChatRequest, OnUnsupported, Origin, Part, ToolChoice, Words};
use parlor_dialect::{DIALECT, Incoming, Outline};
use std::sync::Arc;

use crate::body::Seen;
use crate::seal;
use crate::speak::Speak;

/// The fields of a body that are the gateway's to set.
const OWN: &[&str] = &["model", "stream", "stream_options"];

/// Puts what the client said, beyond what was read of it, where those find it who can use it.
pub(crate) fn carry(
    dialect: &dyn Speak,
    incoming: &mut Incoming,
    head: &HeaderMap,
    body: Seen,
    origin: &Origin,
) {
    let request = &mut incoming.request;
    let mut extra = request.extra.remove(&*origin.provider).unwrap_or_default();
    let headers = dialect.headers().iter().filter_map(|(name, field)| {
        let values = head.get_all(*name).iter().filter_map(|it| it.to_str().ok());
        let values: Vec<&str> = values.collect();
        let value = (!values.is_empty()).then(|| values.join(","))?;
        if let Some(field) = field {
            extra.insert((*field).to_owned(), value.clone().into());
        }
        Some(((*name).to_owned(), value))
    });
    let headers: Vec<(String, String)> = headers.collect();
    if !extra.is_empty() {
        let spoken = format!("{DIALECT}{}", dialect.words());
        request.extra.insert(spoken, extra);
    }
    // What was sealed means nothing to a provider as the client has it.
    if seal::open(request) || !dialect.passes() || !takes_ids(dialect, request) {
        return;
    }
    let mut thoughts = request.messages.iter().flat_map(|it| &it.parts);
    let unsigned =
        thoughts.any(|it| matches!(it, Part::Reasoning(thought) if !dialect.is_signed(thought)));
    let Seen { bytes, members, .. } = body;
    let members = match members.is_empty() {
        false => Some(members),
        true => Outline::of(&bytes).map(Outline::into_members),
    };
    if let Some(members) = members {
        let outline = Outline::known(&bytes, &members);
        let own = outline.map(|it| it.spans(OWN)).unwrap_or_default();
        let mut words = Words::new(dialect.name(), bytes);
        (words.own, words.members) = (own, members);
        words.headers = headers;
        words.tells_usage = incoming.stream_usage;
        words.unsigned = unsigned;
        request.verbatim = Arc::new(words).into();
    }
}

/// Whether the dialect's own hosts take all ids of calls. Another's host may have given them.
fn takes_ids(dialect: &dyn Speak, request: &ChatRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|it| &it.parts);
    parts.all(|part| match part {
        Part::ToolCall(call) => dialect.takes_id(&call.id),
        Part::ToolResult(result) => dialect.takes_id(&result.call_id),
        _ => true,
    })
}

/// Lets tools of another provider's own be left out, with a warning, where the client has functions
/// beside them: that is an agent, which offers a provider's search to whatever model it asks. Where
/// they are all there is, or one of them must be called, the request is about them.
pub(crate) fn spare(request: &mut ChatRequest) {
    let functions: Vec<&str> = (request.tools.iter())
        .filter_map(|it| Some(it.as_function()?.name.as_str()))
        .collect();
    let does_without = match &request.tool_choice {
        Some(ToolChoice::Tool(name)) => functions.contains(&name.as_str()),
        Some(ToolChoice::Allowed { tools, .. }) => {
            tools.iter().any(|it| functions.contains(&it.as_str()))
        }
        _ => !functions.is_empty(),
    };
    if does_without {
        request.on_foreign_tools = Some(OnUnsupported::Warn);
    }
}
