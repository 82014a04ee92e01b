//! What the hosts of this dialect differ in, as data.

mod words;

pub use words::*;

use crate::foreign::Foreign;
use parlor_core::{Effort, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a host of Chat Completions does in its own way.
///
/// The default suits a host of which nothing is known: the names that most
/// servers understand, and nothing sent that wasn't asked for. Presets start
/// from it and change what they know; [`openai`](Self::openai) is the dialect
/// as its maker speaks it. In configuration the fields stand by their names
/// here, and what is left out keeps the preset's value:
/// see [`overridden`](crate::overridden).
///
/// There is no quirk for reading: every form of an answer that is known is
/// read from every host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Appended to the base URL; `{model}` in it is replaced by the model's
    /// id, percent-encoded.
    pub path: String,
    /// Headers beside authentication, sent with every request.
    pub headers: BTreeMap<String, String>,
    /// Fields of the body that this host wants with every request; the
    /// caller's `extra` wins over them.
    pub body: Map<String, Value>,
    /// The name of the limit on output.
    pub max_tokens: MaxTokens,
    /// The role of instructions.
    pub instructions: Instructions,
    /// The field that takes the text of earlier reasoning back.
    pub reasoning_field: ReasoningField,
    /// Fields of the caller's `extra` that make the host keep the reasoning of
    /// all turns: where they are there, all of it is sent back.
    pub keeps_reasoning: Map<String, Value>,
    /// How reasoning is switched on and off.
    pub thinking: Thinking,
    /// The field inside `chat_template_kwargs` that switches reasoning.
    pub template_switch: String,
    /// Whether `reasoning_effort` may stand beside a switch that only says on
    /// or off.
    pub effort_beside_switch: bool,
    /// Whether a budget of reasoning tokens can be said.
    pub thinking_budget: bool,
    /// Whether the host's models reason in streams alone: where it is wanted, an
    /// answer in one piece comes as one, and is read to its end; where nothing is
    /// said of it, it is switched off there.
    pub thinking_streams_only: bool,
    /// Whether the host answers in streams alone, whatever is asked.
    pub streams_only: bool,
    /// The efforts that this host knows, from least to most; empty leaves it
    /// to the model's family, and where that is unknown the word is sent as
    /// it is.
    pub efforts: Vec<Effort>,
    /// The tool choices that can be said.
    pub tool_choice: Vec<ToolChoiceWord>,
    /// The word for "at least one tool", `required` for most.
    pub required_word: String,
    /// Whether `parallel_tool_calls` is known.
    pub parallel_tool_calls: bool,
    /// Whether usage in streams is asked for by `stream_options`.
    pub stream_usage: bool,
    /// Whether a stream has an end of its own, `[DONE]` or usage alone; if not,
    /// the finish reasons with usage beside them are its end.
    pub end_mark: bool,
    /// Whether `strict` is known on tools and schemas.
    pub strict: bool,
    /// Whether a strict schema must be closed: every object says all of its
    /// properties, requires them and allows no others. Others are brought to
    /// that, with a warning.
    pub closed_schemas: bool,
    /// Whether each schema must say its type, in its alternatives where it has
    /// some. Others are brought to that, with a warning where they mean
    /// something else then.
    pub typed_schemas: bool,
    /// What forms of answer can be asked for.
    pub output: JsonOutput,
    /// What stands in `content` of a message that only calls tools.
    pub content_beside_calls: EmptyContent,
    /// Whether texts of system, assistant and tool messages may be a list of
    /// parts; else they are joined.
    pub text_parts: bool,
    /// Whether an assistant message takes `refusal`; else it goes as text.
    pub refusal: bool,
    /// Whether tool messages take media; else it follows in a user message.
    pub tool_media: bool,
    /// Whether the roles must take turns: neighbours that share one become
    /// one message.
    pub alternate: bool,
    /// Whether the assistant must speak between results of tools and the user:
    /// where it didn't, a word of its own is put there, with a warning.
    pub assistant_after_tools: bool,
    /// Whether user and assistant messages take `name`.
    pub message_name: bool,
    /// Whether tool messages take `name`.
    pub tool_name: bool,
    /// The field that marks a last assistant message as one to be continued;
    /// empty if there is none.
    pub prefill_field: String,
    /// What ids of tool calls look like.
    pub call_ids: CallIds,
    /// How cache hints are said.
    pub cache: CacheStyle,
    /// Whether images may be addresses; else only bytes.
    pub image_urls: bool,
    /// The most bytes of an image's address; 0 is no limit.
    pub max_image_url: usize,
    /// How the bytes of images are written.
    pub image_bytes: ImageBytes,
    /// Whether there are `video_url` parts.
    pub video_url: bool,
    /// Whether videos may be addresses; else only bytes.
    pub video_urls: bool,
    /// What stands before the id of an uploaded image or video in its address;
    /// empty if they can't be named so.
    pub file_scheme: String,
    /// Whether there are `input_audio` parts.
    pub audio: bool,
    /// Whether sound stands bare in its part, as base64 or as an address,
    /// without a format beside it.
    pub bare_audio: bool,
    /// Whether sound is an address in its part: a link, or a `data:` URL of its
    /// bytes.
    pub audio_urls: bool,
    /// How documents are written.
    pub documents: Documents,
    /// Whether documents may be addresses; else only bytes and file ids.
    pub document_urls: bool,
    /// The name of the field for the end user; empty if there is none.
    pub user_field: String,
    /// The fewest letters of the name of the end user; one outside of this and
    /// [`max_user`](Self::max_user) is left out, with a warning.
    pub min_user: usize,
    /// The most letters of the name of the end user; 0 is no limit.
    pub max_user: usize,
    /// The classes of service that the host knows: what a client of another
    /// dialect wants is said in one of them, or left out with a warning.
    pub service_tiers: Vec<String>,
    /// The name of the field for the seed.
    pub seed_field: String,
    /// The highest temperature; higher ones are lowered, with a warning.
    pub max_temperature: Option<f64>,
    /// The most stop sequences; 0 is no limit.
    pub max_stop: usize,
    /// Settings that the host refuses or ignores, by their names in the
    /// request: `top_k`, `seed`, `n`, `logprobs`, `metadata`, ….
    pub refused: Vec<String>,
    /// Fields of `extra` that are another dialect's of the same provider: where
    /// they go here, or what becomes of them.
    pub foreign: BTreeMap<String, Foreign>,
    /// What this host's codes, types and HTTP statuses of error mean, where
    /// they aren't those of the dialect; a code counts before a status. One
    /// that ends in `*` stands for all that begin so.
    pub error_codes: BTreeMap<String, ErrorWord>,
    /// What to tell people to do about this host's errors, by code or by the
    /// word for the kind; a code counts before a kind.
    pub error_help: BTreeMap<String, String>,
}

