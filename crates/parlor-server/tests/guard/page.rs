//! The tables of the README that tests make.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One writes at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// Compares a table with the README's of this name; with `PARLOR_WRITE=1` in the environment it is
/// written there.
pub(crate) fn region(name: &str, table: &str) {
    let _held = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let (before, rest) = page.split_once(&begin).unwrap();
    let (written, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("PARLOR_WRITE").is_some() {
        std::fs::write(path, [before, &begin, table, &end, after].concat()).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "write it anew: PARLOR_WRITE=1 cargo test -p parlor-server --test guard"
    );
}
