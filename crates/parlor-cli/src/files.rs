//! Folders and files of the program's own: made for their owner, replaced whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What to do where a file of one's own can't be written.
pub(crate) const UNWRITABLE: &str = "Make room, or change who may write there.";

static EPHEMERAL: AtomicBool = AtomicBool::new(false);

/// Leaves nothing behind from here on that nobody asked for: no lines that were
/// entered, no decisions about tools, no lists of models.
pub(crate) fn leave_nothing() {
    EPHEMERAL.store(true, Ordering::Relaxed);
}

/// Whether nothing is to be left behind.
pub(crate) fn leaves_nothing() -> bool {
    EPHEMERAL.load(Ordering::Relaxed)
}

/// Makes a folder and those above it, which nobody but their owner can enter.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Writes a file, whole or not at all. A private one can be read by its owner
/// alone; another keeps who may read it. A link stays one.
pub(crate) fn replace(file: &Path, text: &str, is_private: bool) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut beside = target.clone().into_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = write_new(&beside, text, is_private).and_then(|()| {
        if !is_private && let Ok(before) = fs::metadata(&target) {
            fs::set_permissions(&beside, before.permissions())?;
        }
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        // What is left of a failed attempt is of no use; the failure is told.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(file: &Path, text: &str, is_private: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = is_private;
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Whether this process may write to a file, or make one in a folder.
#[cfg(unix)]
pub(crate) fn may_write(place: &Path) -> bool {
    rustix::fs::access(place, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether this process may write to a file, or make one in a folder.
#[cfg(not(unix))]
pub(crate) fn may_write(place: &Path) -> bool {
    fs::metadata(place).is_ok_and(|it| it.is_dir() || !it.permissions().readonly())
}

/// Whether others than its owner may read an open file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(file: &File) -> io::Result<bool> {
    let mode = std::os::unix::fs::MetadataExt::mode(&file.metadata()?);
    Ok(mode & 0o077 != 0)
}

/// Whether others than its owner may read an open file: what Windows says of a
/// user's folder is not asked.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Has only its owner read and write an open file.
#[cfg(unix)]
pub(crate) fn close_to_others(file: &File) -> io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    file.set_permissions(mode)
}

/// Has only its owner read and write an open file.
#[cfg(not(unix))]
pub(crate) fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}
