//! The environment that a command sees: the process's, and a file's where one was named.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use parlor::{Config, Env, Error, ErrorKind, Result};

/// What the file says, once it is read.
static FILE: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// The profile that the command line names.
static PROFILE: OnceLock<String> = OnceLock::new();

/// Takes this profile of the configuration, whatever the environment says.
pub(crate) fn take_profile(name: &str) {
    // The command line names one.
    let _ = PROFILE.set(name.to_owned());
}

/// The environment. A variable that the process has wins over the file's.
pub(crate) fn env() -> Env {
    let process = Env::process();
    Env::new(move |name| {
        let of_file = || FILE.get()?.get(name).cloned();
        if let (Config::PROFILE_VARIABLE, Some(profile)) = (name, PROFILE.get()) {
            return Some(profile.clone());
        }
        process.get(name).or_else(of_file)
    })
}

/// Reads a file of variables, for all that is asked for from here on.
///
/// # Errors
/// When it can't be read, and a line that is no `NAME=value`; no value is repeated.
pub(crate) fn load(file: &Path) -> Result<()> {
    let at = |told: String| {
        Error::new(
            ErrorKind::Configuration,
            format!("{}{told}", file.display()),
        )
        .with_help("Write a line for each variable: NAME=value, NAME=\"value\" or NAME='value'.")
    };
    let text = fs::read_to_string(file).map_err(|error| {
        at(format!(": cannot read: {error}")).with_help("Check the path and its permissions.")
    })?;
    let variables = read(&text).map_err(|(line, wrong)| at(format!(":{line}: {wrong}")))?;
    // The command line names one file, which is read once.
    let _ = FILE.set(variables);
    Ok(())
}

/// The variables of a text, or the line that is wrong and why.
fn read(text: &str) -> std::result::Result<BTreeMap<String, String>, (usize, &'static str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let variable = |(at, line)| variable(line).map_err(|wrong| (at + 1, wrong));
    lines.map(variable).collect()
}

fn variable(line: &str) -> std::result::Result<(String, String), &'static str> {
    let exported = line
        .strip_prefix("export")
        .filter(|rest| rest.starts_with([' ', '\t']));
    let line = exported.unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("there is no `=`")?;
    let name = name.trim();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || !name.chars().all(is_word)
        || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err("what stands before `=` is no name");
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(value, quote)?,
        // A comment needs a space before it.
        _ => match value.starts_with('#') {
            true => String::new(),
            false => value
                .split(" #")
                .next()
                .unwrap_or(value)
                .trim_end()
                .to_owned(),
        },
    };
    Ok((name.to_owned(), value))
}

/// What stands between quotes; in double ones a backslash may quote.
fn quoted(value: &str, quote: char) -> std::result::Result<String, &'static str> {
    let mut text = String::new();
    let mut rest = value.chars().skip(1);
    loop {
        match rest.next().ok_or("a quote isn't closed on its line")? {
            c if c == quote => break,
            '\\' if quote == '"' => match rest.next().ok_or("a quote isn't closed on its line")? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                c @ ('"' | '\\' | '$') => text.push(c),
                c => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
    let after: String = rest.collect();
    match after.trim() {
        after if after.is_empty() || after.starts_with('#') => Ok(text),
        _ => Err("something follows the closing quote"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_they_are_written() {
        let text = "\u{feff}# comment\r\nA=1\r\nexport B = two words # and this\n\nC='a \\n #b' # c\n\
                    D=\"x\\ty\\\"\\q$\"\nE=\nF=a#b\nG= # none\nexport=1\n";
        let read = read(text).unwrap();
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a \\n #b"),
            ("D", "x\ty\"\\q$"),
            ("E", ""),
            ("F", "a#b"),
            ("G", ""),
            ("export", "1"),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for wrong in ["A", "1A=x", "a b=x", "=x", "A='x", "A=\"x\\", "A='x' y"] {
            let text = format!("OK=1\n{wrong}\n");
            assert_eq!(read(&text).unwrap_err().0, 2, "{wrong}");
        }
    }
}
