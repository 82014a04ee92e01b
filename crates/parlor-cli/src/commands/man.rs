//! `parlor man`: pages of the manual, for who packs the program.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use parlor::{Error, ErrorKind};

use crate::args::{self, ManArgs};
use crate::failure::Failure;

/// Writes a page for the program and one for each command.
pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut tree = args::tree().disable_help_subcommand(true);
    tree.build();
    pages(&tree, &args.folder).map_err(|error| {
        let message = format!("cannot write to {}: {error}", args.folder.display());
        let error = Error::new(ErrorKind::Configuration, message);
        Failure::from(error).help("name a folder that is there and can be written to")
    })
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let source = format!("parlor {}", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(source).manual("parlor");
    page.generate_to(folder)?;
    let mut commands = command.get_subcommands().filter(|it| !it.is_hide_set());
    commands.try_for_each(|command| pages(command, folder))
}
