//! What an answer consumed, in tokens.

mod kept;

pub use kept::KeptUsage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens consumed by one answer, by one rule whatever the provider's habit.
///
/// `input_tokens` is *all* of the input, cached reads and cache writes
/// included; `output_tokens` is *all* of the output, reasoning included. The
/// other fields say how much of these two was of that sort and are never to be
/// added to them. A figure that the provider didn't give is `None`, not zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// All input tokens, cached ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// All output tokens, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// The part of the input that was read from a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_tokens: Option<u64>,
    /// The part of the input that was written to a prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// The part of the output that was reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// The part of the input that was audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_audio_tokens: Option<u64>,
    /// The part of the output that was audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_audio_tokens: Option<u64>,
    /// The provider's own usage object, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

impl Usage {
    /// Input and output together, when both are known.
    pub fn total_tokens(&self) -> Option<u64> {
        Some(self.input_tokens?.saturating_add(self.output_tokens?))
    }

    /// Whether the provider gave no figure at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn figures(&self) -> [Option<u64>; 7] {
        [
            self.input_tokens,
            self.output_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
            self.input_audio_tokens,
            self.output_audio_tokens,
        ]
    }

    /// The [`figures`](Self::figures), in their order.
    fn figures_mut(&mut self) -> [&mut Option<u64>; 7] {
        [
            &mut self.input_tokens,
            &mut self.output_tokens,
            &mut self.cached_input_tokens,
            &mut self.cache_write_tokens,
            &mut self.reasoning_tokens,
            &mut self.input_audio_tokens,
            &mut self.output_audio_tokens,
        ]
    }

    /// Adds what another answer consumed: for sums over several answers. A figure
    /// that only one of them has counts for itself; `raw` is of one answer and
    /// is dropped.
    pub fn add(&mut self, other: &Usage) {
        for (field, other) in self.figures_mut().into_iter().zip(other.figures()) {
            if let Some(other) = other {
                *field = Some(field.unwrap_or(0).saturating_add(other));
            }
        }
        self.raw = None;
    }

    /// Takes a later snapshot: field by field, the last known figure wins, and
    /// `raw` objects are merged key by key. Snapshots are never added up.
    pub fn merge(&mut self, later: &Usage) {
        self.merge_news(later);
    }

    /// Does as [`merge`](Self::merge), and says whether that changed anything.
    pub fn merge_news(&mut self, later: &Usage) -> bool {
        let mut changed = false;
        for (field, later) in self.figures_mut().into_iter().zip(later.figures()) {
            changed |= later.is_some() && *field != later;
            *field = later.or(*field);
        }
        match (&mut self.raw, &later.raw) {
            (Some(Value::Object(mine)), Some(Value::Object(later))) => {
                for (key, value) in later.iter().filter(|it| !it.1.is_null()) {
                    match mine.get_mut(key) {
                        Some(known) if known == value => continue,
                        Some(known) => known.clone_from(value),
                        None => {
                            mine.insert(key.clone(), value.clone());
                        }
                    }
                    changed = true;
                }
            }
            (mine, Some(later)) if mine.as_ref() != Some(later) => {
                *mine = Some(later.clone());
                changed = true;
            }
            _ => {}
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_known_figure_wins_field_by_field() {
        let mut usage = Usage {
            input_tokens: Some(10),
            output_tokens: Some(1),
            raw: Some(json!({"input": 10, "tier": "a"})),
            ..Usage::default()
        };
        usage.merge(&Usage {
            output_tokens: Some(7),
            raw: Some(json!({"output": 7, "tier": null})),
            ..Usage::default()
        });
        assert_eq!(usage.total_tokens(), Some(17));
        assert_eq!(
            usage.raw,
            Some(json!({"input": 10, "tier": "a", "output": 7}))
        );
    }
}
