//! One turn: asked, shown as it comes, stopped by Ctrl-C, kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use parlor::agent::{Conversation, Outcome, RunEvent};
use parlor::{ChatRequest, Error, Event, Message, OutputSchema};
use tokio::sync::mpsc::UnboundedReceiver;

use super::Session;
use super::asked::{Asked, Done, Step, extractor};
use super::status::Figures;
use super::view::{FRAME, View};
use crate::failure::{Failure, Then};
use crate::interrupt::Interrupts;
use crate::keeper::{self, Growing, Keeper};
use crate::terminal::{Hush, Terminal};
use crate::tools::{self, Answer, Calls, Interruption, Question, shown_name};
use crate::weight;

/// How a turn ended.
struct Ended {
    result: Result<Done, Error>,
    first: Option<Duration>,
    /// How long it waited for a person's word on calls.
    waited: Duration,
    /// Why the question couldn't be kept.
    unkept: Option<Error>,
}

impl Session {
    /// Asks what was entered, and shows the answer: in words, or as `/schema` said.
    pub(super) fn ask(&mut self, question: Vec<Message>) -> Result<(), Failure> {
        let shape = self.schema.clone();
        self.ask_for(question, shape.as_ref())?;
        self.schema = None;
        Ok(())
    }

    /// The same, with an answer in this shape.
    pub(super) fn ask_for(
        &mut self,
        question: Vec<Message>,
        shape: Option<&OutputSchema>,
    ) -> Result<(), Failure> {
        let asked = question.clone();
        let before = self.chat.history().turns().len();
        self.turn(Some(asked), before, shape, |chat| {
            let mut request = ChatRequest::default();
            request.messages = question;
            begin(chat, request, shape)
        })
    }

    /// Asks the last question again.
    pub(super) fn ask_again(&mut self) -> Result<(), Failure> {
        let turns = self.chat.history().turns();
        let Some(last) = turns.last() else {
            self.say("Nothing was asked yet.");
            return Ok(());
        };
        let question = keeper::question(last);
        let before = turns.len() - 1;
        self.keep(|session| session.runtime.block_on(session.keeper.rewind(before)));
        if self.schema.is_some() {
            self.chat.history_mut().undo();
            return self.ask(question);
        }
        self.turn(Some(question), before, None, |chat| {
            chat.regenerate().map(Asked::words)
        })
    }

