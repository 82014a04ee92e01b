//! The fields that a host, a model and a caller add to a body.

use crate::Target;
use crate::foreign::{self, Foreign};
use parlor_core::{ChatRequest, Error, ErrorKind, MediaSource, Message, Part, Result};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the ids in a request's [`extra`](ChatRequest::extra) begin with under which stands what is
/// for every host of a dialect: `dialect:openai-chat`. A gateway puts there what a client said
/// beyond core's words, since that means nothing in another dialect.
pub const DIALECT: &str = "dialect:";

/// What goes into a body over what the dialect writes: the host's own fields,
/// over them the model's, over them what the request's
/// [`extra`](ChatRequest::extra) has for the provider, over that what it has
/// for the instance.
///
/// Each layer is merged the same way: an object is merged into an object field
/// by field, a null takes out what stands in its place or, where nothing does,
/// stands there itself, and everything else, lists too, replaces what was
/// there. It borrows; nothing is copied but what goes into the body.
#[derive(Debug, Clone, Copy)]
pub struct Extra<'a> {
    /// The lowest first.
    layers: [Option<&'a Map<String, Value>>; 5],
    /// A field that the dialect reads for itself.
    hidden: Option<&'static str>,
    /// Fields that are another dialect's of the same provider.
    foreign: Option<&'a BTreeMap<String, Foreign>>,
    /// What most of the body is made of.
    messages: &'a [Message],
}

impl<'a> Extra<'a> {
    pub(crate) fn new(request: &'a ChatRequest, target: &Target<'a>) -> Self {
        let info = target.info;
        let of = |id: &str| request.extra.get(id);
        let provider = info.instance_of.as_deref().and_then(of);
        let spoken = request.extra.iter().find_map(|(id, fields)| {
            let dialect = id.strip_prefix(DIALECT)?;
            (dialect == target.dialect && !dialect.is_empty()).then_some(fields)
        });
        Self {
            layers: [None, target.extra, spoken, provider, of(&info.provider)],
            hidden: None,
            foreign: None,
            messages: &request.messages,
        }
    }

    /// The same over the fields that a host wants in every body.
    #[must_use]
    pub fn over(mut self, host: &'a Map<String, Value>) -> Self {
        self.layers[0] = Some(host);
        self
    }

    /// The same without a field, which the dialect reads by
    /// [`get`](Self::get) and writes elsewhere.
    #[must_use]
    pub fn without(mut self, field: &'static str) -> Self {
        self.hidden = Some(field);
        self
    }

    /// The same with the fields of other dialects brought to their places here;
    /// those that have none are left out.
    #[must_use]
    pub(crate) fn settled(mut self, foreign: &'a BTreeMap<String, Foreign>) -> Self {
        self.foreign = Some(foreign);
        self
    }

    /// What the topmost layer that has the field says of it, null too.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        let mut from_the_top = self.layers.iter().rev().flatten();
        from_the_top.find_map(|layer| layer.get(field))
    }

    /// Whether no layer has any field.
    pub(crate) fn says_nothing(&self) -> bool {
        self.layers.iter().flatten().all(|layer| layer.is_empty())
    }

    /// Whether it leaves every body as it is.
    pub fn is_empty(&self) -> bool {
        let mut layers = self.layers.iter().flatten();
        layers.all(|layer| layer.keys().all(|it| Some(it.as_str()) == self.hidden))
    }

    /// Merges it into a body.
    pub fn merge_into(&self, body: &mut Map<String, Value>) {
        for layer in self.layers.iter().flatten() {
            let foreign = self.foreign.into_iter().flatten();
            for (name, place) in foreign {
                if let (Foreign::At(path), Some(value)) = (place, layer.get(name)) {
                    foreign::put(body, path, value);
                }
            }
            let elsewhere = |name: &str| {
                let foreign = self.foreign.is_some_and(|it| it.contains_key(name));
                foreign || self.hidden == Some(name)
            };
            patch(body, layer, &elsewhere);
        }
    }

    /// Writes a body with this merged into it. The field `name` of the body,
    /// its largest, is written straight from `large` where nothing is said of
    /// it here.
    pub(crate) fn write<B, L>(
        &self,
        body: &mut B,
        name: &str,
        large: fn(&mut B) -> &mut L,
    ) -> Result<Vec<u8>>
    where
        B: Serialize,
        L: Serialize + Default,
    {
        if self.is_empty() {
            return self.bytes(body);
        }
        let large = match self.get(name) {
            Some(_) => None,
            None => Some(std::mem::take(large(body))),
        };
        let mut fields = match serde_json::to_value(body).map_err(wrong)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        if large.is_some() {
            fields.shift_remove(name);
        }
        self.merge_into(&mut fields);
        let large = large.as_ref().map(|large| (name, large));
        self.bytes(&Merged { large, fields })
    }

    /// Writes JSON with room for the messages made at once: a body of images
    /// that grows as it goes would take twice its size at the end.
    pub(crate) fn bytes(&self, body: &impl Serialize) -> Result<Vec<u8>> {
        let part = |part: &Part| match part {
            Part::Text(text) => text.text.len(),
            Part::Media(media) => match &media.source {
                MediaSource::Bytes(bytes) => bytes.len() / 3 * 4,
                MediaSource::Url(url) => url.len(),
                _ => 0,
            },
            _ => 0,
        };
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        // What stands around each, and what is escaped in it.
        let room: usize = parts.map(|it| part(it) + part(it) / 64 + 128).sum();
        let mut bytes = Vec::with_capacity(room + 256);
        serde_json::to_writer(&mut bytes, body).map_err(wrong)?;
        Ok(bytes)
    }
}

