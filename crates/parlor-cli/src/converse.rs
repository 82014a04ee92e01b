//! A conversation at the terminal: what is entered is asked, or is a command.

mod ahead;
mod answer;
mod asked;
mod beginning;
mod completion;
mod editor;
mod fuzzy;
mod keys;
mod slash;
mod status;
mod template;
mod tools;
mod turn;
mod unanswered;
mod view;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use parlor::agent::{Conversation, Window};
use parlor::layers::fallback::TurnNotice;
use parlor::layers::retry::RetryNotice;
use parlor::{ChatRequest, Cost, Message, OutputSchema, Part, Registry, Role, Usage};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::{ChatArgs, Trim};
use crate::choose::{self, Chosen, Wish};
use crate::commands::chat::{retry_notice, turn_notice};
use crate::failure::Failure;
use crate::interrupt::{self, Interrupts};
use crate::keeper::{self, Keeper, Shelf};
use crate::pick;
use crate::setup;
use crate::template::Template;
use crate::terminal::{self, Keys, Terminal, TerminalSettings};
use crate::tools::{Gate, Kit, Question, ToolSettings};
use ahead::Ahead;
use editor::{Entered, LineEditor, PROMPT};

pub(crate) use editor::{Word, tells_apart};
pub(crate) use slash::first_line;
use status::Figures;
pub(crate) use status::{grouped, money, short, turns};
pub(crate) use view::{FRAME, View, dimmed, moving_sign};

/// What comes after a line.
#[derive(Default)]
enum Flow {
    #[default]
    Go,
    Quit,
}

/// Notices that come while an answer is shown.
#[derive(Debug, Clone, Default)]
struct Notices(Arc<Mutex<Vec<String>>>);

