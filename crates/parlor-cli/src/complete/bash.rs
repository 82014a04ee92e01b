//! Bash, which takes `=` and `:` for ends of words.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::engine::complete;
use clap_complete::env::EnvCompleter;

/// The place of the word at the cursor.
const INDEX: &str = "_PARLOR_COMPLETE_INDEX";

/// Completion in bash: words that it cut at `=` and `:` are put together again, and of what is
/// offered it gets the part after the cut, which is what it replaces.
pub(super) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        write!(
            buf,
            r#"_{name}_complete() {{
    local IFS=$'\n'
    COMPREPLY=($({INDEX}=$COMP_CWORD {var}=bash {completer} -- "${{COMP_WORDS[@]}}" 2> /dev/null))
    if [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == *[=/:] ]]; then
        compopt -o nospace 2> /dev/null
    fi
}}
complete -o bashdefault -o default -o nosort -F _{name}_complete {bin} 2> /dev/null ||
    complete -o bashdefault -o default -F _{name}_complete {bin}
"#
        )
    }

    fn write_complete(
        &self,
        cmd: &mut Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let index = std::env::var(INDEX).ok().and_then(|it| it.parse().ok());
        let (words, kept) = joined(args, index.unwrap_or(usize::MAX));
        let at = words.len().saturating_sub(1);
        for candidate in complete(cmd, words, at, current_dir)? {
            let value = candidate.get_value().to_string_lossy();
            if let Some(rest) = value.get(kept..) {
                writeln!(buf, "{rest}")?;
            }
        }
        Ok(())
    }
}

/// The words up to the one at the cursor, put together where bash cut them, and how
/// many bytes of the last one bash doesn't replace.
fn joined(words: Vec<OsString>, index: usize) -> (Vec<OsString>, usize) {
    let mut whole: Vec<OsString> = Vec::new();
    let mut kept = 0;
    let mut is_open = false;
    for word in words.into_iter().take(index.saturating_add(1)) {
        let is_cut = is_cut(&word);
        match whole.last_mut() {
            // The name of the program is no part of an option.
            Some(last) if (is_cut || is_open) && !last.is_empty() => {
                kept = match is_cut {
                    true => last.len() + word.len(),
                    false => last.len(),
                };
                last.push(&word);
            }
            _ => {
                kept = 0;
                whole.push(word);
            }
        }
        is_open = is_cut;
    }
    (whole, kept)
}

/// Whether a word is what bash cuts at.
fn is_cut(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b'=' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_bash_cut_are_whole_again() {
        let of = |words: &[&str]| {
            let words = words.iter().map(OsString::from).collect::<Vec<_>>();
            let (words, kept) = joined(words, usize::MAX);
            let words: Vec<_> = words
                .into_iter()
                .map(|it| it.into_string().unwrap())
                .collect();
            (words.join(" "), kept)
        };
        assert_eq!(of(&["parlor", "-c", "="]), ("parlor -c=".into(), 3));
        assert_eq!(of(&["parlor", "-c", "=", "k3"]), ("parlor -c=k3".into(), 3));
        assert_eq!(
            of(&["parlor", "-m", "a/b", ":", "8"]),
            ("parlor -m a/b:8".into(), 4)
        );
        assert_eq!(of(&["parlor", "-m", ""]), ("parlor -m ".into(), 0));
        assert_eq!(
            of(&["parlor", "-m", "x", "--out"]),
            ("parlor -m x --out".into(), 0)
        );
    }
}
