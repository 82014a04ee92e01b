//! `parlor completions`: the script that has a shell ask this program.

use crate::args::CompletionsArgs;
use crate::complete;
use crate::failure::Failure;
use crate::terminal;

/// Prints the script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    Ok(terminal::say(&complete::registration(args.shell)?)?)
}
