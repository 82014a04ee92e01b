//! Requests as a server reads them.

use super::contents::JOINED;
use super::{camel_keys, config, tools};
use crate::gemini::Quirks;
use crate::gemini::wire::media::read_media;
use crate::gemini::wire::{self, Content, FunctionCall, FunctionResponse, Part, part};
use crate::{Incoming, json};
use parlor_core::{
    ChatRequest, Error, ErrorKind, Message, Native, Origin, Part as CorePart, Reasoning, Result,
    Role, ToolResult,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Reads a request.
///
/// What core has no words for goes to the request's `extra`, where it stood.
///
/// # Errors
/// `InvalidRequest`, for a body that isn't JSON, a role that the wire doesn't
/// know, and a path that names no model or another method.
pub(in crate::gemini) fn from_wire(
    path: &str,
    body: &[u8],
    origin: &Origin,
    quirks: &Quirks,
) -> Result<Incoming> {
    let (model, stream) = read_path(path)?;
    let mut scratch = String::new();
    let body: wire::Request<'_> = json::read(body, &mut scratch)
        .map_err(|error| invalid(format!("the body is not JSON: {error}")))?;
    if body.contents.is_empty() {
        return Err(invalid("`contents` is not specified"));
    }
    let mut reader = Reader {
        origin,
        messages: Vec::new(),
        pending: Vec::new(),
        code: String::new(),
        minted: 0,
    };
    reader.system(&body.system)?;
    for content in body.contents.iter() {
        reader.content(content)?;
    }
    let mut request = ChatRequest::new(reader.messages);
    let mut extra = wire::rest_of(&body.rest);
    extra.shift_remove("model");
    if let Some(value) = extra.shift_remove("tools") {
        request.tools = tools::read(value, origin);
    }
    if let Some(Value::Object(config)) = extra.shift_remove("toolConfig") {
        let mut rest = camel_keys(config);
        if let Some(Value::Object(choice)) = rest.shift_remove("functionCallingConfig") {
            let choice = tools::read_choice(choice, &mut request);
            put(&mut rest, "functionCallingConfig", choice);
        }
        put(&mut extra, "toolConfig", rest);
    }
    if let Some(Value::Object(config)) = extra.shift_remove("generationConfig") {
        let rest = config::read(config, &mut request);
        put(&mut extra, "generationConfig", rest);
    }
    if let Some(Value::String(tier)) = extra.get("serviceTier") {
        request.service_tier = Some(tier.clone());
        extra.shift_remove("serviceTier");
    }
    if quirks.labels
        && let Some(labels) = extra.get("labels").and_then(labels)
    {
        request.metadata = labels;
        extra.shift_remove("labels");
    }
    if !extra.is_empty() {
        request.extra.insert(origin.provider.to_string(), extra);
    }
    Ok(Incoming::new(request, model, stream))
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

fn put(map: &mut Map<String, Value>, name: &str, rest: Map<String, Value>) {
    if !rest.is_empty() {
        map.insert(name.to_owned(), rest.into());
    }
}

fn labels(value: &Value) -> Option<BTreeMap<String, String>> {
    let labels = value.as_object()?.iter();
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    labels.map(text).collect()
}

/// The model that a path names, and whether it asks for a stream.
fn read_path(path: &str) -> Result<(String, bool)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (resource, method) = path.rsplit_once(':').unwrap_or((path, ""));
    let stream = match method {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => {
            return Err(invalid(format!(
                "the path names no known method: {path:.200}"
            )));
        }
    };
    // Resources other than models keep their names.
    let model = match (resource.rfind("/models/"), resource.rfind("/tunedModels/")) {
        (Some(at), _) => resource.get(at + "/models/".len()..),
        (None, Some(at)) => resource.get(at + 1..),
        (None, None) => resource.rsplit('/').next(),
    };
    let model = unescape(model.unwrap_or_default());
    match model.is_empty() {
        true => Err(invalid("the path names no model")),
        false => Ok((model, stream)),
    }
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        rest = tail;
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads contents into messages.
struct Reader<'a> {
    origin: &'a Origin,
    messages: Vec<Message>,
    /// Calls without an answer so far: name and id.
    pending: Vec<(String, String)>,
    /// What the last code that the provider ran is called.
    code: String,
    minted: u32,
}

impl Reader<'_> {
    fn native(&self, item: impl Into<Value>) -> Native {
        Native::new(self.origin.clone(), item)
    }

    fn system(&mut self, content: &Content<'_>) -> Result<()> {
        let mut parts = Vec::new();
        for part in content.parts.iter() {
            parts.extend(self.part(part));
        }
        if parts.is_empty() {
            return Ok(());
        }
        let mut native = wire::rest_of(&content.rest);
        if !content.role.is_empty() {
            native.insert("role".to_owned(), json!(&*content.role));
        }
        self.push(Role::System, parts, native);
        Ok(())
    }

    fn content(&mut self, content: &Content<'_>) -> Result<()> {
        let mut native = wire::rest_of(&content.rest);
        let role = match &*content.role {
            "user" | "" => Role::User,
            "model" => Role::Assistant,
            "function" => {
                native.insert("role".to_owned(), json!("function"));
                Role::User
            }
            _ => return Err(invalid("Please use a valid role: user, model.")),
        };
        let mut run: Vec<CorePart> = Vec::new();
        let mut run_role = role;
        for part in content.parts.iter() {
            let Some(part) = self.part(part) else {
                continue;
            };
            // Results of tools are messages of their own.
            let part_role = match &part {
                CorePart::ToolResult(_) if role == Role::User => Role::Tool,
                _ => role,
            };
            if part_role != run_role && !run.is_empty() {
                self.push(
                    run_role,
                    std::mem::take(&mut run),
                    std::mem::take(&mut native),
                );
                native.insert(JOINED.to_owned(), json!(true));
            }
            run_role = part_role;
            run.push(part);
        }
        if !run.is_empty() {
            self.push(run_role, run, native);
        }
        Ok(())
    }

    fn push(&mut self, role: Role, parts: Vec<CorePart>, native: Map<String, Value>) {
        let mut message = Message::new(role, parts);
        if !native.is_empty() {
            message.native = Some(Box::new(self.native(native)));
        }
        self.messages.push(message);
    }

    fn part(&mut self, part: &Part<'_>) -> Option<CorePart> {
        if let Some(raw) = part.function_call {
            let call: FunctionCall<'_> = wire::object(raw);
            let (mut call, native) = part::function_call(&call, part);
            if call.id.is_empty() {
                call.id = self.mint();
            }
            self.pending.push((call.name.clone(), call.id.clone()));
            return Some(CorePart::from(call).with_native(self.native(native)));
        }
        if let Some(raw) = part.function_response {
            let response: FunctionResponse<'_> = wire::object(raw);
            let (mut result, native) = part::function_response(&response, part);
            self.pair(&mut result);
            for part in response.parts.iter() {
                result.parts.extend(self.part(part));
            }
            return Some(self.with(result.into(), native));
        }
        if let Some(mut call) = part::provider_call(part) {
            if call.id.is_empty() {
                call.id = self.mint();
            }
            self.code.clone_from(&call.id);
            return Some(CorePart::from(call).with_native(self.native(part::verbatim(part))));
        }
        if let Some(mut result) = part::provider_result(part) {
            if result.call_id.is_empty() {
                result.call_id.clone_from(&self.code);
            }
            return Some(CorePart::from(result).with_native(self.native(part::verbatim(part))));
        }
        if let Some((media, native)) = read_media(part) {
            return Some(self.with(media.into(), native));
        }
        let is_text = part::is_text(part) && (part.text.is_some() || !part.signature.is_empty());
        if is_text {
            let text = part.text.as_deref().unwrap_or_default();
            let native = part::modifiers(part, false);
            return Some(match part.thought.is_true() {
                // Even without a signature it may go back where it came from.
                true => CorePart::from(Reasoning::new(text)).with_native(self.native(native)),
                false => self.with(CorePart::text(text), native),
            });
        }
        match part::verbatim(part) {
            Value::Object(map) if map.is_empty() => None,
            item => Some(CorePart::Native(self.native(item))),
        }
    }

    fn with(&self, part: CorePart, native: Map<String, Value>) -> CorePart {
        match native.is_empty() {
            true => part,
            false => part.with_native(self.native(native)),
        }
    }

    /// Finds the call that a result answers: by id, or else the first of its
    /// name that has no answer yet.
    fn pair(&mut self, result: &mut ToolResult) {
        let name = result.name.as_deref().unwrap_or_default();
        let at = match result.call_id.is_empty() {
            true => self.pending.iter().position(|it| it.0 == name),
            false => self.pending.iter().position(|it| it.1 == result.call_id),
        };
        match at {
            Some(at) => result.call_id = self.pending.remove(at).1,
            None if result.call_id.is_empty() => result.call_id = self.mint(),
            None => {}
        }
    }

    /// An id of nine letters and digits, the same whenever the same request is
    /// read.
    fn mint(&mut self) -> String {
        self.minted += 1;
        format!("call{:05}", self.minted)
    }
}
