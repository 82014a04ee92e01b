//! `parlor chat`: one question, one answer.

mod ask;
mod kept;
mod resumed;
mod talk;

use parlor::agent::{History, Turn, TurnState, Window};
use parlor::layers::fallback::TurnNotice;
use parlor::layers::retry::RetryNotice;
use parlor::{ChatResponse, Error, ErrorKind, FinishKind, Message, Role};

use crate::args::{ChatArgs, Form, Trim};
use crate::choose::{self, Instead, Wish};
use crate::failure::{self, Context, Failure, Then};
use crate::interrupt;
use crate::keeper::{self, Keeper, Shelf};
use crate::output;
use crate::terminal::{Terminal, span};
use crate::tools::{self, Gate, Kit, ToolSettings};
use crate::{environment, files, input, pick, schema, setup, template, waiting, weight};
use ask::{Stopped, shaped, stream, whole};
pub(crate) use ask::{answer, read};
use kept::{turn, turn_of};
use talk::Talk;

/// Asks, and prints the answer.
pub(crate) fn chat(args: &ChatArgs) -> Result<(), Failure> {
    if args.ephemeral {
        files::leave_nothing();
    }
    // Where a program reads stderr, it reads nothing there but a failure.
    let is_machine = args.form() != Form::Text;
    let terminal = Terminal::find(args.common.plain, args.common.quiet || is_machine);
    let terminal = terminal.rendering(args.render);
    let template = args.template.template.as_deref().map(template::load);
    let template = template.transpose()?;
    let asks = template.as_ref().is_some_and(|template| template.asks);
    let is_empty = args.prompt.is_empty() && args.attach.is_empty() && args.request.is_none();
    let is_empty = is_empty && !asks;
    let is_silent = is_empty && !args.going.asks_again();
    let shape = args.answer.schema.as_deref().map(schema::schema);
    let of_template = template.as_ref().and_then(|it| it.schema.clone());
    let shape = shape.transpose()?.or(of_template);
    let thinking = template.as_ref().filter(|it| it.thinks);
    if shape.is_some()
        && let Some(template) = thinking
    {
        return Err(template.is_in_words());
    }
    let is_talk = args.interactive || (is_silent && terminal.stdin && terminal.stdout);
    if args.going.goes_on_within() && (!is_empty || args.going.retry || args.interactive) {
        let fact = "to go on with a cut answer (-c --continue) nothing else is asked";
        return Err(Failure::usage(fact).help("one -c goes on with the conversation"));
    }
    if is_talk && !is_machine {
        let first = match (is_empty, &template) {
            (true, None) => None,
            // Only its instructions: what is piped in are lines of the conversation.
            (true, Some(template)) => Some(template.fill(&args.template.param, None)?.into()),
            (false, _) => Some(input::request(args, template.as_ref(), &terminal)?),
        };
        return crate::converse::converse(args, template.as_ref(), shape, terminal, first);
    }
    let named = template.as_ref().and_then(|it| it.model.as_deref());
    let registry = setup::registry_for(args)?;
    let settings = ToolSettings::load(args.common.config.as_deref(), &environment::env())?;
    let (gate, questions) = Gate::new(terminal.stdin && terminal.stderr && !is_machine);
    let kit = Kit::new(&args.tools, settings, gate)?;
    let runtime = setup::runtime()?;
    let shelf = Shelf::default();
    let kept = pick::meant(&shelf, &runtime, args, &terminal)?;
    let wish = Wish {
        model: args.model.as_deref().or(named),
        base_url: args.base_url.as_deref(),
        held: kept.as_ref().and_then(choose::held),
        force: args.force_model,
    };
    let chosen = runtime.block_on(choose::choose(&registry, wish))?;
    for retired in chosen.targets().filter_map(failure::retired) {
        terminal.notice(format!("warning: {retired}"));
    }
    let on_retry = move |retry: &RetryNotice<'_>| terminal.notice(retry_notice(retry));
    let on_turn = move |turn: &TurnNotice<'_>| terminal.notice(turn_notice(turn));
    let mut model = chosen.build(&registry, on_retry, on_turn)?;
    if let Some(template) = thinking {
        model = template.model(model);
    }
    let mut request = match args.going.asks_again() {
        true => input::settings(args)?,
        false => input::request(args, template.as_ref(), &terminal)?,
    };
    let said = request.messages.iter();
    let said = said.filter(|message| message.role != Role::System);
    let mut question: Vec<Message> = said.cloned().collect();
    if question.is_empty() && template.is_some() {
        return Err(input::nothing(args));
    }
    let brings = args.request.is_some() && !args.going.asks_again();
    let system = match template.is_some() || brings {
        true => request.system_text(),
        false => args.system.clone(),
    };
    // What the request says before its question was said earlier.
    let earlier = match brings {
        true => keeper::earlier(&mut question),
        false => Vec::new(),
    };
    let mut history = History::new();
    let mut keeper = match kept {
        Some(kept) => {
            history = kept.history.clone();
            if system.is_some() {
                history.set_system(system.clone());
            }
            let mut keeper = Keeper::of(shelf, &kept, args.keeps());
            if args.going.asks_again() {
                let last = history.undo();
                if args.going.goes_on_within() {
                    model = resumed::resumed(model, last.as_ref())?;
                }
                question = last.as_ref().map(keeper::question).unwrap_or_default();
                if question.is_empty() {
                    return Err(Failure::usage("nothing was asked in this conversation yet"));
                }
            }
            add(&mut history, &earlier);
            request.messages = match args.going.trim {
                None => history
                    .compacted()
                    .into_iter()
                    .chain(question.iter().cloned())
                    .collect(),
                Some(Trim::Oldest) => {
                    let fitted =
                        Window::default().fitted(&request, &history, &question, model.info());
                    let failed = |error: Error| {
                        let instead = chosen.instead(&registry, &error, &request);
                        let then = Then {
                            in_talk: false,
                            is_kept: false,
                            // What was said before is left out by now.
                            goes_on: false,
                            window: model.info().context_window,
                            larger: runtime.block_on(instead).larger,
                        };
                        let context = chosen.context(error.provider(), error.model());
                        Failure::of(error, &context).then(then, &request)
                    };
                    fitted.map_err(failed)?
                }
            };
            // What fits nowhere isn't asked, and takes nothing's place.
            if args.going.asks_again() {
                runtime.block_on(keeper.rewind(history.turns().len(), history.summary()))?;
            }
            keeper
        }
        None => {
            add(&mut history, &earlier);
            Keeper::new(shelf, args.keeps())
        }
    };
    let mut talk = None;
    if tools::suit(&kit, args, &*model, &terminal) {
        if !request.tools.is_empty() {
            let fact = "the request brings tools, which aren't run here";
            return Err(Failure::usage(fact).help("leave them out, or add --no-tools"));
        }
        if args.going.named().is_none() {
            history.set_system(request.system_text());
        }
        let with = (kit, questions);
        let mut new = Talk::new(
            model.clone(),
            history,
            &request,
            args.no_stream,
            with,
            terminal,
        );
        if args.going.trim == Some(Trim::Oldest) {
            new.trim();
        }
        talk = Some(new);
    }
    if let Some(notice) = chosen.notice() {
        terminal.notice(notice);
    }
    for warning in chosen.warnings() {
        terminal.notice(warning);
    }
    let interrupted = interrupt::listen().map_err(setup::cannot_wait)?;
    let shown = output::Shown {
        is_value: shape.is_some(),
        thinks: thinking.is_some(),
    };
    let mut output = output::of(args, &terminal, &chosen, shown);
    let instance = &chosen.resolved.config.instance;
    let mut growing = keeper.growing(instance, true);
    let asked = async {
        let pretty = terminal.stdout && !is_machine;
        if let Some(talk) = &mut talk {
            return match &shape {
                Some(shape) => {
                    talk.shape(&question, shape, pretty, &mut *output, interrupted)
                        .await
                }
                None => {
                    let growing = &mut growing;
                    talk.ask(&question, &mut *output, interrupted, growing)
                        .await
                }
            };
        }
        match (&shape, args.no_stream) {
            (Some(shape), _) => {
                shaped(&*model, &request, shape, pretty, &mut *output, interrupted).await
            }
            (None, true) => whole(&*model, &request, &mut *output, interrupted).await,
            (None, false) => {
                let so_far = |partial: &ChatResponse| {
                    let mut turn = turn_of(&question, Some(partial), &chosen);
                    turn.state = TurnState::Interrupted;
                    turn
                };
                let (output, growing) = (&mut *output, &mut growing);
                stream(&*model, &request, output, interrupted, growing, so_far).await
            }
        }
    };
    // The request goes out first; then there is time for the store.
    let (outcome, kept) = runtime.block_on(async {
        let asked = waiting::with_sign(&terminal, asked);
        let keeping = async {
            let brought = keeper.bring(system.as_deref(), &earlier).await;
            keeper
                .begin(system.as_deref(), &question)
                .await
                .and(brought)
        };
        tokio::join!(biased; asked, keeping)
    });
    runtime.block_on(growing.rest());
    let kept = kept.and_then(|()| {
        let with_tools = talk.as_ref();
        let with_tools = with_tools.and_then(|talk| talk.turn(outcome.as_ref().ok(), &chosen));
        let turn = with_tools.unwrap_or_else(|| turn(&question, &outcome, &*model, &chosen));
        runtime.block_on(keeper.write(system.as_deref(), &turn))
    });
    let is_kept = args.keeps() && kept.is_ok();
    let tell_unkept = || {
        if let Err(error) = &kept {
            terminal.notice(keeper::unkept(error));
        }
    };
    if let Some(talk) = &mut talk {
        runtime.block_on(talk.end());
    }
    let instead = match &outcome {
        Err(Stopped::Call(error)) => runtime.block_on(chosen.instead(&registry, error, &request)),
        _ => Instead::default(),
    };
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    let response = match outcome {
        Ok(response) => response,
        Err(Stopped::Output(error, _)) => {
            tell_unkept();
            return Err(error.into());
        }
        Err(Stopped::Call(error)) => {
            let ended = output.fail();
            tell_unkept();
            ended?;
            let context = chosen.context(error.provider(), error.model());
            let context = context.with_installed(instead.installed);
            let failure = match shape {
                Some(_) => Failure::of_schema(error, &context),
                None => Failure::of(error, &context),
            };
            let then = Then {
                in_talk: false,
                is_kept,
                goes_on: args.going.named().is_some(),
                window: model.info().context_window,
                larger: instead.larger,
            };
            return Err(failure.then(then, &request));
        }
    };
    let ended = output.end(&response);
    tell_unkept();
    ended?;
    // With tools several requests were sent.
    let usage = response.usage.as_ref().filter(|_| talk.is_none());
    let cut = usage.and_then(|usage| weight::cut(&request, usage));
    if let Some(cut) = cut {
        terminal.notice(cut);
    }
    let context = chosen.context(Some(&response.provider), response.model.as_deref());
    judge(&response, &chosen.resolved.model, &context, &terminal)?;
    talk.map_or(Ok(()), |talk| talk.judge())
}

