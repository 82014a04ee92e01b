//! What a person can do next, by where the failure is told and what is kept.

use parlor::{ChatRequest, Error, estimate};

use super::Failure;
use crate::converse::{grouped, short};
use crate::weight;

/// Where a failed call leaves a person.
#[derive(Debug, Clone)]
pub(crate) struct Then {
    /// Whether the person is in a conversation, else at the shell.
    pub(crate) in_talk: bool,
    /// Whether the question is kept.
    pub(crate) is_kept: bool,
    /// Whether turns before it were sent too.
    pub(crate) goes_on: bool,
    /// How many tokens the model holds, where that is known.
    pub(crate) window: Option<u64>,
    /// A model in use that holds more, by its id, with how many tokens.
    pub(crate) larger: Option<(String, u64)>,
}

impl Failure {
    /// The same with what can be done next about this request.
    #[must_use]
    pub(crate) fn then(mut self, then: Then, request: &ChatRequest) -> Self {
        let again = match &then {
            Then { in_talk: true, .. } => Some("/retry asks again"),
            Then { is_kept: true, .. } => Some("the prompt is saved: parlor -c --retry"),
            _ => None,
        };
        match self.0.code {
            "context" => {
                let largest = weight::largest(request);
                let said = self.0.fact.trim_end_matches('.');
                let fact = too_much(request, self.error().model(), then.window);
                self.0.fact = match fact {
                    Some(fact) => format!("{fact} ({said}). Largest parts: {largest}."),
                    None => format!("{said}. Largest parts: {largest}."),
                };
                let shorter = match &then {
                    Then { in_talk: true, .. } => Some("/compact sums up the older turns"),
                    Then { goes_on: true, .. } => Some("--trim oldest"),
                    _ => None,
                };
                let larger = match &then.larger {
                    None => "models and their context windows: parlor models".to_owned(),
                    Some((id, window)) => {
                        let how = if then.in_talk { "/model" } else { "-m" };
                        format!("{how} {id} ({})", short(*window))
                    }
                };
                let ways = shorter.map(str::to_owned).into_iter().chain([larger]);
                let ways: Vec<String> = ways.collect();
                // What the provider advises beside the usual stays.
                let usual = Error::new(self.error().kind(), "");
                match self.0.help.is_empty() && self.error().help() == usual.help() {
                    true => self.first(&ways.join("  ·  ")),
                    false => self.also(ways.join("  ·  ")),
                }
            }
            "interrupted-stream" => {
                let told = match &then {
                    Then { in_talk: true, .. } => Some("say \"Go on\", or /retry"),
                    Then { is_kept: true, .. } => Some("parlor -c --continue"),
                    _ => None,
                };
                if then.is_kept && self.has_text() {
                    let fact = self.0.fact.trim_end_matches('.');
                    self.0.fact = format!("{fact}; the partial answer is saved.");
                }
                match told {
                    Some(told) => self.first(told),
                    None => self,
                }
            }
            "rate-limit" | "overloaded" => {
                let longer = (!then.in_talk).then_some("--retry-for 2m");
                let ways: Vec<&str> = longer.into_iter().chain(again).collect();
                match ways.is_empty() {
                    true => self,
                    false => self.first(&ways.join("  ·  ")),
                }
            }
            "unreachable" | "timeout" | "server" | "quota" => {
                let go_on = "the partial answer is saved: parlor -c --continue";
                let go_on = (then.is_kept && !then.in_talk && self.has_text()).then_some(go_on);
                go_on.into_iter().chain(again).fold(self, Self::also)
            }
            _ => self,
        }
    }

    /// The same in a conversation, where commands stand for options.
    #[must_use]
    pub(crate) fn in_talk(mut self) -> Self {
        if self.0.help.is_empty() {
            self.0.help.push(self.0.error.help().to_owned());
        }
        for line in &mut self.0.help {
            *line = line
                .replace("--force-model", "/model -f MODEL")
                .replace("parlor -m embedded/rules \"…\"", "/model embedded/rules")
                .replace("-m ", "/model ");
        }
        self
    }

    /// Whether something of the answer had come.
    fn has_text(&self) -> bool {
        super::has_text(self.error())
    }

    /// The same with a line of help before all others.
    fn first(mut self, help: &str) -> Self {
        self.0.help.insert(0, help.to_owned());
        self
    }
}

/// How much doesn't fit where, as far as the guess bears that out.
fn too_much(request: &ChatRequest, model: Option<&str>, window: Option<u64>) -> Option<String> {
    let tokens = estimate::input_tokens(request);
    let (model, tokens) = (model?, (window? < tokens).then_some(tokens)?);
    let window = grouped(window?);
    Some(format!(
        "~{} tokens do not fit {model} ({window})",
        grouped(tokens)
    ))
}
