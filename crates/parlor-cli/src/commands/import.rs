//! `parlor import`: takes over what other programs have.

use crate::args::ImportArgs;
use crate::environment::env;
use crate::failure::Failure;
use crate::import::{self, Wish};
use crate::setup;
use crate::terminal::{self, Terminal};

/// Takes over, or says what would be.
pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let terminal = Terminal::find(args.common.plain, args.common.quiet);
    let (env, registry) = (env(), setup::registry(args.common.config.as_deref())?);
    let wish = Wish {
        changes: !args.dry_run,
        keys: args.keys,
        config: args.common.config.as_deref(),
    };
    let landed = setup::runtime()?.block_on(async {
        let haul = import::haul(args.from, args.path.as_deref(), &env, &registry).await?;
        import::land(haul, wish, &env).await
    })?;
    for note in &landed.notes {
        terminal.notice(note);
    }
    if landed.lines.is_empty() {
        terminal.notice("There is nothing to take over.");
    }
    for line in &landed.lines {
        terminal::say(&terminal::printable(&format!("{line}\n")))?;
    }
    if args.dry_run {
        terminal.notice("Nothing was changed; without --dry-run it is.");
    }
    Ok(())
}
