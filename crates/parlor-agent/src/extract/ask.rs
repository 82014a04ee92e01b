//! One extraction: ask, weigh the answer, and have it corrected.

use super::Extracted;
use super::growing::Outlet;
use super::judge::{Verdict, judge, unfinished};
use super::strategy::{Shaped, Shaper};
use crate::conversation::Conversation;
use crate::history::History;
use crate::reply::Reply;
use crate::run::RunEvent;
use parlor_core::{ChatModel, ChatRequest, ChatResponse, Message, Result, Role, Usage};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One extraction.
pub(crate) struct Job {
    pub(crate) shaper: Arc<Shaper>,
    pub(crate) retries: u32,
}

/// What was asked so far.
#[derive(Default)]
struct Tally {
    usage: Usage,
    attempts: u32,
}

impl Job {
    pub(crate) async fn ask<M: ChatModel + ?Sized, T: DeserializeOwned>(
        &self,
        model: &M,
        mut request: ChatRequest,
        outlet: Option<Outlet<'_>>,
    ) -> Result<Extracted<T>> {
        let mut tally = Tally::default();
        loop {
            let response = match &outlet {
                None => self.shaper.chat(model, &request).await?,
                Some(outlet) => {
                    let mut hearing = outlet.hearing(self.wrapped());
                    let mut stream = self.shaper.stream(model, &request).await?;
                    while let Some(event) = stream.next().await {
                        hearing.hear(&event?).await;
                    }
                    stream.stop()
                }
            };
            if let Some(usage) = &response.usage {
                tally.usage.add(usage);
            }
            let mut answer = response.message().cloned();
            match self.weigh(&mut tally, response)? {
                Ok(extracted) => return Ok(extracted),
                Err(correction) => {
                    answer.iter_mut().for_each(|it| self.shaper.settle(it));
                    let answer = answer.filter(|it| !it.parts.is_empty());
                    request.messages.extend(answer);
                    request.messages.push(correction);
                }
            }
        }
    }

    pub(crate) async fn ask_in<T: DeserializeOwned>(
        &self,
        conversation: &mut Conversation,
        mut message: ChatRequest,
        outlet: Option<Outlet<'_>>,
    ) -> Result<Extracted<T>> {
        let mut tally = Tally::default();
        let mut loan = Loan::new(conversation, self.shaper.clone());
        // What the message sets holds for its corrections too.
        let mut settings = message.clone();
        settings.messages.clear();
        loop {
            let mut run = loan.conversation.stream(message)?;
            let reply = match &outlet {
                None => run.finish().await?,
                Some(outlet) => {
                    let mut hearing = outlet.hearing(self.wrapped());
                    while let Some(event) = run.next().await {
                        match event? {
                            RunEvent::StepStarted(_) => hearing = outlet.hearing(self.wrapped()),
                            RunEvent::Model(event) => hearing.hear(&event).await,
                            _ => {}
                        }
                    }
                    run.finish().await?
                }
            };
            loan.settle();
            tally.usage.add(&reply.usage);
            let Reply {
                outcome, response, ..
            } = reply;
            unfinished(outcome, &response, &tally.usage)?;
            match self.weigh(&mut tally, response)? {
                Ok(extracted) => return Ok(extracted),
                Err(correction) => {
                    loan.correction = Some(correction.clone());
                    message = settings.clone();
                    message.messages.push(correction);
                }
            }
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, response: ChatResponse) -> Result<Extracted<T>> {
        let usage = response.usage.clone().unwrap_or_default();
        match judge(&response, &self.shaper.shape) {
            Ok(value) => Ok(Extracted {
                value,
                response,
                usage,
                attempts: 1,
            }),
            Err(verdict) => Err(verdict.into_error(response, &usage)),
        }
    }

    fn wrapped(&self) -> bool {
        self.shaper.shape.wrapped
    }

    /// The value of an answer, or what to tell the model.
    fn weigh<T: DeserializeOwned>(
        &self,
        tally: &mut Tally,
        response: ChatResponse,
    ) -> Result<std::result::Result<Extracted<T>, Message>> {
        tally.attempts += 1;
        match judge(&response, &self.shaper.shape) {
            Ok(value) => Ok(Ok(Extracted {
                value,
                response,
                usage: tally.usage.clone(),
                attempts: tally.attempts,
            })),
            Err(Verdict::Wrong(why)) if tally.attempts <= self.retries => {
                Ok(Err(Message::user(format!(
                    "That answer can't be used: {why}. Give the whole answer again, corrected, \
                     in the same form."
                ))))
            }
            Err(verdict) => Err(verdict.into_error(response, &tally.usage)),
        }
    }
}

/// A conversation whose model answers in a shape as long as this lives.
struct Loan<'a> {
    conversation: &'a mut Conversation,
    model: Arc<dyn ChatModel>,
    shaper: Arc<Shaper>,
    /// What the model was told in a turn of its own.
    correction: Option<Message>,
}

impl<'a> Loan<'a> {
    fn new(conversation: &'a mut Conversation, shaper: Arc<Shaper>) -> Self {
        let model = conversation.model().clone();
        let shaped = Shaped {
            inner: model.clone(),
            shaper: shaper.clone(),
        };
        conversation.set_model(Arc::new(shaped));
        Self {
            conversation,
            model,
            shaper,
            correction: None,
        }
    }

    /// Makes one turn of the one that was wrong and the one that corrects it,
    /// fit to be sent again.
    fn settle(&mut self) {
        let history = self.conversation.history_mut();
        if let Some(correction) = self.correction.take() {
            join(history, &correction);
        }
        if self.shaper.has_called()
            && let Some(mut turn) = history.undo()
        {
            let answer = turn.messages.last_mut();
            answer.into_iter().for_each(|it| self.shaper.settle(it));
            history.push(turn);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.settle();
        self.conversation.set_model(self.model.clone());
    }
}

fn join(history: &mut History, correction: &Message) {
    let last = history.turns().last();
    if last.and_then(|turn| turn.messages.first()) != Some(correction) {
        return;
    }
    let (Some(mut corrected), Some(mut turn)) = (history.undo(), history.undo()) else {
        return;
    };
    let answered = corrected
        .messages
        .iter()
        .any(|it| it.role == Role::Assistant);
    if answered {
        turn.messages.pop_if(|it| it.role == Role::Assistant);
        turn.messages.extend(corrected.messages.drain(1..));
        turn.state = corrected.state;
        turn.model = corrected.model;
    }
    turn.usage.add(&corrected.usage);
    history.push(turn);
}