impl Notices {
    fn add(&self, notice: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(notice);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All that a conversation needs.
struct Session {
    terminal: Terminal,
    /// The configuration's file, where the command line names one.
    config: Option<PathBuf>,
    registry: Arc<Registry>,
    runtime: Runtime,
    shelf: Shelf,
    /// Whether this conversation is kept at all.
    keeps: bool,
    keeper: Keeper,
    chat: Conversation,
    chosen: Arc<Chosen>,
    interrupts: Interrupts,
    notices: Notices,
    /// Whether thoughts are shown.
    thoughts: bool,
    /// Whether they are for the answer to a question that is thought through.
    thinks: bool,
    /// Whether it was said that nothing is kept.
    unkept: bool,
    /// Whether it was said that a server read less than was sent.
    told_cut: bool,
    /// Whether the colours of code were read.
    warmed: bool,
    /// What was said of requests that models can't do as they are: each once.
    warned: Vec<String>,
    /// How many turns are shown again when a conversation is gone on with.
    replay: usize,
    attached: Vec<Part>,
    /// What the next answer must be like, where it isn't in words.
    schema: Option<OutputSchema>,
    /// Whether tools are told of beside the run's events, once that was ever so.
    overheard: Option<Arc<AtomicBool>>,
    figures: Option<Figures>,
    /// What a conversation that is gone on with had used before.
    earlier: Option<(Usage, Option<Cost>)>,
    kit: Kit,
    /// Calls that a person is to be asked about.
    questions: UnboundedReceiver<Question>,
    /// The model of which it was said that it takes no tools.
    toolless: Option<String>,
    /// Whose keys the line editor has, and whether it sees keys at all.
    keys: Keys,
    takes_keys: bool,
    /// What was typed while an answer came.
    ahead: Ahead,
    /// Whether the person left while an answer came.
    leaves: bool,
}

/// Talks until the person leaves. A question that is there already is asked first; the
/// first answer has this shape, if there is one.
pub(crate) fn converse(
    args: &ChatArgs,
    template: Option<&Template>,
    shape: Option<OutputSchema>,
    terminal: Terminal,
    first: Option<ChatRequest>,
) -> Result<(), Failure> {
    let registry = Arc::new(setup::registry_for(args)?);
    let settings = ToolSettings::load(args.common.config.as_deref(), registry.env())?;
    let keys = TerminalSettings::load(args.common.config.as_deref(), registry.env())?.keys;
    let (gate, questions) = Gate::new(terminal.stdin && terminal.stderr);
    let kit = Kit::new(&args.tools, settings, gate)?;
    let runtime = setup::runtime()?;
    let shelf = Shelf::default();
    let kept = pick::meant(&shelf, &runtime, args, &terminal)?;
    let named = template.and_then(|template| template.model.as_deref());
    let wish = Wish {
        model: args.model.as_deref().or(named),
        base_url: args.base_url.as_deref(),
        held: kept.as_ref().and_then(choose::held),
        force: args.force_model,
    };
    let chosen = runtime.block_on(choose::choose(&registry, wish))?;
    let notices = Notices::default();
    let model = build(&registry, &chosen, &notices)?;
    let mut chat = Conversation::shared(model);
    if args.going.trim == Some(Trim::Oldest) {
        chat = chat.with_window(Window::default());
    }
    let request = chat.request_mut();
    request.temperature = args.temperature;
    request.max_output_tokens = args.max_tokens;
    request.reasoning = args.reasoning.as_ref().and_then(|it| it.wish.clone());
    let told = first.as_ref().and_then(ChatRequest::system_text);
    let system = match args.request {
        // What is said beside a request is in it by now.
        Some(_) => told,
        None => args.system.clone().or(told),
    };
    if let Some(system) = &system {
        chat = chat.with_system(system);
    }
    let chat = kit.equip(chat);
    // A console of Windows ends the line itself.
    let prompt = (terminal.stdin && cfg!(unix)).then_some(PROMPT);
    let interrupts = interrupt::watch(prompt).map_err(setup::cannot_wait)?;
    let (ended, going) = (interrupts.ended(), interrupts.state());
    let mut session = Session {
        terminal,
        config: args.common.config.clone(),
        registry,
        runtime,
        keeper: Keeper::new(shelf.clone(), args.keeps()),
        keeps: args.keeps(),
        shelf,
        chat,
        chosen: Arc::new(chosen),
        interrupts,
        notices,
        thoughts: args.reasoning.as_ref().is_some_and(|it| it.show),
        thinks: false,
        unkept: false,
        told_cut: false,
        warmed: false,
        warned: Vec::new(),
        replay: args.going.replay,
        attached: Vec::new(),
        schema: shape,
        overheard: None,
        figures: None,
        earlier: None,
        kit,
        questions,
        toolless: None,
        keys,
        takes_keys: false,
        ahead: Ahead::default(),
        leaves: false,
    };
    session.greet(kept.is_none());
    if let Some(kept) = kept {
        session.go_on(&kept);
        if system.is_some() {
            session.set_system(system);
        }
        if first.is_none() {
            let gone_on = session.offer_pending();
            session.report(gone_on)?;
        }
    }
    if args.going.retry {
        let asked = session.ask_again();
        session.report(asked)?;
    }
    if let Some(first) = first {
        let mut said = first.messages;
        said.retain(|message| message.role != Role::System);
        // Worked examples of a template go with its question, nothing else does.
        let last = said.iter().rposition(|message| message.role == Role::User);
        if args.request.is_some() {
            session.bring(&keeper::earlier(&mut said));
        } else if template.is_none() {
            said.drain(..last.unwrap_or_default());
            said.truncate(1);
        }
        if last.is_some() {
            let asked = match template {
                Some(template) => session.ask_by(template, |session| session.ask(said)),
                None => session.ask(said),
            };
            session.report(asked)?;
        }
    }
    // No answer had this shape yet.
    let shape = session.schema.take();
    session.shape(shape);
    let completer = completion::completer(Arc::clone(&session.registry));
    let mut editor = editor::of(&session.terminal, completer, keys, ended, going);
    session.takes_keys = editor.takes_keys();
    let talked = session.talk(&mut *editor);
    session.runtime.block_on(session.kit.end());
    talked
}

fn build(
    registry: &Registry,
    chosen: &Chosen,
    notices: &Notices,
) -> Result<Arc<dyn parlor::ChatModel>, Failure> {
    let (retries, turns) = (notices.clone(), notices.clone());
    let on_retry = move |retry: &RetryNotice<'_>| retries.add(retry_notice(retry));
    let on_turn = move |turn: &TurnNotice<'_>| turns.add(turn_notice(turn));
    chosen.build(registry, on_retry, on_turn)
}

impl Session {
    fn talk(&mut self, editor: &mut dyn LineEditor) -> Result<(), Failure> {
        let mut hinted: Option<Instant> = None;
        self.part();
        let ended = self.interrupts.ended();
        loop {
            self.interrupts.idle(&self.runtime);
            if ended.load(Ordering::Acquire) {
                return Ok(());
            }
            editor.begin_with(&self.ahead.take());
            self.interrupts.reads_lines(!self.takes_keys);
            let entered = editor.read(PROMPT);
            self.interrupts.reads_lines(false);
            match entered? {
                Entered::Ended => return Ok(()),
                Entered::Interrupted(text) if text.trim().is_empty() => {
                    if hinted.is_some_and(|at| at.elapsed() < interrupt::TWICE) {
                        return Ok(());
                    }
                    hinted = Some(Instant::now());
                    self.tell(interrupt::ONCE_MORE);
                }
                Entered::Interrupted(_) => {}
                // Ctrl-C is for the editor, and in the next arm for what a command runs.
                Entered::Outside => {
                    self.interrupts.busy();
                    editor.edit();
                }
                Entered::Text(text) => {
                    self.interrupts.busy();
                    let entered = self.entered(&text);
                    let flow = self.report(entered)?;
                    if self.leaves || matches!(flow, Flow::Quit) {
                        return Ok(());
                    }
                    if !text.trim().is_empty() {
                        self.part();
                    }
                }
            }
        }
    }

    /// An empty row before what is entered next, where a person enters it.
    fn part(&self) {
        if self.takes_keys && !self.terminal.quiet {
            terminal::complain("\n");
        }
    }

    fn entered(&mut self, text: &str) -> Result<Flow, Failure> {
        if let Some(command) = slash::command(text.trim()) {
            return self.slash(&command);
        }
        let text = slash::message(text);
        if text.is_empty() && self.attached.is_empty() {
            return Ok(Flow::Go);
        }
        let mut parts = self.attached.clone();
        if !text.is_empty() {
            parts.push(Part::text(text));
        }
        let before = self.chat.history().turns().len();
        let asked = self.ask(vec![Message::new(Role::User, parts)]);
        // A question that failed has it, and is asked again with it.
        if self.chat.history().turns().len() > before {
            self.attached.clear();
        }
        asked.map(|()| Flow::Go)
    }

    /// Says what failed, and goes on: only who can't be told anything any more ends.
    fn report<T: Default>(&mut self, done: Result<T, Failure>) -> Result<T, Failure> {
        match done {
            Err(failure) if failure.is_of_output() => Err(failure),
            Err(failure) => {
                terminal::complain(&self.terminal.fits(&failure.text()));
                Ok(T::default())
            }
            Ok(done) => Ok(done),
        }
    }

    /// Asks another model from now on.
    fn choose(&mut self, id: &str, force: bool) -> Result<(), Failure> {
        let wish = Wish {
            model: Some(id),
            base_url: None,
            held: None,
            force,
        };
        let chosen = self.runtime.block_on(choose::choose(&self.registry, wish));
        let chosen = chosen.map_err(Failure::in_talk)?;
        let model = build(&self.registry, &chosen, &self.notices).map_err(Failure::in_talk)?;
        self.chat.set_model(model);
        self.told_cut = false;
        self.warned.clear();
        self.chosen = Arc::new(chosen);
        Ok(())
    }

    fn context_window(&self) -> Option<u64> {
        self.chat.model().info().context_window
    }

    /// Shows text of a model that isn't new.
    fn show(&self, text: &str) {
        let mut view = view::View::new(&self.terminal, false);
        // Who can't be shown this can't be asked either, and that is told then.
        let _ = view.text(text).and_then(|()| view.end());
    }

    /// Says something to the person, beside what the model says.
    fn say(&self, text: &str) {
        self.terminal.notice(text);
    }

    /// The same, standing back.
    fn tell(&self, text: &str) {
        let text = self.terminal.fits(&terminal::printable(text));
        if !self.terminal.quiet {
            terminal::complain(&format!("{}\n", dimmed(&text, self.terminal.colour)));
        }
    }
}