fn wrong(error: serde_json::Error) -> Error {
    let message = format!("the request can't be written: {error}");
    Error::new(ErrorKind::Unexpected, message)
}

/// A body whose largest field isn't among the others.
struct Merged<'a, L> {
    large: Option<(&'a str, &'a L)>,
    fields: Map<String, Value>,
}

impl<L: Serialize> Serialize for Merged<'_, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        if let Some((name, large)) = self.large {
            out.serialize_entry(name, large)?;
        }
        for (name, value) in &self.fields {
            out.serialize_entry(name, value)?;
        }
        out.end()
    }
}

/// Merges a layer into a body, but for fields that are told elsewhere.
fn patch(
    body: &mut Map<String, Value>,
    layer: &Map<String, Value>,
    elsewhere: &dyn Fn(&str) -> bool,
) {
    for (name, value) in layer {
        match (body.get_mut(name), value) {
            _ if elsewhere(name) => {}
            (Some(Value::Object(mine)), Value::Object(theirs)) => patch(mine, theirs, &|_| false),
            (Some(mine), Value::Null) if !mine.is_null() => {
                body.shift_remove(name);
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use parlor_core::ModelInfo;
    use serde_json::json;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[derive(Serialize)]
    struct Body {
        messages: Vec<u8>,
        a: Value,
    }

    /// The body `{"messages": [1], "a": {"x": 1, "y": 2}}` with layers over it:
    /// the host's, the model's, the provider's, the instance's.
    fn written(layers: [Value; 4]) -> Value {
        let mut info = ModelInfo::new("work", "m");
        info.instance_of = Some("acme".to_owned());
        let [host, model, provider, instance] = layers.map(fields);
        let mut request = ChatRequest::default();
        request.extra.insert("acme".to_owned(), provider);
        request.extra.insert("work".to_owned(), instance);
        let profile = Profile::default();
        let target = Target::new(&info, &profile).with_extra(&model);
        let extra = target.extra(&request).over(&host).without("own");
        let mut body = Body {
            messages: vec![1],
            a: json!({"x": 1, "y": 2}),
        };
        let bytes = extra.write(&mut body, "messages", |it| &mut it.messages);
        let written: Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
        let mut merged = fields(json!({"messages": [1], "a": {"x": 1, "y": 2}}));
        extra.merge_into(&mut merged);
        assert_eq!(written, Value::Object(merged));
        written
    }

    #[test]
    fn objects_merge_null_takes_out_and_the_rest_replaces() {
        let none = || json!({});
        let one = |instance| written([none(), none(), none(), instance]);
        let plain = json!({"messages": [1], "a": {"x": 1, "y": 2}});
        assert_eq!(one(none()), plain);
        assert_eq!(
            one(json!({"a": {"x": null, "z": {"deep": null}}, "b": [null]})),
            json!({"messages": [1], "a": {"y": 2, "z": {"deep": null}}, "b": [null]})
        );
        assert_eq!(one(json!({"a": null})), json!({"messages": [1]}));
        assert_eq!(
            one(json!({"a": 5, "messages": null, "none": null})),
            json!({"a": 5, "none": null})
        );
        assert_eq!(one(json!({"own": [1]})), plain);
    }

    #[test]
    fn layers_lie_on_each_other() {
        assert_eq!(
            written([
                json!({"from": "host", "host": 1, "gone": {"x": 1}}),
                json!({"from": "model", "model": 1, "gone": null, "messages": [2]}),
                json!({"from": "provider", "provider": 1, "gone": {"y": 2}}),
                json!({"from": "instance", "instance": 1}),
            ]),
            json!({
                "messages": [2],
                "a": {"x": 1, "y": 2},
                "from": "instance",
                "host": 1,
                "model": 1,
                "gone": {"y": 2},
                "provider": 1,
                "instance": 1,
            })
        );
    }
}
