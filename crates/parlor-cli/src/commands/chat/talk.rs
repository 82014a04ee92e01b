//! A question whose answer may call tools: they run, and the model is asked again.

use std::sync::{Arc, Mutex, PoisonError};

use parlor::agent::{Conversation, Extractor, History, KeptTurn, Outcome, Reply, RunEvent, Window};
use parlor::{
    ChatModel, ChatRequest, ChatResponse, Error, ErrorKind, Event, Message, OutputSchema, Whole,
};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use super::ask::{Clock, Stopped, as_answer, nothing};
use crate::choose::Chosen;
use crate::converse::FRAME;
use crate::failure::Failure;
use crate::interrupt::Interrupted;
use crate::keeper::{self, Growing};
use crate::output::Output;
use crate::terminal::Terminal;
use crate::tools::{self, Answer, Calls, Gate, Interruption, Kit, Question};

/// One turn with tools.
pub(super) struct Talk {
    chat: Conversation,
    kit: Kit,
    questions: UnboundedReceiver<Question>,
    terminal: Terminal,
    /// Turns that were there before.
    before: usize,
    reply: Option<Reply>,
}

impl Talk {
    /// A conversation that goes on from a history, with settings for every request.
    pub(super) fn new(
        model: Arc<dyn ChatModel>,
        history: History,
        settings: &ChatRequest,
        in_one_piece: bool,
        (kit, questions): (Kit, UnboundedReceiver<Question>),
        terminal: Terminal,
    ) -> Self {
        let model: Arc<dyn ChatModel> = match in_one_piece {
            true => Arc::new(Whole(model)),
            false => model,
        };
        let mut settings = settings.clone();
        settings.messages.clear();
        Self {
            before: history.turns().len(),
            chat: Conversation::shared(model)
                .with_history(history)
                .with_request(settings),
            kit,
            questions,
            terminal,
            reply: None,
        }
    }

    /// Leaves out the oldest turns where not all of them fit.
    pub(super) fn trim(&mut self) {
        let empty = Conversation::shared(self.chat.model().clone());
        let chat = std::mem::replace(&mut self.chat, empty);
        self.chat = chat.with_window(Window::default());
    }

    /// Connects to servers, so that the model can be told of their tools.
    async fn prepare(&mut self) {
        for notice in self.kit.prepare().await {
            self.terminal.notice(notice);
        }
        let chat = std::mem::replace(
            &mut self.chat,
            Conversation::shared(Arc::new(parlor::Echo::new())),
        );
        self.chat = self.kit.equip(chat);
    }

    /// What is asked, once the tools are there; `None` where that was interrupted.
    async fn open(
        &mut self,
        question: &[Message],
        interrupted: &mut Interrupted,
    ) -> Option<ChatRequest> {
        tokio::select! {
            biased;
            _ = interrupted => return None,
            () = self.prepare() => {}
        }
        let mut request = ChatRequest::default();
        request.messages = question.to_vec();
        Some(request)
    }

    /// Asks, prints what comes and keeps it as it grows, and lets tools run.
    pub(super) async fn ask(
        &mut self,
        question: &[Message],
        output: &mut dyn Output,
        mut interrupted: Interrupted,
        growing: &mut Growing,
    ) -> std::result::Result<ChatResponse, Stopped> {
        let clock = Clock::start();
        let model = Arc::clone(self.chat.model());
        let Some(request) = self.open(question, &mut interrupted).await else {
            return Ok(nothing(&*model));
        };
        let mut run = self.chat.stream(request)?;
        let mut first = None;
        let mut is_over = false;
        let reply = loop {
            let event = tokio::select! {
                biased;
                _ = &mut interrupted, if !is_over => break run.stop(),
                Some(question) = self.questions.recv() => {
                    output.pause()?;
                    let answer = tools::ask(&question, &self.terminal, || {
                        is_over |= interrupted.try_recv().is_ok();
                        if is_over { Interruption::End } else { Interruption::None }
                    });
                    question.answer(answer);
                    if answer == Answer::Stop {
                        break run.stop();
                    }
                    continue;
                }
                () = growing.due() => {
                    growing.keep(&run.so_far());
                    continue;
                }
                event = run.next() => event,
                () = tokio::time::sleep(FRAME), if output.moves() => {
                    output.tick()?;
                    continue;
                }
            };
            match event {
                Some(Ok(RunEvent::Finished(reply))) => break *reply,
                Some(Ok(RunEvent::Model(event))) => {
                    growing.came(&event);
                    if first.is_none() && !matches!(event, Event::Started { .. }) {
                        first = clock.passed();
                    }
                    output.event(&event)?;
                }
                Some(Ok(event)) => output.tool(&event)?,
                Some(Err(error)) => return Err(error.into()),
                // A run tells its end before it is over.
                None => break run.stop(),
            }
        };
        let mut response = reply.response.clone();
        response.usage = Some(reply.usage.clone());
        response.interrupted |= is_over || reply.outcome == Outcome::Stopped;
        if response.provider.is_empty() {
            response.provider = nothing(&*model).provider;
        }
        output.turn(&reply.messages);
        self.reply = Some(reply);
        clock.complete(&mut response.metadata.latency, first);
        Ok(response)
    }

