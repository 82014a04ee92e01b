//! What stands on the wire, read borrowed and leniently.
//!
//! Every field may be missing or null, stand in camelCase or snake_case, and
//! have a form that nobody expects; then it reads as nothing. Fields that
//! aren't known are kept in `rest`, as raw JSON that costs nothing until it is
//! looked at.

pub(super) mod media;
pub(super) mod part;
mod values;

pub(super) use values::{Few, Scalar};

use crate::fields::{self, Fill, Json};
use crate::json::Text;
use crate::lenient::nothing;
use crate::scan::Scan;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A field that is looked at seldom; null is nothing.
pub(super) type Raw<'a> = Option<Json<'a>>;

/// Declares an object of the wire: each field with its names.
macro_rules! wire_object {
    ($(
        $(#[$meta:meta])*
        $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty = $($word:literal)|+, )+ }
    )+) => { $(
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $( $(#[$field_meta])* pub(super) $field: $type, )+
            /// Fields that aren't known, but for null ones.
            pub(super) rest: Few<(Cow<'a, str>, Json<'a>)>,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader<'a>(PhantomData<&'a ()>);
                impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
                    type Value = $name<'a>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    nothing!(scalars);
                    nothing!(list);
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut out = $name::default();
                        while let Some(Text(key)) = map.next_key::<Text<'a>>()? {
                            match &*key {
                                $( $($word)|+ => out.$field = map.next_value()?, )+
                                _ => {
                                    if let Some(raw) = map.next_value::<Raw<'a>>()? {
                                        out.rest.push((key, raw));
                                    }
                                }
                            }
                        }
                        Ok(out)
                    }
                }
                deserializer.deserialize_any(Reader(PhantomData))
            }
        }

        impl<'de: 'a, 'a> Fill<'de> for $name<'a> {
            fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                *self = Deserialize::deserialize(deserializer)?;
                Ok(())
            }

            fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
                *self = Self::default();
                if scan.null() {
                    return Some(());
                }
                scan.object(|scan, key| match key {
                    $( $($word)|+ => self.$field.scan(scan), )+
                    _ => {
                        if !scan.null() {
                            let value = Json::scanned(scan)?;
                            self.rest.push((key.into(), value));
                        }
                        Some(())
                    }
                })
            }
        }
    )+ };
}

