//! An answer as it comes: shown, kept as it grows, and stopped.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use parlor::agent::RunEvent;
use parlor::{Error, Event};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::Notices;
use super::ahead::Ahead;
use super::asked::{Asked, Done, Step};
use super::view::{FRAME, View};
use crate::interrupt::Interrupts;
use crate::keeper::{Growing, Keeper};
use crate::terminal::Terminal;
use crate::tools::{self, Interruption, Question};

/// A question whose answer comes.
pub(super) struct Answer<'a> {
    asked: Asked<'a>,
    pub(super) view: View,
    /// The question as it is being kept, until it is.
    keeping: Option<Keeping>,
    growing: Growing,
    notices: Notices,
    terminal: Terminal,
    began: Instant,
    /// When the first of it came.
    pub(super) first: Option<Duration>,
    /// How long it waited for a person's word on calls.
    pub(super) waited: Duration,
    /// Whether the program was told to end while a person was asked: the call waits on.
    is_over: bool,
    /// When what moves by itself is painted, and what is typed is looked for.
    frames: Option<Interval>,
}

/// A keeper at work, and what came of it.
pub(super) type Keeping = BoxFuture<'static, (Keeper, parlor::Result<()>)>;

/// What a person has to do with an answer while it comes.
pub(super) struct Person<'a> {
    pub(super) interrupts: &'a mut Interrupts,
    /// Calls that they are to be asked about.
    pub(super) questions: &'a mut UnboundedReceiver<Question>,
    /// What they type, where that is read before the answer's end.
    pub(super) ahead: Option<&'a mut Ahead>,
}

/// What comes of an answer beside what is shown.
pub(super) enum Came {
    /// The question is kept, or can't be.
    Kept(Keeper, parlor::Result<()>),
    /// A command was entered; the answer goes on when it is polled again.
    Entered(String),
    /// Nothing more.
    Ended(Result<Done, Error>),
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        asked: Asked<'a>,
        view: View,
        keeping: Keeping,
        growing: Growing,
        notices: Notices,
        terminal: Terminal,
    ) -> Self {
        Self {
            asked,
            view,
            keeping: Some(keeping),
            growing,
            notices,
            terminal,
            began: Instant::now(),
            first: None,
            waited: Duration::ZERO,
            is_over: false,
            frames: None,
        }
    }

    /// Shows what comes, until there is something else to be done.
    pub(super) async fn next(&mut self, mut person: Person<'_>) -> Came {
        let is_ended = person.interrupts.ended();
        let frames = self.frames.get_or_insert_with(frames);
        loop {
            // Commands tell how the conversation is kept.
            if self.keeping.is_none()
                && let Some(ahead) = &mut person.ahead
                && let Some(line) = ahead.command()
            {
                self.view.typed(ahead.text());
                return Came::Entered(line);
            }
            let event = tokio::select! {
                biased;
                () = person.interrupts.next(), if !self.is_over => break,
                Some(question) = person.questions.recv() => {
                    // What was typed by now is no answer, nor is it lost.
                    if let Some(ahead) = &mut person.ahead {
                        ahead.look();
                    }
                    let paused = self.view.pause();
                    let since = Instant::now();
                    let answer = tools::ask(&question, &self.terminal, || {
                        match paused.is_err() || is_ended.load(Ordering::Acquire) {
                            true => Interruption::End,
                            false => Interruption::None,
                        }
                    });
                    self.waited += since.elapsed();
                    self.is_over = answer == tools::Answer::Later;
                    question.answer(answer);
                    if answer == tools::Answer::Stop {
                        break;
                    }
                    continue;
                }
                _ = frames.tick() => {
                    if let Some(ahead) = &mut person.ahead {
                        ahead.look();
                        self.view.typed(ahead.text());
                    }
                    // Why nothing comes yet is told while a person waits.
                    let told = noted(&self.notices, &mut self.view);
                    if told.and_then(|()| self.view.tick()).is_err() {
                        break;
                    }
                    continue;
                }
                () = self.growing.due() => {
                    if let Some(turn) = self.asked.so_far() {
                        self.growing.keep(&turn);
                    }
                    continue;
                }
                // The request goes out first; then there is time for the store.
                event = self.asked.next() => event,
                (keeper, kept) = kept(&mut self.keeping) => return Came::Kept(keeper, kept),
            };
            let shown = noted(&self.notices, &mut self.view);
            let event = match event {
                Some(Ok(Step::Ended(done))) => return Came::Ended(Ok(done)),
                Some(Ok(Step::Whole(value, done))) => {
                    // What can't be shown is told of at the view's end.
                    let _ = shown.and_then(|()| self.view.value(&value));
                    return Came::Ended(Ok(done));
                }
                Some(Ok(Step::Growing)) => {
                    self.first.get_or_insert_with(|| self.began.elapsed());
                    continue;
                }
                Some(Ok(Step::Event(event))) => event,
                Some(Err(error)) => return Came::Ended(Err(error)),
                // A run tells its end before it is over.
                None => break,
            };
            if let RunEvent::Model(event) = &event {
                self.growing.came(event);
                if self.first.is_none() && !matches!(event, Event::Started { .. }) {
                    self.first = Some(self.began.elapsed());
                }
            }
            if shown.and_then(|()| self.view.event(&event)).is_err() {
                break;
            }
        }
        Came::Ended(Ok(self.asked.stop()))
    }

    /// Asks for no more; what came is the turn's.
    pub(super) fn stop(&mut self) -> Done {
        self.asked.stop()
    }

    /// Waits until nothing is being kept any more; a question that wasn't kept by
    /// then is now.
    pub(super) async fn rest(&mut self) -> Option<(Keeper, parlor::Result<()>)> {
        let kept = match self.keeping.take() {
            Some(keeping) => Some(keeping.await),
            None => None,
        };
        self.growing.rest().await;
        kept
    }
}

/// Says what there is to be said.
fn noted(notices: &Notices, view: &mut View) -> std::io::Result<()> {
    notices.take().iter().try_for_each(|it| view.note(it))
}

/// The keeper, once it has done its work. Dropping the future loses nothing.
async fn kept(keeping: &mut Option<Keeping>) -> (Keeper, parlor::Result<()>) {
    let Some(working) = keeping else {
        return std::future::pending().await;
    };
    let done = working.await;
    *keeping = None;
    done
}

fn frames() -> Interval {
    let mut frames = interval_at(tokio::time::Instant::now() + FRAME, FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    frames
}
