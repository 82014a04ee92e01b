//! Every event as a line of JSON.

use std::io::{self, Write};

use parlor::{ChatResponse, Event};

use super::Output;

#[derive(Debug)]
pub(crate) struct EventsOutput;

impl Output for EventsOutput {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }

    fn end(&mut self, _: &ChatResponse) -> io::Result<()> {
        Ok(())
    }

    fn fail(&mut self) -> io::Result<()> {
        Ok(())
    }
}
