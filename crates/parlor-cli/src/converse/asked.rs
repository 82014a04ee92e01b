//! A question on its way: its answer is words as they come, or a value by a schema.

use parlor::agent::{Extractor, Outcome, Partial, Partials, Reply, Run, RunEvent, Turn};
use parlor::{Cost, FinishKind, OutputSchema, Result, Usage, Warning, estimate};
use serde_json::Value;

/// What comes of a question, until its answer is there.
pub(super) enum Asked<'a> {
    Words(Box<Run<'a>>),
    Value(Partials<'a, Value>),
    Stopped,
}

/// One more of it.
pub(super) enum Step {
    Event(RunEvent),
    /// A value has begun to come.
    Growing,
    /// The whole value, which keeps to its schema.
    Whole(Value, Done),
    Ended(Done),
}

/// What an answer came to.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) usage: Usage,
    pub(super) cost: Option<Cost>,
    /// How often the model was asked.
    pub(super) steps: u32,
    /// About how many tokens came.
    pub(super) came: u64,
    /// What of the request the model can't do as it was said.
    pub(super) warnings: Vec<Warning>,
    /// Why the model said no more.
    pub(super) finish: Option<FinishKind>,
}

impl<'a> Asked<'a> {
    pub(super) fn words(run: Run<'a>) -> Self {
        Self::Words(Box::new(run))
    }

    /// What comes next; `None` once it is over. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Step>> {
        Some(match self {
            Self::Words(run) => run.next().await?.map(|event| match event {
                RunEvent::Finished(reply) => Step::Ended((*reply).into()),
                event => Step::Event(event),
            }),
            Self::Value(value) => value.next().await?.map(|partial| match partial {
                Partial::Whole(extracted) => {
                    let done = Done {
                        outcome: Outcome::Finished,
                        usage: extracted.usage,
                        cost: None,
                        steps: extracted.attempts,
                        came: estimate::text_tokens(&extracted.value.to_string()),
                        warnings: extracted.response.warnings,
                        finish: None,
                    };
                    Step::Whole(extracted.value, done)
                }
                _ => Step::Growing,
            }),
            Self::Stopped => return None,
        })
    }

    /// The turn with what has come; `None` for a value, which is all or nothing.
    pub(super) fn so_far(&self) -> Option<Turn> {
        match self {
            Self::Words(run) => Some(run.so_far()),
            Self::Value(_) | Self::Stopped => None,
        }
    }

    /// Asks for no more; what came is the turn's.
    pub(super) fn stop(&mut self) -> Done {
        match std::mem::replace(self, Self::Stopped) {
            Self::Words(run) => run.stop().into(),
            // Dropping it stops the turn.
            Self::Value(_) | Self::Stopped => Done {
                outcome: Outcome::Stopped,
                usage: Usage::default(),
                cost: None,
                steps: 0,
                came: 0,
                warnings: Vec::new(),
                finish: None,
            },
        }
    }
}

impl Done {
    /// What a person should know of an answer that came to its end.
    pub(super) fn amounts_to(&self) -> Option<&'static str> {
        match self.finish? {
            FinishKind::Length => Some(
                "warning: the answer was cut at the token limit; say \"Go on\", or /set max_tokens",
            ),
            FinishKind::ContentFilter => {
                Some("warning: a filter withheld the answer, or a part of it")
            }
            FinishKind::Refusal => Some("The model refused: ask in another way, or another model."),
            FinishKind::Error => {
                Some("warning: the provider failed in the middle; /retry asks again")
            }
            _ => None,
        }
    }
}

impl From<Reply> for Done {
    fn from(reply: Reply) -> Self {
        Self {
            came: estimate::whole(estimate::answer_weight(&reply.response)),
            finish: reply.response.finish_reason().map(|reason| reason.kind),
            warnings: reply.response.warnings,
            outcome: reply.outcome,
            usage: reply.usage,
            cost: reply.cost,
            steps: reply.steps,
        }
    }
}

/// How to ask for a value of this shape.
pub(super) fn extractor(shape: &OutputSchema) -> Extractor<Value> {
    Extractor::new().with_schema(shape.clone())
}
