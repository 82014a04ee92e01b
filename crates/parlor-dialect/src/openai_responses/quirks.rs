//! What the hosts of this dialect differ in, as data.

use crate::foreign::Foreign;
use crate::openai_chat::ErrorWord;
use parlor_core::Effort;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a host of the Responses API does in its own way.
///
/// The default suits a copy of which nothing is known;
/// [`openai`](Self::openai) is the dialect as its maker speaks it. In
/// configuration the fields stand by their names here.
///
/// There is no quirk for reading: every form of an answer that is known is
/// read from every host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Appended to the base URL.
    pub path: String,
    /// Headers beside authentication, sent with every request.
    pub headers: BTreeMap<String, String>,
    /// Fields of the body that this host wants with every request; the
    /// caller's `extra` wins over them.
    pub body: Map<String, Value>,
    /// Where instructions in front of the conversation go.
    pub instructions: Instructions,
    /// What `store` says where the request doesn't; `None` leaves it to the
    /// host, which for the dialect's maker means that answers are kept.
    pub store: Option<bool>,
    /// When the encrypted form of thoughts is asked for, which is what goes
    /// back where the host keeps nothing.
    pub encrypted_reasoning: EncryptedReasoning,
    /// Whether thoughts go back only encrypted or, where answers are kept, by
    /// id. If not, those of this origin go back as they came.
    pub signed_reasoning: bool,
    /// Whether there is a setting for reasoning.
    pub reasoning: bool,
    /// The efforts that this host knows, from least to most; empty leaves it
    /// to the model's family.
    pub efforts: Vec<Effort>,
    /// What `strict` says of a function where its definition doesn't; `None`
    /// leaves it to the host. The dialect's maker takes its absence for `true`.
    pub strict: Option<bool>,
    /// Whether a strict schema must be closed: every object says all of its
    /// properties, requires them and allows no others. Others are brought to
    /// that, with a warning.
    pub closed_schemas: bool,
    /// Whether there are `input_audio` parts.
    pub audio: bool,
    /// Whether there are `input_video` parts.
    pub video: bool,
    /// Whether results of tools may hold media.
    pub tool_media: bool,
    /// Whether cache hints are said, as `prompt_cache_breakpoint` on parts.
    pub cache_breakpoints: bool,
    /// The name of the field for the end user; empty if there is none.
    pub user_field: String,
    /// The most letters of the name of the end user; a longer one is left out,
    /// with a warning. 0 is no limit.
    pub max_user: usize,
    /// The lowest limit on output; a lower one of a client of another dialect
    /// is raised, with a warning.
    pub min_output: u64,
    /// Settings that the host refuses or ignores, by their names in the
    /// request: `temperature`, `metadata`, `parallel_tool_calls`, ….
    pub refused: Vec<String>,
    /// Fields of `extra` that are another dialect's of the same provider: where
    /// they go here, or what becomes of them.
    pub foreign: BTreeMap<String, Foreign>,
    /// What this host's codes and types of error mean, where they aren't those
    /// of the dialect.
    pub error_codes: BTreeMap<String, ErrorWord>,
    /// What to tell people to do about this host's errors, by code or by the
    /// word for the kind; a code counts before a kind.
    pub error_help: BTreeMap<String, String>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            path: "/responses".to_owned(),
            headers: BTreeMap::new(),
            body: Map::new(),
            instructions: Instructions::Field,
            store: None,
            encrypted_reasoning: EncryptedReasoning::Never,
            signed_reasoning: false,
            reasoning: true,
            efforts: Vec::new(),
            strict: None,
            closed_schemas: false,
            audio: true,
            video: true,
            tool_media: true,
            cache_breakpoints: false,
            user_field: "user".to_owned(),
            max_user: 64,
            min_output: 16,
            refused: Vec::new(),
            foreign: BTreeMap::new(),
            error_codes: BTreeMap::new(),
            error_help: BTreeMap::new(),
        }
    }
}

impl Quirks {
    /// Whether the host reads bodies as the dialect's clients write them: in what shapes them it
    /// is as the dialect's maker, or nothing is known of it.
    pub(super) fn are_usual(&self) -> bool {
        let alike = |usual: Self| {
            // Without what stands around a body, is added to it, or is a habit of writing one.
            *self
                == Self {
                    path: self.path.clone(),
                    headers: self.headers.clone(),
                    body: self.body.clone(),
                    instructions: self.instructions,
                    store: self.store,
                    encrypted_reasoning: self.encrypted_reasoning,
                    signed_reasoning: self.signed_reasoning,
                    strict: self.strict,
                    max_user: self.max_user,
                    min_output: self.min_output,
                    foreign: self.foreign.clone(),
                    error_codes: self.error_codes.clone(),
                    error_help: self.error_help.clone(),
                    ..usual
                }
        };
        alike(Self::openai()) || alike(Self::default())
    }

    /// The dialect as its maker speaks it, keeping nothing: the conversation
    /// is held by the caller, so nothing is stored unless the request says so,
    /// and thoughts come and go encrypted.
    pub fn openai() -> Self {
        let foreign = [
            ("verbosity", Foreign::At("text.verbosity".to_owned())),
            (
                "reasoning_effort",
                Foreign::At("reasoning.effort".to_owned()),
            ),
            (
                "max_completion_tokens",
                Foreign::At("max_output_tokens".to_owned()),
            ),
            ("max_tokens", Foreign::At("max_output_tokens".to_owned())),
            ("response_format", Foreign::Feature),
            ("modalities", Foreign::Feature),
            ("audio", Foreign::Feature),
            ("web_search_options", Foreign::Feature),
            ("logit_bias", Foreign::Knob),
            ("prediction", Foreign::Knob),
            ("seed", Foreign::Knob),
            ("stop", Foreign::Knob),
            ("n", Foreign::Knob),
            ("frequency_penalty", Foreign::Knob),
            ("presence_penalty", Foreign::Knob),
        ];
        let foreign = foreign.into_iter();
        Self {
            store: Some(false),
            encrypted_reasoning: EncryptedReasoning::ByModel,
            signed_reasoning: true,
            strict: Some(false),
            closed_schemas: true,
            video: false,
            foreign: foreign.map(|(key, it)| (key.to_owned(), it)).collect(),
            ..Self::default()
        }
    }

    /// Whether the host takes a setting of this name.
    pub(super) fn takes(&self, setting: &str) -> bool {
        !self.refused.iter().any(|it| it == setting)
    }
}

/// Where instructions in front of the conversation go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Instructions {
    /// In `instructions`.
    Field,
    /// In messages, in the role that the model's family wants.
    Message,
}

/// When the encrypted form of thoughts is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EncryptedReasoning {
    /// Never.
    Never,
    /// Of models that reason, where nothing is kept. Others refuse the wish.
    ByModel,
    /// Wherever nothing is kept.
    Always,
}
