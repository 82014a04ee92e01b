//! Names of tools: one that every provider takes, one for people.

use std::borrow::Cow;

/// Stands between server and tool in the name that a model knows.
const BETWEEN: &str = "__";

/// The most bytes of a name that every provider takes.
const LONGEST: usize = 64;

/// The most bytes of a server's name, so that its tools have room for theirs.
const LONGEST_SERVER: usize = 32;

/// The name that a model knows a tool by: `files__read_file`.
///
/// Providers take letters, digits, `_` and `-`, at most 64. What isn't one
/// becomes `_`, what is too long is cut, and either has a hash of the tool's own
/// name at its end, so that no two tools of a server get the same name. The name
/// is the same in every run.
///
/// ```
/// use parlor_mcp::{shown_name, tool_name};
///
/// assert_eq!(tool_name("files", "read_file"), "files__read_file");
/// assert_eq!(tool_name("files", "read.file"), "files__read_file_2d6f0437");
/// assert_eq!(shown_name("files__read_file"), "files.read_file");
/// ```
pub fn tool_name(server: &str, tool: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => c,
        _ => '_',
    };
    let clean: String = tool.chars().map(plain).collect();
    let whole = format!("{server}{BETWEEN}{clean}");
    if clean == tool && whole.len() <= LONGEST {
        return whole;
    }
    let hash = format!("_{:08x}", hash(tool));
    let kept: String = whole.chars().take(LONGEST - hash.len()).collect();
    kept + &hash
}

/// The name that people are shown for one that a model knows: `files.read_file`
/// for `files__read_file`. A name without a server's stays as it is.
pub fn shown_name(name: &str) -> Cow<'_, str> {
    match name.split_once(BETWEEN) {
        Some((server, tool)) => Cow::Owned(format!("{server}.{tool}")),
        None => Cow::Borrowed(name),
    }
}

/// The server in a name that a model knows.
pub(crate) fn server_of(name: &str) -> Option<&str> {
    name.split_once(BETWEEN).map(|(server, _tool)| server)
}

/// What is wrong with a server's name; it must leave its tools' names readable
/// both ways.
pub(crate) fn check(server: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if server.is_empty() || server.len() > LONGEST_SERVER || !server.chars().all(plain) {
        Err("must have 1 to 32 letters, digits, `-` and `_`")
    } else if server.contains(BETWEEN) || server.ends_with('_') {
        Err("must not have `__` in it nor `_` at its end, which stand before the tool's name")
    } else {
        Ok(())
    }
}

/// FNV-1a, which stays the same from one version of the compiler to the next.
fn hash(text: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suit_every_provider_and_stay_apart() {
        let tools = [
            "read_file",
            "read.file",
            "read/file",
            "read file",
            "",
            "élan",
            &"x".repeat(80),
            &format!("{}y", "x".repeat(79)),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for server in ["a", "files-2", &"s".repeat(LONGEST_SERVER)] {
            for tool in tools {
                let name = tool_name(server, tool);
                assert!(name.len() <= LONGEST, "{name}");
                assert!(
                    name.chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
                );
                assert!(shown_name(&name).starts_with(&format!("{server}.")));
                assert!(seen.insert(name.clone()), "twice: {name}");
            }
        }
    }

    #[test]
    fn a_plain_name_reads_back() {
        let name = tool_name("my_files", "list__all");
        assert_eq!(name, "my_files__list__all");
        assert_eq!(shown_name(&name), "my_files.list__all");
        assert_eq!(shown_name("get_weather"), "get_weather");
    }

    #[test]
    fn servers_names_leave_the_tools_readable() {
        for good in ["files", "git-hub", "a_b", "X9"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a.b", "a__b", "a_", "é", &"x".repeat(33)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