    /// Asks for JSON by a schema, which the model may use tools for.
    pub(super) async fn shape(
        &mut self,
        question: &[Message],
        shape: &OutputSchema,
        pretty: bool,
        output: &mut dyn Output,
        mut interrupted: Interrupted,
    ) -> std::result::Result<ChatResponse, Stopped> {
        let clock = Clock::start();
        let model = Arc::clone(self.chat.model());
        let Some(request) = self.open(question, &mut interrupted).await else {
            return Ok(nothing(&*model));
        };
        let (terminal, calls) = (self.terminal, Mutex::<Calls>::default());
        let chat = std::mem::replace(
            &mut self.chat,
            Conversation::shared(Arc::new(parlor::Echo::new())),
        );
        self.chat = chat.on_event(move |event| {
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(line) = calls.line(event) {
                terminal.notice(line);
            }
        });
        let extractor = Extractor::<Value>::new().with_schema(shape.clone());
        let mut asking = Box::pin(extractor.extract_in(&mut self.chat, request));
        let mut is_over = false;
        let extracted = loop {
            tokio::select! {
                biased;
                _ = &mut interrupted, if !is_over => return Ok(nothing(&*model)),
                Some(question) = self.questions.recv() => {
                    let answer = tools::ask(&question, &self.terminal, || {
                        is_over |= interrupted.try_recv().is_ok();
                        if is_over { Interruption::End } else { Interruption::None }
                    });
                    question.answer(answer);
                    if is_over || answer == Answer::Stop {
                        return Ok(nothing(&*model));
                    }
                }
                extracted = &mut asking => break extracted?,
            }
        };
        drop(asking);
        let turns = self.chat.history().turns();
        let messages = turns.last().map(|turn| turn.messages.clone());
        output.turn(&messages.unwrap_or_default());
        as_answer(extracted, pretty, &clock, output)
    }

    /// Ends what was started for it.
    pub(super) async fn end(&mut self) {
        self.kit.end().await;
    }

    /// The turn as it is kept, if it came to one.
    pub(super) fn turn(
        &self,
        response: Option<&ChatResponse>,
        chosen: &Chosen,
    ) -> Option<KeptTurn> {
        let turn = self.chat.history().turns().get(self.before)?;
        let cost = self.reply.as_ref().and_then(|reply| reply.cost.clone());
        let instance = &chosen.of_id(turn.model.as_deref()).config.instance;
        let mut kept = keeper::kept(turn, instance, cost);
        if let Some(response) = response {
            kept.latency = response.metadata.latency.clone();
        }
        Some(kept)
    }

    /// Says what tools kept the answer from.
    pub(super) fn judge(&self) -> std::result::Result<(), Failure> {
        let gate: &Gate = self.kit.gate();
        let failed = |told: String| Failure::from(Error::new(ErrorKind::Tool, told));
        if let [first, ..] = gate.unasked().as_slice() {
            let names = gate.unasked().join(", ");
            let fact = format!("nobody could be asked whether to run {names}");
            return Err(failed(fact)
                .help(format!("let it run: --allow {first}"))
                .help(
                    "or in every run: `policy = \"allow\"` under [tools.NAME] of the configuration",
                ));
        }
        let Some(reply) = &self.reply else {
            return Ok(());
        };
        match reply.outcome {
            Outcome::StepLimit => {
                let steps = self.kit.steps();
                let fact = format!("the model still called tools after {steps} steps");
                Err(failed(fact).help("allow more: --max-steps NUMBER"))
            }
            _ if !reply.text().trim().is_empty() => Ok(()),
            _ => match reply.tool_failures().last() {
                Some(error) => Err(Failure::from(error)
                    .help("the model gave no answer after it; ask again, or without the tool")),
                None => Ok(()),
            },
        }
    }
}