wire_object! {
    /// A `GenerateContentResponse`, whole or one chunk of a stream.
    Chunk {
        candidates: Few<Candidate<'a>> = "candidates",
        usage: Raw<'a> = "usageMetadata" | "usage_metadata",
        model_version: Text<'a> = "modelVersion" | "model_version",
        response_id: Text<'a> = "responseId" | "response_id",
        create_time: Text<'a> = "createTime" | "create_time",
        prompt_feedback: Raw<'a> = "promptFeedback" | "prompt_feedback",
        error: Raw<'a> = "error",
    }

    /// A `GenerateContentRequest`; what isn't here is looked at as JSON.
    Request {
        system: Content<'a> = "systemInstruction" | "system_instruction",
        contents: Few<Content<'a>> = "contents",
    }

    /// One of the answers.
    Candidate {
        index: Scalar<'a> = "index",
        content: Content<'a> = "content",
        finish_reason: Scalar<'a> = "finishReason" | "finish_reason",
        grounding: Raw<'a> = "groundingMetadata" | "grounding_metadata",
        citations: Raw<'a> = "citationMetadata" | "citation_metadata",
        logprobs: Raw<'a> = "logprobsResult" | "logprobs_result",
        safety_ratings: Raw<'a> = "safetyRatings" | "safety_ratings",
    }

    /// Parts with a role.
    Content {
        role: Text<'a> = "role",
        parts: Few<Part<'a>> = "parts",
    }

    /// One part: one of the kinds, and modifiers.
    Part {
        text: Option<Text<'a>> = "text",
        thought: Scalar<'a> = "thought",
        signature: Text<'a> = "thoughtSignature" | "thought_signature",
        inline_data: Raw<'a> = "inlineData" | "inline_data",
        file_data: Raw<'a> = "fileData" | "file_data",
        function_call: Raw<'a> = "functionCall" | "function_call",
        function_response: Raw<'a> = "functionResponse" | "function_response",
        executable_code: Raw<'a> = "executableCode" | "executable_code",
        code_result: Raw<'a> = "codeExecutionResult" | "code_execution_result",
        tool_call: Raw<'a> = "toolCall" | "tool_call",
        tool_response: Raw<'a> = "toolResponse" | "tool_response",
        video_metadata: Raw<'a> = "videoMetadata" | "video_metadata",
        media_resolution: Raw<'a> = "mediaResolution" | "media_resolution",
    }

    /// Bytes, or where they are.
    Blob {
        mime_type: Text<'a> = "mimeType" | "mime_type",
        data: Text<'a> = "data",
        file_uri: Text<'a> = "fileUri" | "file_uri",
    }

    /// A call of a function, whole or a piece of one.
    FunctionCall {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        args: Raw<'a> = "args",
        partial_args: Few<PartialArg<'a>> = "partialArgs" | "partial_args",
        will_continue: Scalar<'a> = "willContinue" | "will_continue",
    }

    /// A value within the arguments of a call that comes in pieces.
    PartialArg {
        json_path: Text<'a> = "jsonPath" | "json_path",
        string: Option<Text<'a>> = "stringValue" | "string_value",
        number: Raw<'a> = "numberValue" | "number_value",
        bool: Scalar<'a> = "boolValue" | "bool_value",
        will_continue: Scalar<'a> = "willContinue" | "will_continue",
    }

    /// The result of a function.
    FunctionResponse {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        response: Raw<'a> = "response",
        parts: Few<Part<'a>> = "parts",
    }

    /// What an answer consumed.
    UsageMetadata {
        prompt: Scalar<'a> = "promptTokenCount" | "prompt_token_count",
        cached: Scalar<'a> = "cachedContentTokenCount" | "cached_content_token_count",
        candidates: Scalar<'a> = "candidatesTokenCount" | "candidates_token_count",
        thoughts: Scalar<'a> = "thoughtsTokenCount" | "thoughts_token_count",
        tool_use: Scalar<'a> = "toolUsePromptTokenCount" | "tool_use_prompt_token_count",
        prompt_details: Few<ModalityCount<'a>> = "promptTokensDetails" | "prompt_tokens_details",
        candidates_details: Few<ModalityCount<'a>> =
            "candidatesTokensDetails" | "candidates_tokens_details",
    }

    /// Tokens of one modality.
    ModalityCount {
        modality: Scalar<'a> = "modality",
        tokens: Scalar<'a> = "tokenCount" | "token_count",
    }

    /// Why a prompt was blocked, if it was.
    PromptFeedback {
        block_reason: Scalar<'a> = "blockReason" | "block_reason",
        safety_ratings: Raw<'a> = "safetyRatings" | "safety_ratings",
    }
}

/// Raw JSON as a value.
pub(super) fn value(raw: Json<'_>) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Raw JSON as an object of the wire; one of another form is empty.
pub(super) fn object<'a, T: Default + Fill<'a>>(raw: Json<'a>) -> T {
    let mut read = T::default();
    match fields::read(raw.get(), &mut read) {
        Ok(()) => read,
        Err(_) => T::default(),
    }
}

/// JSON text without the blanks between its tokens: whole answers come
/// indented, streams don't, and both must read the same.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for next in json.chars() {
        if in_string {
            in_string = escaped || next != '"';
            escaped = !escaped && next == '\\';
        } else if next == '"' {
            in_string = true;
        } else if next.is_ascii_whitespace() {
            continue;
        }
        out.push(next);
    }
    out
}

/// A name of the wire in camelCase: `safety_settings` is `safetySettings`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|it| it.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// Fields that aren't known, as an object.
pub(super) fn rest_of(rest: &Few<(Cow<'_, str>, Json<'_>)>) -> Map<String, Value> {
    let fields = rest.iter().map(|(name, raw)| (camel(name), value(*raw)));
    fields.collect()
}

impl Chunk<'_> {
    /// Whether it is an object of something else altogether.
    pub(super) fn says_nothing(&self) -> bool {
        self.candidates.is_empty()
            && self.prompt_feedback.is_none()
            && self.usage.is_none()
            && self.error.is_none()
    }
}
