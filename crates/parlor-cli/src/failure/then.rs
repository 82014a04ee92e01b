//! What a person can do next, by where the failure is told and what is kept.

use parlor::ChatRequest;

use super::Failure;
use crate::converse::grouped;
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
                self.0.fact = format!("{}. Largest parts: {largest} tokens.", self.0.fact);
                let shorter = match &then {
                    Then { in_talk: true, .. } => Some("/compact sums up the older turns"),
                    Then { goes_on: true, .. } => Some("leave out the oldest turns: --trim oldest"),
                    _ => None,
                };
                let larger = match &then.larger {
                    None => "models and their context windows: parlor models".to_owned(),
                    Some((id, window)) => {
                        let how = if then.in_talk { "/model" } else { "-m" };
                        format!("one that holds {} tokens: {how} {id}", grouped(*window))
                    }
                };
                let shorter = shorter.map(str::to_owned);
                shorter.into_iter().chain([larger]).fold(self, Self::also)
            }
            "interrupted-stream" => {
                let told = match &then {
                    Then { in_talk: true, .. } => {
                        Some("what came is kept: say \"Go on\", or /retry")
                    }
                    Then { is_kept: true, .. } => {
                        Some("what came is saved: parlor -c \"Go on\", or parlor -c --retry")
                    }
                    _ => None,
                };
                told.into_iter().fold(self, Self::also)
            }
            "rate-limit" | "overloaded" => {
                let longer = (!then.in_talk).then_some("try for longer: --retry-for 2m");
                longer.into_iter().chain(again).fold(self, Self::also)
            }
            "unreachable" | "timeout" | "server" | "quota" => {
                again.into_iter().fold(self, Self::also)
            }
            _ => self,
        }
    }
}
