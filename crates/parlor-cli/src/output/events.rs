//! Every event as a line of JSON.

use std::io;

use parlor::agent::RunEvent;
use parlor::{ChatResponse, Event, Warning};
use serde::Serialize;
use serde_json::json;

use super::{Output, escaped};
use crate::terminal;

#[derive(Debug)]
pub(crate) struct EventsOutput {
    /// What is known of the model before it is asked; told after the beginning.
    warning: Option<Warning>,
}

impl EventsOutput {
    pub(crate) fn new(warning: Option<Warning>) -> Self {
        Self { warning }
    }
}

impl Output for EventsOutput {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        say(event)?;
        let begins = matches!(event, Event::Started { .. });
        match self.warning.take_if(|_| begins) {
            Some(warning) => say(&Event::Warning {
                warning: Box::new(warning),
            }),
            None => Ok(()),
        }
    }

    fn tool(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::ToolStarted(call) => say(&json!({"type": "tool_started", "call": call})),
            RunEvent::ToolFinished(result) => {
                say(&json!({"type": "tool_finished", "result": result}))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: &ChatResponse) -> io::Result<()> {
        Ok(())
    }

    fn fail(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn say(event: &impl Serialize) -> io::Result<()> {
    terminal::say(&format!("{}\n", escaped(serde_json::to_string(event)?)))
}
