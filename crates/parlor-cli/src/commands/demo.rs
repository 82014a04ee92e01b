//! `parlor demo`: one conversation over the protocols of five providers, whose answers are scripted.

mod rows;
mod seen;
mod steps;
mod talk;
mod wire;

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use parlor::agent::RunEvent;
use parlor_demo::{Exchange, STAND_INS, StandIns};
use serde_json::{Value, json};

use super::serve::page;
use crate::args::DemoArgs;
use crate::failure::Failure;
use crate::interrupt::{self, Interrupted};
use crate::markdown::Looks;
use crate::prompt::Raw;
use crate::terminal::{Terminal, say};
use crate::{screen, setup};
use rows::{Row, Widths, bold, dim, plain, written};
use steps::{Does, STEPS, Step};
use talk::{Seen, Talk, Told};

/// What is said first and last, so that nobody takes a script for a model.
const SCRIPTED: &str = "The answers in this demo are scripted: no model is asked, no key is needed, \
                        and nothing leaves this machine.";

/// How long a step stays before the next one, unless a key is pressed.
const PACE: Duration = Duration::from_secs(8);

/// Shows the conversation.
pub(crate) fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let runtime = setup::runtime()?;
    if args.browser {
        return runtime.block_on(browser(args));
    }
    let terminal = Terminal::find(args.common.plain, args.common.quiet);
    let mut interrupted = interrupt::listen().map_err(setup::cannot_wait)?;
    let talk = async {
        let stand_ins = StandIns::start(Talk::manner()).await;
        Ok::<_, Failure>(Talk::begin(stand_ins.map_err(setup::cannot_wait)?).await?)
    };
    let mut talk = runtime.block_on(talk)?;
    let show = Show::new(&terminal, args);
    show.opening()?;
    for (at, step) in STEPS.iter().enumerate() {
        show.heading(at, step)?;
        let told = runtime.block_on(async {
            tokio::select! {
                told = talk.step(step) => Some(told),
                _ = &mut interrupted => None,
            }
        });
        let Some(told) = told else {
            return show.stopped();
        };
        show.step(at, step, &told?)?;
        let is_last = at + 1 == STEPS.len();
        if !is_last && !show.waits(&mut interrupted)? {
            return show.stopped();
        }
    }
    show.closing(&talk)
}

/// Serves the page, with the stand-ins for its models.
async fn browser(args: &DemoArgs) -> Result<(), Failure> {
    let stand_ins = StandIns::start(talk::unhurried()).await;
    let stand_ins = stand_ins.map_err(setup::cannot_wait)?;
    let registry = talk::registry(&stand_ins.config(&[parlor_demo::SCRIPTED]))?;
    let about = format!(
        "{SCRIPTED}\nAsk for a table, for code, a story, to think about sheep; attach a picture. \
         What is said is forgotten at the end."
    );
    page(registry, &about, args.common.quiet).await
}

/// Where and how it is shown.
struct Show {
    looks: Looks,
    widths: Widths,
    json: bool,
    /// Whether a person reads along, who may want time.
    paced: bool,
}

impl Show {
    fn new(terminal: &Terminal, args: &DemoArgs) -> Self {
        let (columns, _) = match terminal.stdout {
            true => screen::size(),
            false => screen::size_beside(),
        };
        Self {
            looks: Looks {
                colours: terminal.colour && terminal.lays_out,
                links: false,
            },
            widths: Widths::of(columns),
            json: args.json,
            paced: terminal.stdin && terminal.lays_out && !args.fast && !args.json,
        }
    }

    fn print(&self, rows: &[Row]) -> io::Result<()> {
        match self.json {
            true => Ok(()),
            false => say(&written(rows, self.looks)),
        }
    }

    fn opening(&self) -> io::Result<()> {
        let names: Vec<&str> = STAND_INS.iter().map(|it| it.name).collect();
        let what = format!(
            "Servers on this machine stand in for {}. They speak these protocols; parlor talks to \
             them as to the real ones, over HTTP. One conversation goes through all of them, in {} \
             steps: what goes over the wire, and what the program sees.",
            listed(&names),
            STEPS.len()
        );
        let mut rows = self.widths.text(SCRIPTED, bold);
        rows.push(Row::new());
        rows.extend(self.widths.text(&what, plain));
        self.print(&rows)
    }

    fn heading(&self, at: usize, step: &Step) -> io::Result<()> {
        let title = format!("{} of {} · {}", at + 1, STEPS.len(), step.title);
        let mut rows = vec![Row::new(), self.widths.title(&title)];
        rows.extend(self.widths.text(step.shows, plain));
        self.print(&rows)
    }