    /// Puts calls that wait since an earlier run to the person again.
    pub(super) fn offer_pending(&mut self) -> Result<(), Failure> {
        let calls = self.chat.pending_calls();
        let names: Vec<String> = calls.iter().map(|it| shown_name(&it.name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        self.say(&format!("{} still waits for you.", names.join(", ")));
        for name in names {
            self.kit.turn(&name, true)?;
        }
        let before = self.chat.history().turns().len().saturating_sub(1);
        self.turn(None, before, None, |chat| chat.resume().map(Asked::words))
    }

    /// One turn after so many others; one without a question goes on with the last.
    fn turn(
        &mut self,
        question: Option<Vec<Message>>,
        before: usize,
        shape: Option<&OutputSchema>,
        begin: impl for<'a> FnOnce(&'a mut Conversation) -> parlor::Result<Asked<'a>>,
    ) -> Result<(), Failure> {
        if !self.ready_tools() {
            return Ok(());
        }
        let may_show = self.terminal.stdin && !self.terminal.dumb;
        let _hush = may_show.then(Hush::begin);
        let began = Instant::now();
        let system = self.chat.history().system().map(str::to_owned);
        let mut view = View::new(&self.terminal, self.thoughts);
        if view.looks().colours && !self.warmed {
            self.warmed = true;
            std::thread::spawn(crate::markdown::warm_up);
        }
        self.overhear(shape.is_some());
        let notices = self.notices.clone();
        let price = self.chat.model().info().price.clone();
        let mut sent = parlor::ChatRequest::default();
        sent.messages = self.chat.history().fork(before).compacted();
        sent.messages.extend(question.iter().flatten().cloned());
        let asked = begin(&mut self.chat)?;
        let keeper = &mut self.keeper;
        let instance = &self.chosen.resolved.config.instance;
        let growing = keeper.growing(instance, question.is_some());
        let keeping = async {
            match &question {
                Some(question) => keeper.begin(system.as_deref(), question).await,
                None => Ok(()),
            }
        };
        let asking = Asking {
            questions: &mut self.questions,
            terminal: &self.terminal,
        };
        let ended = self.runtime.block_on(answer(
            asked,
            keeping,
            growing,
            &mut view,
            &mut self.interrupts,
            asking,
            || notices.take(),
        ));
        // What came is kept first, whether it can be shown or not.
        let shown = view.end();
        let first = ended.first;
        let total = began.elapsed().saturating_sub(ended.waited);
        if let Some(error) = ended.unkept {
            self.cannot_keep(&error);
        }
        let mut result = ended.result;
        if let (Ok(done), Some(_)) = (&mut result, shape) {
            done.cost = price.as_ref().and_then(|it| it.cost(&done.usage));
        }
        let reply = result.as_ref().ok();
        if let Some(reply) = reply {
            let is_guess = reply.usage.total_tokens().is_none();
            let (usage, cost) = match is_guess {
                false => (reply.usage.clone(), reply.cost.clone()),
                true => {
                    let usage = weight::guess(&sent, reply.came, &reply.usage);
                    let cost = price.as_ref().and_then(|price| price.cost(&usage));
                    (usage, cost)
                }
            };
            let figures = Figures {
                model: self.chosen.resolved.id(),
                usage,
                cost,
                first,
                total,
                window: self.context_window(),
                is_guess,
            };
            match reply.outcome {
                Outcome::Stopped => self.say("[interrupted]"),
                Outcome::StepLimit => {
                    let steps = self.kit.steps();
                    self.say(&format!(
                        "It still called tools after {steps} steps (--max-steps allows more)."
                    ));
                }
                _ => {}
            }
            self.tell(&figures.line());
            for warning in &reply.warnings {
                let told = format!("warning: {}: {}", warning.setting, warning.message);
                if !self.warned.contains(&told) {
                    self.say(&told);
                    self.warned.push(told);
                }
            }
            // A turn with tools sent more than one request.
            let cut = weight::cut(&sent, &reply.usage).filter(|_| reply.steps == 1);
            if let Some(cut) = cut.filter(|_| !self.told_cut) {
                self.told_cut = true;
                self.say(&cut);
            }
            self.figures = Some(figures);
        }
        let kept = self.chat.history().turns().get(before);
        if let Some(turn) = kept {
            let instance = &self.chosen.resolved.config.instance;
            let cost = reply.and_then(|reply| reply.cost.clone());
            let mut kept = keeper::kept(turn, instance, cost);
            kept.latency.first_event_ms = first.and_then(|it| u64::try_from(it.as_millis()).ok());
            kept.latency.total_ms = u64::try_from(total.as_millis()).ok();
            self.keep(|session| session.runtime.block_on(session.keeper.write(&kept)));
        }
        shown?;
        match result {
            Ok(_) => Ok(()),
            Err(error) => {
                let instead = self.chosen.instead(&self.registry, &error, &sent);
                let instead = self.runtime.block_on(instead);
                let context = self.chosen.context(error.provider(), error.model());
                let context = context.with_installed(instead.installed);
                let then = Then {
                    in_talk: true,
                    is_kept: self.keeps,
                    goes_on: before > 0,
                    window: self.context_window(),
                    larger: instead.larger,
                };
                let failure = match shape {
                    Some(_) => Failure::of_schema(error, &context)
                        .help("or have the next answer in words: /schema off"),
                    None => Failure::of(error, &context),
                };
                Err(failure.then(then, &sent))
            }
        }
    }
}

/// Where calls come to a person.
struct Asking<'a> {
    questions: &'a mut UnboundedReceiver<Question>,
    terminal: &'a Terminal,
}

