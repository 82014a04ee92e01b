//! One turn: asked, shown as it comes, stopped by Ctrl-C, kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use parlor::agent::{Conversation, Outcome};
use parlor::{ChatRequest, Error, Message, OutputSchema};

use super::answer::{Answer, Came, Person};
use super::asked::{Asked, Done, extractor};
use super::status::Figures;
use super::view::View;
use super::{Flow, Session};
use crate::failure::{Failure, Then};
use crate::keeper::{self, Keeper};
use crate::terminal::Hush;
use crate::tools::{Calls, shown_name};
use crate::weight;

/// How a turn ended.
struct Ended {
    result: Result<Done, Error>,
    first: Option<Duration>,
    /// How long it waited for a person's word on calls.
    waited: Duration,
    /// Why the question couldn't be kept.
    unkept: Option<Error>,
    /// Whether it could be shown to the end.
    shown: std::io::Result<()>,
}

impl Session {
    /// Asks what was entered, and shows the answer: in words, or as `/schema` said.
    pub(super) fn ask(&mut self, question: Vec<Message>) -> Result<(), Failure> {
        self.ready_tools()?;
        self.ask_now(question)
    }

    /// The same, once tools are ready.
    pub(super) fn ask_now(&mut self, question: Vec<Message>) -> Result<(), Failure> {
        let shape = self.schema.clone();
        self.ask_in(question, shape.as_ref())?;
        self.schema = None;
        Ok(())
    }

    /// The same, with an answer in this shape.
    pub(super) fn ask_for(
        &mut self,
        question: Vec<Message>,
        shape: Option<&OutputSchema>,
    ) -> Result<(), Failure> {
        self.ready_tools()?;
        self.ask_in(question, shape)
    }