    fn step(&self, at: usize, step: &Step, told: &Told) -> io::Result<()> {
        if self.json {
            return say(&format!("{}\n", as_json(at, step, told)));
        }
        for (index, (exchange, seen)) in told.wire.iter().zip(&told.seen).enumerate() {
            let name = format!("the wire: {}", name(exchange.provider));
            let question = (index == 0).then_some(step.question);
            let wire = wire::rows(exchange, self.widths.wire);
            let program = seen::rows(question, seen, self.widths.program);
            let mut rows = vec![Row::new()];
            rows.extend(self.widths.both([&name, "the program"], wire, program));
            self.print(&rows)?;
        }
        Ok(())
    }

    fn closing(&self, talk: &Talk) -> Result<(), Failure> {
        let history = talk.conversation().history();
        let what = format!(
            "That was one conversation of {} turns, asked of {} protocols by the same few lines. \
             With a key it is a model that answers:",
            history.turns().len(),
            STAND_INS.len()
        );
        let mut rows = vec![Row::new(), self.widths.title("The end")];
        rows.extend(self.widths.text(&what, plain));
        rows.push(Row::new());
        rows.push(vec![
            plain("  parlor keys set PROVIDER"),
            dim("      or have a model run here"),
        ]);
        rows.push(vec![plain("  parlor \"Why is the sky blue?\"")]);
        rows.push(Row::new());
        rows.extend(self.widths.text(SCRIPTED, bold));
        Ok(self.print(&rows)?)
    }

    /// It was interrupted: the last line is the same.
    fn stopped(&self) -> Result<(), Failure> {
        let mut rows = vec![Row::new()];
        rows.extend(self.widths.text(SCRIPTED, bold));
        self.print(&rows)?;
        std::process::exit(interrupt::EXIT)
    }

    /// Gives a person the time to read, or until a key is pressed. `false` says that there is
    /// enough.
    fn waits(&self, interrupted: &mut Interrupted) -> Result<bool, Failure> {
        if !self.paced {
            return Ok(interrupted.try_recv().is_err());
        }
        let hint = "  Enter goes on, q ends";
        say("\n")?;
        // A key that is pressed on seeing the hint must not be echoed beside it.
        let raw = Raw::enter()?;
        say(written(&[vec![dim(hint)]], self.looks).trim_end())?;
        let went_on = pressed(interrupted);
        drop(raw);
        say("\r\u{1b}[K\u{1b}[A")?;
        Ok(went_on?)
    }
}

/// Whether a key that goes on was pressed, or the time is over.
fn pressed(interrupted: &mut Interrupted) -> io::Result<bool> {
    let end = Instant::now() + PACE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if interrupted.try_recv().is_ok() {
            return Ok(false);
        }
        // A signal doesn't end the wait for a key, so it is looked for now and then.
        if !event::poll(left.min(Duration::from_millis(200)))? {
            match left.is_zero() {
                true => return Ok(true),
                false => continue,
            }
        }
        let Event::Key(key) = event::read()? else {
            continue;
        };
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if key.kind == KeyEventKind::Release => {}
            KeyCode::Char('c' | 'd') if is_control => return Ok(false),
            KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
            _ => return Ok(true),
        }
    }
}

fn name(provider: &str) -> &'static str {
    let found = STAND_INS.iter().find(|it| it.provider == provider);
    found.map_or("nobody", |it| it.name)
}

fn listed(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    }
}

/// A step with all that went over the wire.
fn as_json(at: usize, step: &Step, told: &Told) -> Value {
    let events = told.seen.iter().flatten().filter_map(|seen| match seen {
        Seen::Event(RunEvent::Model(event)) => serde_json::to_value(event).ok(),
        Seen::Event(RunEvent::ToolFinished(result)) => {
            Some(json!({ "type": "tool_result", "result": result }))
        }
        Seen::Turned { from, to, why } => {
            Some(json!({ "type": "fallback", "from": from, "to": to, "why": why }))
        }
        Seen::Value(value) => Some(json!({ "type": "value", "value": value })),
        Seen::Stopped(reply) => {
            Some(json!({ "type": "stopped", "kept": reply.response.message() }))
        }
        Seen::Event(_) => None,
    });
    json!({
        "scripted": true,
        "step": at + 1,
        "title": step.title,
        "shows": step.shows,
        "question": step.question,
        "stopped": matches!(step.does, Does::Stop(_)),
        "wire": told.wire.iter().map(exchange).collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
    })
}

fn exchange(exchange: &Exchange) -> Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (request, response) = (&exchange.request, &exchange.response);
    json!({
        "provider": exchange.provider,
        "request": {
            "method": request.method,
            "path": request.path,
            "headers": request.headers,
            "body": text(&request.body),
        },
        "response": {
            "status": response.status,
            "content_type": response.content_type,
            "frames": response.frames.iter().map(|it| text(it)).collect::<Vec<_>>(),
            "hung_up": response.hung_up,
        },
    })
}