fn add(history: &mut History, turns: &[Turn]) {
    let said = turns.iter().flat_map(|turn| &turn.messages);
    said.cloned().for_each(|message| history.add(message));
}

/// Says what a whole answer of the model that was asked amounts to.
fn judge(
    response: &ChatResponse,
    asked: &str,
    context: &Context,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if let Some(error) = unanswered(response, asked) {
        return Err(Failure::of(error, context));
    }
    let ended = response.finish_reason().map(|reason| reason.kind);
    if ended == Some(FinishKind::Length) {
        terminal.notice("warning: the answer was cut at the token limit");
    }
    Ok(())
}

/// That the model itself withheld the answer, and no filter.
const REFUSED: &str = "the model refused";

/// Why a whole answer of the model that was asked is none.
pub(crate) fn unanswered(response: &ChatResponse, asked: &str) -> Option<Error> {
    let (kind, message) = match response.finish_reason().map(|reason| reason.kind) {
        _ if response.interrupted => (ErrorKind::Cancelled, "the answer was interrupted"),
        Some(FinishKind::ContentFilter) => {
            (ErrorKind::ContentFiltered, "a filter withheld the answer")
        }
        Some(FinishKind::Refusal) => (ErrorKind::ContentFiltered, REFUSED),
        Some(FinishKind::Error) => (ErrorKind::Server, "the provider failed in the middle"),
        _ => return None,
    };
    let model = response.model.as_deref().unwrap_or(asked);
    let error = Error::new(kind, message)
        .with_provider(&response.provider)
        .with_model(model)
        .with_partial(response.clone());
    Some(match message {
        REFUSED => error.with_help("Ask in another way, or ask another model."),
        _ => error,
    })
}

pub(crate) fn retry_notice(retry: &RetryNotice<'_>) -> String {
    let (wait, attempt, of) = (span(retry.delay), retry.attempt, retry.of);
    let cause = cause(retry.error);
    match of.saturating_add(1) < setup::MANY {
        true => format!("retrying in {wait} ({attempt}/{of}): {cause}"),
        // As often as there is time for.
        false => format!("retrying in {wait} ({attempt}): {cause}"),
    }
}

pub(crate) fn turn_notice(turn: &TurnNotice<'_>) -> String {
    let (from, to) = (turn.from.id(), turn.to.id());
    format!("{from} failed, asking {to}: {}", cause(turn.error))
}

fn cause(error: &Error) -> String {
    let kind = error.kind();
    match error.status() {
        Some(status) => format!("{kind} {status}"),
        None => kind.to_string(),
    }
}