/// The classes of service of the dialect's maker.
pub(crate) const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

impl Default for Quirks {
    fn default() -> Self {
        Self {
            path: "/chat/completions".to_owned(),
            headers: BTreeMap::new(),
            body: Map::new(),
            max_tokens: MaxTokens::ByModel,
            instructions: Instructions::ByModel,
            reasoning_field: ReasoningField::ReasoningContent,
            keeps_reasoning: Map::new(),
            thinking: Thinking::Effort,
            template_switch: "enable_thinking".to_owned(),
            effort_beside_switch: false,
            thinking_budget: false,
            thinking_streams_only: false,
            streams_only: false,
            efforts: Vec::new(),
            tool_choice: vec![
                ToolChoiceWord::Auto,
                ToolChoiceWord::None,
                ToolChoiceWord::Required,
                ToolChoiceWord::Named,
            ],
            required_word: "required".to_owned(),
            parallel_tool_calls: true,
            stream_usage: true,
            end_mark: true,
            strict: true,
            closed_schemas: false,
            typed_schemas: false,
            output: JsonOutput::Schema,
            content_beside_calls: EmptyContent::Null,
            text_parts: false,
            refusal: false,
            tool_media: false,
            alternate: false,
            assistant_after_tools: false,
            message_name: true,
            tool_name: false,
            prefill_field: String::new(),
            call_ids: CallIds::Any,
            cache: CacheStyle::Automatic,
            image_urls: true,
            max_image_url: 0,
            image_bytes: ImageBytes::DataUrl,
            video_url: true,
            video_urls: true,
            file_scheme: String::new(),
            audio: true,
            bare_audio: false,
            audio_urls: false,
            documents: Documents::File,
            document_urls: false,
            user_field: "user".to_owned(),
            min_user: 0,
            max_user: 64,
            service_tiers: TIERS.map(str::to_owned).to_vec(),
            seed_field: "seed".to_owned(),
            max_temperature: None,
            max_stop: 0,
            refused: Vec::new(),
            foreign: BTreeMap::new(),
            error_codes: BTreeMap::new(),
            error_help: BTreeMap::new(),
        }
    }
}