async fn answer(
    mut asked: Asked<'_>,
    keeping: impl Future<Output = parlor::Result<()>>,
    mut growing: Growing,
    view: &mut View,
    interrupts: &mut Interrupts,
    asking: Asking<'_>,
    notices: impl Fn() -> Vec<String>,
) -> Ended {
    let began = Instant::now();
    let mut first = None;
    let mut keeping = std::pin::pin!(keeping);
    let mut unkept = None;
    let mut waited = Duration::ZERO;
    let mut is_kept = false;
    // The program was told to end while a person was asked: the call waits on.
    let mut is_over = false;
    interrupts.busy();
    let is_ended = interrupts.ended();
    let result = loop {
        let event = tokio::select! {
            biased;
            () = interrupts.next(), if !is_over => break Ok(asked.stop()),
            Some(question) = asking.questions.recv() => {
                let paused = view.pause();
                let since = Instant::now();
                let answer = tools::ask(&question, asking.terminal, || {
                    match paused.is_err() || is_ended.load(Ordering::Acquire) {
                        true => Interruption::End,
                        false => Interruption::None,
                    }
                });
                waited += since.elapsed();
                is_over = answer == Answer::Later;
                question.answer(answer);
                if answer == Answer::Stop {
                    break Ok(asked.stop());
                }
                continue;
            }
            () = growing.due() => {
                if let Some(turn) = asked.so_far() {
                    growing.keep(&turn);
                }
                continue;
            }
            event = asked.next() => event,
            kept = &mut keeping, if !is_kept => {
                is_kept = true;
                unkept = kept.err();
                continue;
            }
            () = tokio::time::sleep(FRAME) => {
                if view.tick().is_err() {
                    break Ok(asked.stop());
                }
                continue;
            }
        };
        let shown = notices()
            .into_iter()
            .try_for_each(|notice| view.note(&notice));
        let event = match event {
            Some(Ok(Step::Ended(done))) => break Ok(done),
            Some(Ok(Step::Whole(value, done))) => {
                // What can't be shown is told of at the view's end.
                let _ = shown.and_then(|()| view.value(&value));
                break Ok(done);
            }
            Some(Ok(Step::Growing)) => {
                first.get_or_insert_with(|| began.elapsed());
                continue;
            }
            Some(Ok(Step::Event(event))) => event,
            Some(Err(error)) => break Err(error),
            // A run tells its end before it is over.
            None => break Ok(asked.stop()),
        };
        if let RunEvent::Model(event) = &event {
            growing.came(event);
            if first.is_none() && !matches!(event, Event::Started { .. }) {
                first = Some(began.elapsed());
            }
        }
        if shown.and_then(|()| view.event(&event)).is_err() {
            break Ok(asked.stop());
        }
    };
    if !is_kept {
        unkept = keeping.await.err();
    }
    growing.rest().await;
    Ended {
        result,
        first,
        waited,
        unkept,
    }
}

/// Asks in words, or for a value of this shape.
fn begin<'a>(
    chat: &'a mut Conversation,
    request: ChatRequest,
    shape: Option<&OutputSchema>,
) -> parlor::Result<Asked<'a>> {
    Ok(match shape {
        Some(shape) => Asked::Value(extractor(shape).stream_in(chat, request)),
        None => Asked::words(chat.stream(request)?),
    })
}

impl Session {
    /// Tells of tools, or not: a value comes without the events that tell of them.
    fn overhear(&mut self, on: bool) {
        if self.overheard.is_none() && on && !self.terminal.quiet {
            let wanted = Arc::new(AtomicBool::new(false));
            self.overheard = Some(Arc::clone(&wanted));
            let (notices, calls) = (self.notices.clone(), Mutex::<Calls>::default());
            let empty = Conversation::shared(self.chat.model().clone());
            let chat = std::mem::replace(&mut self.chat, empty);
            self.chat = chat.on_event(move |event| {
                if wanted.load(Ordering::Acquire) {
                    let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
                    calls.line(event).into_iter().for_each(|it| notices.add(it));
                }
            });
        }
        if let Some(wanted) = &self.overheard {
            wanted.store(on, Ordering::Release);
        }
    }

    /// Does something with the store; a failure is said, once.
    pub(super) fn keep(&mut self, act: impl FnOnce(&mut Self) -> parlor::Result<()>) {
        if let Err(error) = act(self) {
            self.cannot_keep(&error);
        }
    }

    fn cannot_keep(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.unkept, true) {
            self.say(&keeper::unkept(error));
        }
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }
}
