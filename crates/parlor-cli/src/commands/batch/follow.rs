//! A batch on its way: each answer is written as it comes, and its usage counted.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use parlor::agent::{BatchRun, KeptTurn, Stopper, Turn};
use parlor::{ChatResponse, Cost, Error, ErrorKind};
use serde_json::{Map, Value};
use tokio::time::{MissedTickBehavior, interval};

use super::Asking;
use super::answers::Answers;
use super::questions::Question;
use crate::commands::chat;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::escaped;

/// So many answers' usage is counted in one go.
const COUNTED_AT_ONCE: usize = 32;

/// After so many failures in a row that are the host's own, nothing more is asked.
const IN_A_ROW: u32 = 20;

impl Asking<'_> {
    /// Goes on to the end, writes each answer as it comes, and says what came of all.
    pub(super) async fn follow(
        mut self,
        mut run: BatchRun<'static, ChatResponse>,
        stopper: Stopper,
        interrupts: &mut Interrupts,
    ) -> Result<(), Failure> {
        let ended = interrupts.ended();
        let mut interrupted = 0;
        let mut ticks = interval(self.bar.pace());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.bar.show();
        loop {
            tokio::select! {
                biased;
                () = interrupts.next() => {
                    interrupted += 1;
                    stopper.stop();
                    if interrupted > 1 || ended.load(Ordering::Acquire) {
                        break;
                    }
                    if self.elsewhere.is_none() {
                        self.bar.say("stopping: waiting for what is on its way (Ctrl-C again to drop it)");
                    }
                }
                next = run.next() => match next {
                    Some((number, result)) => self.take(number, result, &stopper).await,
                    None => break,
                },
                _ = ticks.tick() => self.count_used().await,
            }
            if let Some(elsewhere) = &self.elsewhere {
                let told = *elsewhere
                    .told
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                self.bar.progress.provider = told.and_then(|it| it.provider);
            }
            self.bar.show();
        }
        if let (None, Some(error)) = (&self.end, run.file_error()) {
            self.end = Some(error.clone().into());
        }
        drop(run);
        self.count_used().await;
        self.finish(interrupted > 0)
    }

    /// Writes what came of a question, and counts what it used.
    async fn take(
        &mut self,
        number: usize,
        result: Result<ChatResponse, Error>,
        stopper: &Stopper,
    ) {
        let index = self.open.get(number).copied();
        let Some((index, question)) = index.and_then(|at| Some((at, self.questions.get(at)?)))
        else {
            return;
        };
        let model = &self.chosen.resolved.model;
        let result = result.and_then(|answer| match chat::unanswered(&answer, model) {
            Some(error) => Err(error),
            None => Ok(answer),
        });
        // What wasn't asked, or is on its way elsewhere, has no line.
        if matches!(&result, Err(error) if error.kind() == ErrorKind::Cancelled) {
            return;
        }
        let answered = match &result {
            Ok(answer) => Some(answer),
            Err(error) => error.partial(),
        };
        if let Some(answer) = answered {
            self.count(answer).await;
        }
        let fields = match &result {
            Ok(answer) => self.output.object(answer).map(|mut fields| {
                if self.is_discounted {
                    fields["cost"] = Value::Null;
                }
                fields
            }),
            Err(error) => {
                let context = self.chosen.context(error.provider(), error.model());
                let failure = match &self.unread {
                    Some(_) => Failure::of_schema(error.clone(), &context),
                    None => Failure::of(error.clone(), &context),
                };
                self.judge(error, stopper);
                Ok(serde_json::json!({ "error": failure.object() }))
            }
        };
        match result.is_ok() {
            true => self.bar.progress.done += 1,
            false => self.bar.progress.failed += 1,
        }
        let added = fields.map_err(|error| Failure::from(std::io::Error::from(error)));
        let added = added.and_then(|fields| {
            let line = line(index, question, fields);
            self.answers.add(index, line, result.is_ok())
        });
        if let Err(failure) = added {
            stopper.stop();
            self.end.get_or_insert(failure);
        }
    }

    /// Ends the batch where what failed would fail for every question.
    fn judge(&mut self, error: &Error, stopper: &Stopper) {
        use ErrorKind::*;
        let is_host = matches!(
            error.kind(),
            Connection | Timeout(_) | Overloaded | RateLimited | Server
        );
        self.in_a_row = if is_host { self.in_a_row + 1 } else { 0 };
        let is_for_all = matches!(
            error.kind(),
            Authentication | Permission | ModelNotFound | QuotaExhausted | Configuration
        );
        if self.end.is_some() || !(is_for_all || self.in_a_row >= IN_A_ROW) {
            return;
        }
        stopper.stop();
        let context = self.chosen.context(error.provider(), error.model());
        self.end = Some(Failure::of(error.clone(), &context).also(match is_for_all {
            true => "the rest would fail likewise and wasn't asked".to_owned(),
            false => format!("{IN_A_ROW} in a row failed, and the rest wasn't asked"),
        }));
    }

    /// Counts what an answer used, in the store too.
    async fn count(&mut self, answer: &ChatResponse) {
        self.in_a_row = 0;
        let entry = self.chosen.resolved.entry.as_ref();
        let price = entry.and_then(|it| it.price.as_ref());
        let price = price.filter(|_| !self.is_discounted && self.chosen.targets().count() == 1);
        let cost: Option<Cost> = price.and_then(|it| it.cost(answer.usage.as_ref()?));
        if let Some(cost) = &cost {
            self.bar.spend(cost);
        }
        if !self.is_counted {
            return;
        }
        let mut turn = Turn::default();
        turn.model = Some(self.chosen.resolved.id());
        turn.usage = answer.usage.clone().unwrap_or_default();
        let mut used = KeptTurn::from(turn);
        used.provider = Some(answer.provider.clone());
        used.cost = cost;
        used.latency = answer.metadata.latency.clone();
        self.used.push(used);
        if self.used.len() >= COUNTED_AT_ONCE {
            self.count_used().await;
        }
    }

    /// Counts in the store what was used since the last time.
    async fn count_used(&mut self) {
        let used = std::mem::take(&mut self.used);
        if used.is_empty() {
            return;
        }
        let counted = match self.shelf.store().await {
            Ok(store) => store.count(&used).await,
            Err(error) => Err(error),
        };
        if let Err(error) = counted {
            self.is_counted = false;
            self.bar
                .say(&format!("warning: what is used isn't counted: {error}"));
        }
    }

    /// Puts the answers in order and says what came of all.
    pub(super) fn finish(mut self, interrupted: bool) -> Result<(), Failure> {
        self.bar.wipe();
        let finished = self.answers.finish();
        let progress = &self.bar.progress;
        let (failed, left, total) = (progress.failed, progress.left(), progress.total);
        self.bar.say(&self.bar.sum());
        if let Some(end) = self.end.take() {
            return Err(end);
        }
        finished?;
        let again = match &self.answers {
            Answers::File(_) => "the same command goes on with the rest",
            Answers::Stdout(_) => "with -o FILE a later run could go on",
        };
        if interrupted {
            let told = match self.elsewhere.is_some() {
                true => "the batch goes on at the provider; the same command fetches its answers",
                false => again,
            };
            self.bar.say(told);
            return Err(Error::new(ErrorKind::Cancelled, "the batch was interrupted").into());
        }
        match failed {
            0 if left > 0 => {
                self.bar
                    .say("handed in; the same command fetches the answers when they are ready");
                Ok(())
            }
            0 => {
                if let Some(elsewhere) = &self.elsewhere {
                    // All that it tells is in the answers.
                    let _ = std::fs::remove_file(&elsewhere.path);
                }
                Ok(())
            }
            failed => {
                let failure = Failure::partly(format!("{failed} of {total} failed"));
                Err(match &self.answers {
                    Answers::File(_) => {
                        failure.help("their lines have `error`; the same command asks them again")
                    }
                    Answers::Stdout(_) => failure.help("their lines have `error`"),
                })
            }
        }
    }
}

/// The line of a question: where it stands, what it is called, and what came of it.
fn line(index: usize, question: &Question, fields: Value) -> String {
    let mut line = Map::new();
    line.insert("index".to_owned(), index.into());
    line.insert("id".to_owned(), question.id.clone().unwrap_or_default());
    if let Value::Object(fields) = fields {
        for (name, value) in fields {
            // `id` is the question's.
            let name = if name == "id" {
                "response_id".to_owned()
            } else {
                name
            };
            line.insert(name, value);
        }
    }
    line.insert("key".to_owned(), question.key.clone().into());
    format!("{}\n", escaped(Value::Object(line).to_string()))
}
