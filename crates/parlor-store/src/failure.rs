//! What a database says, told as the one error.

use parlor_core::{Error, ErrorKind, Retry};

/// SQLite's result codes that have advice of their own.
/// <https://sqlite.org/rescode.html>
const ADVICE: &[(i64, &str)] = &[
    (5, "Another program writes to it for long; try again."),
    (
        8,
        "The file or its folder can't be written to; change its permissions.",
    ),
    (
        10,
        "Reading or writing the file failed; see whether its disk is sound.",
    ),
    (
        11,
        "The file is damaged; move it away, and a new one is made.",
    ),
    (13, "The disk is full; make room, then go on."),
    (
        14,
        "The file can't be opened; see whether its folder is there and yours.",
    ),
    (
        26,
        "The file isn't a database; move it away, and a new one is made.",
    ),
];

/// Whether a server of PostgreSQL says that it ends, begins, or has no connection left.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn is_away(code: &str) -> bool {
    code.starts_with("57P0") || code.starts_with("08") || code == "53300"
}

/// Whether a database refuses the values that it was given, as it would again: PostgreSQL by the
/// classes of data, of integrity and of its limits, SQLite by what is too large or breaks a rule.
pub(crate) fn is_of_values(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|it| it.code());
    let code = code.as_deref().unwrap_or_default();
    let classes = ["22", "23", "54"];
    match of_sqlite(code) {
        Some(primary) => matches!(primary, 18..=20),
        None => classes.iter().any(|class| code.starts_with(class)),
    }
}

/// The lower byte of a code of SQLite's, which is what went wrong; the others say it more
/// closely. Codes of PostgreSQL's, and no other, have five letters.
fn of_sqlite(code: &str) -> Option<i64> {
    let code = (code.len() < 5).then(|| code.parse::<i64>().ok())??;
    Some(code & 0xff)
}

/// An error of the database while `doing` something.
pub(crate) fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| {
        let (kind, retry) = match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_) => {
                (ErrorKind::Connection, Retry::Later(None))
            }
            sqlx::Error::Database(told) if told.code().is_some_and(|code| is_away(&code)) => {
                (ErrorKind::Connection, Retry::Later(None))
            }
            sqlx::Error::Configuration(_) => (ErrorKind::Configuration, Retry::Never),
            _ => (ErrorKind::Unexpected, Retry::Never),
        };
        let told = error.as_database_error();
        let says = told.map_or_else(|| error.to_string(), |it| it.message().to_owned());
        let code = told.and_then(|it| it.code()).map(|code| code.into_owned());
        let primary = code.as_deref().and_then(of_sqlite);
        let advice = ADVICE.iter().find(|(code, _)| Some(*code) == primary);
        let message = format!("the store failed while {doing}: {says}");
        let mut failure = Error::new(kind, message).with_retry(retry);
        if let Some(code) = code {
            failure = failure.with_code(code);
        }
        if let Some((_, advice)) = advice {
            failure = failure.with_help(*advice);
        }
        failure.with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::of_sqlite;

    #[test]
    fn codes_of_postgresql_are_none_of_sqlite() {
        assert_eq!(of_sqlite("14"), Some(14));
        // SQLITE_IOERR_FSYNC, and what PostgreSQL says of a zero letter.
        assert_eq!(of_sqlite("1034"), Some(10));
        assert_eq!(of_sqlite("22021"), None);
        assert_eq!(of_sqlite("57P01"), None);
    }
}