impl Quirks {
    /// The dialect as its maker speaks it.
    pub fn openai() -> Self {
        Self {
            max_tokens: MaxTokens::MaxCompletionTokens,
            reasoning_field: ReasoningField::None,
            tool_choice: vec![
                ToolChoiceWord::Auto,
                ToolChoiceWord::None,
                ToolChoiceWord::Required,
                ToolChoiceWord::Named,
                ToolChoiceWord::Allowed,
            ],
            closed_schemas: true,
            text_parts: true,
            refusal: true,
            call_ids: CallIds::Forty,
            video_url: false,
            max_stop: 4,
            refused: vec!["top_k".to_owned()],
            ..Self::default()
        }
    }

    /// A host of which nothing is known; the same as the default.
    pub fn compatible() -> Self {
        Self::default()
    }

    /// Whether the host reads bodies as the dialect's clients write them: in what shapes them it
    /// is as the dialect's maker, or nothing is known of it.
    pub(super) fn are_usual(&self) -> bool {
        let alike = |usual: Self| {
            // Without what stands around a body, is added to it, or serves reading.
            *self
                == Self {
                    path: self.path.clone(),
                    headers: self.headers.clone(),
                    body: self.body.clone(),
                    max_tokens: self.max_tokens,
                    instructions: self.instructions,
                    reasoning_field: self.reasoning_field,
                    keeps_reasoning: self.keeps_reasoning.clone(),
                    effort_beside_switch: self.effort_beside_switch,
                    thinking_budget: self.thinking_budget,
                    stream_usage: self.stream_usage,
                    end_mark: self.end_mark,
                    min_user: self.min_user,
                    max_user: self.max_user,
                    service_tiers: self.service_tiers.clone(),
                    foreign: self.foreign.clone(),
                    error_codes: self.error_codes.clone(),
                    error_help: self.error_help.clone(),
                    ..usual
                }
        };
        alike(Self::openai()) || alike(Self::default())
    }

    /// Names the classes of service that the host knows, with blanks between:
    /// see [`service_tiers`](Self::service_tiers).
    pub fn know_tiers(&mut self, words: &str) {
        let words = words.split_ascii_whitespace();
        self.service_tiers = words.map(str::to_owned).collect();
    }

    /// Names settings that the host refuses or ignores, with blanks between:
    /// see [`refused`](Self::refused).
    pub fn refuse(&mut self, settings: &str) {
        let settings = settings.split_ascii_whitespace();
        self.refused.extend(settings.map(str::to_owned));
    }

    /// Tells what codes and types of error mean at this host:
    /// see [`error_codes`](Self::error_codes).
    pub fn know_codes(&mut self, table: &[(ErrorKind, &[&str])]) {
        let rows = table.iter().flat_map(|(kind, codes)| {
            let row = |code: &&str| ((*code).to_owned(), ErrorWord(*kind));
            codes.iter().map(row)
        });
        self.error_codes.extend(rows);
    }

    /// Tells what to do about errors of this host:
    /// see [`error_help`](Self::error_help).
    pub fn help_with(&mut self, table: &[(&str, &str)]) {
        let rows = table.iter();
        self.error_help
            .extend(rows.map(|(code, help)| ((*code).to_owned(), (*help).to_owned())));
    }

    /// Whether the host takes a setting of this name.
    pub(super) fn takes(&self, setting: &str) -> bool {
        !self.refused.iter().any(|it| it == setting)
    }
}
