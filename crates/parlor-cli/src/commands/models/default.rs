//! `parlor models default`: the model that is asked where none is named.

use crate::args::Common;
use crate::choose::{self, Wish};
use crate::commands::configure_default_model;
use crate::environment::env;
use crate::failure::Failure;
use crate::setup;
use crate::terminal::{self, Terminal};

/// Says which it is and why, or has this one asked from now on.
pub(super) fn default(common: &Common, model: Option<&str>) -> Result<(), Failure> {
    let terminal = Terminal::find(common.plain, common.quiet);
    let registry = setup::registry(common.config.as_deref())?;
    let wish = Wish {
        model,
        base_url: None,
        held: None,
        force: false,
    };
    // What can't be asked is told as it is when it is asked.
    let chosen = setup::runtime()?.block_on(choose::choose(&registry, wish))?;
    let Some(model) = model else {
        if let Some(notice) = chosen.notice() {
            terminal.notice(notice);
        }
        let id = chosen.resolved.id();
        return Ok(terminal::say(&terminal::printable(&format!("{id}\n")))?);
    };
    let file = configure_default_model(common.config.as_deref(), model)?;
    terminal.notice(format!(
        "{model} is asked where no model is named: default_model in {}.",
        file.display()
    ));
    let variable = env().get("PARLOR_MODEL").filter(|it| !it.is_empty());
    if let Some(other) = variable.filter(|it| it != model) {
        terminal.notice(format!("PARLOR_MODEL wins over it, and is {other}."));
    }
    Ok(())
}