    fn ask_in(
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
        self.ready_tools()?;
        self.rewind(before);
        if self.schema.is_some() {
            self.chat.history_mut().undo();
            return self.ask_now(question);
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
        self.ready_tools()?;
        let before = self.chat.history().turns().len().saturating_sub(1);
        self.turn(None, before, None, |chat| chat.resume().map(Asked::words))
    }

    /// One turn after so many others, with tools that are ready; one without a question
    /// goes on with the last.
    fn turn(
        &mut self,
        question: Option<Vec<Message>>,
        before: usize,
        shape: Option<&OutputSchema>,
        begin: impl for<'a> FnOnce(&'a mut Conversation) -> parlor::Result<Asked<'a>>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let view = View::new(&self.terminal, self.thoughts || self.thinks);
        // Where what is typed can be shown, commands may be entered meanwhile.
        let by_keys = cfg!(unix) && self.takes_keys && view.is_live();
        let may_show = self.terminal.stdin && !self.terminal.dumb;
        let _hush = may_show.then(|| match by_keys {
            true => Hush::by_keys(),
            false => Hush::begin(),
        });
        if view.looks().colours && !self.warmed {
            self.warmed = true;
            std::thread::spawn(crate::markdown::warm_up);
        }
        self.overhear(shape.is_some());
        // What answers now, whatever is chosen meanwhile.
        let chosen = Arc::clone(&self.chosen);
        let window = self.context_window();
        let price = self.chat.model().info().price.clone();
        let aside = self.chat.fork(before);
        let asked = question.clone();
        let mut sent = parlor::ChatRequest::default();
        sent.messages = aside.history().compacted();
        sent.messages.extend(question.iter().flatten().cloned());
        // Commands see what was said before, and change what is asked next.
        let mut chat = std::mem::replace(&mut self.chat, aside);
        let ended = begin(&mut chat).map(|asked| self.follow(asked, view, question, by_keys));
        std::mem::swap(chat.request_mut(), self.chat.request_mut());
        chat.set_model(Arc::clone(self.chat.model()));
        self.chat = chat;
        // What came between the last look and a stop is of no question any more.
        self.notices.take();
        let ended = ended?;
        if let Some(asked) = asked.filter(|_| self.chat.history().turns().len() == before) {
            self.nothing_came(asked, ended.result.as_ref().err(), &chosen);
        }
        let answered = self.chat.history().turns().get(before);
        let answered = chosen.of_id(answered.and_then(|turn| turn.model.as_deref()));
        let first = ended.first;
        let total = began.elapsed().saturating_sub(ended.waited);
        let mut result = ended.result;
        if let (Ok(done), Some(_)) = (&mut result, shape) {
            // Behind a route each has a price of its own.
            let price = match chosen.targets().nth(1) {
                None => price.as_ref(),
                Some(_) => answered.config.price.as_ref(),
            };
            done.cost = price.and_then(|it| it.cost(&done.usage));
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
                model: answered.id(),
                usage,
                cost,
                first,
                total,
                window,
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
                Outcome::Finished => {
                    reply.amounts_to().into_iter().for_each(|it| self.say(it));
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
            let instance = &answered.config.instance;
            let cost = reply.and_then(|reply| reply.cost.clone());
            let mut kept = keeper::kept(turn, instance, cost);
            kept.latency.first_event_ms = first.and_then(|it| u64::try_from(it.as_millis()).ok());
            kept.latency.total_ms = u64::try_from(total.as_millis()).ok();
            self.keep(|session| {
                let system = session.chat.history().system();
                let written = session.keeper.write(system, &kept);
                session.runtime.block_on(written)
            });
        } else if let Some(error) = ended.unkept {
            self.cannot_keep(&error);
        }
        ended.shown?;
        match result {
            Ok(_) => Ok(()),
            Err(error) => {
                let instead = chosen.instead(&self.registry, &error, &sent);
                let instead = self.runtime.block_on(instead);
                let context = chosen.context(error.provider(), error.model());
                let context = context.with_installed(instead.installed);
                let then = Then {
                    in_talk: true,
                    is_kept: self.keeps,
                    goes_on: before > 0,
                    window,
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

    /// Shows an answer to its end, and does meanwhile what is entered.
    fn follow(
        &mut self,
        asked: Asked<'_>,
        view: View,
        question: Option<Vec<Message>>,
        by_keys: bool,
    ) -> Ended {
        let instance = &self.chosen.resolved.config.instance;
        let growing = self.keeper.growing(instance, question.is_some());
        let mut keeper = self.keeper.clone();
        let system = self.chat.history().system().map(str::to_owned);
        let keeping = Box::pin(async move {
            let kept = match question {
                Some(question) => keeper.begin(system.as_deref(), &question).await,
                None => Ok(()),
            };
            (keeper, kept)
        });
        let notices = self.notices.clone();
        let mut answer = Answer::new(asked, view, keeping, growing, notices, self.terminal);
        let mut unkept = None;
        self.interrupts.busy();
        let result = loop {
            let person = Person {
                interrupts: &mut self.interrupts,
                questions: &mut self.questions,
                ahead: by_keys.then_some(&mut self.ahead),
            };
            match self.runtime.block_on(answer.next(person)) {
                Came::Kept(keeper, kept) => {
                    self.keeper = keeper;
                    unkept = kept.err();
                }
                Came::Entered(line) => {
                    let done = answer.view.lift().map_err(Failure::from);
                    let done = done.and_then(|()| self.slash_meanwhile(&line));
                    if !matches!(self.report(done), Ok(Flow::Go)) {
                        self.leaves = true;
                        break Ok(answer.stop());
                    }
                }
                Came::Ended(result) => break result,
            }
        };
        if let Some((keeper, kept)) = self.runtime.block_on(answer.rest()) {
            self.keeper = keeper;
            unkept = kept.err();
        }
        Ended {
            result,
            first: answer.first,
            waited: answer.waited,
            unkept,
            // What came is kept first, whether it can be shown or not.
            shown: answer.view.end(),
        }
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

    /// Does something with the store; a failure is said, once until it works again.
    pub(super) fn keep(&mut self, act: impl FnOnce(&mut Self) -> parlor::Result<()>) {
        match act(self) {
            Ok(()) => self.unkept = false,
            Err(error) => self.cannot_keep(&error),
        }
    }

    /// Has what is kept go back to so many turns.
    pub(super) fn rewind(&mut self, turns: usize) {
        self.keep(|session| {
            let summary = session.chat.history().summary();
            let rewound = session.keeper.rewind(turns, summary);
            session.runtime.block_on(rewound)
        });
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
