//! Names of models, which clients make up.

/// The most letters that are kept of one.
pub(crate) const LONGEST: usize = 256;

/// What is kept of a name.
pub(super) fn beginning(name: &str) -> &str {
    if name.len() <= LONGEST {
        return name;
    }
    let end = name.char_indices().nth(LONGEST);
    end.map_or(name, |(end, _)| name.get(..end).unwrap_or_default())
}
