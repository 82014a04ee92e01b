//! What differs between databases: a few words of their languages.

/// The words of one database's language that aren't those of the others.
#[derive(Debug)]
pub(crate) struct Database {
    /// The type of a key of 64 bits.
    pub(crate) key: &'static str,
    /// Begins a transaction that will write.
    pub(crate) begin: &'static str,
    /// Said in a transaction that is to be the only one that makes the tables.
    pub(crate) alone: Option<&'static str>,
    /// Said to each new connection.
    pub(crate) greeting: &'static [&'static str],
    /// Makes what [`search`](Self::search) looks in.
    pub(crate) index: &'static [&'static str],
    /// Makes it anew, of words that are divided as those of a search are.
    pub(crate) words: &'static [&'static str],
    /// Makes it anew, of words without their accents.
    pub(crate) folded: &'static [&'static str],
    /// Conversations of `$3`, or of everybody, whose titles are like `$1`, as conversation, head, title.
    pub(crate) titled: &'static str,
    /// Whether it compares titles without their accents.
    pub(crate) folds: bool,
    /// Turns of `$3`, or of everybody, with all terms of `$1`, best first, as conversation, turn and the
    /// text around them.
    pub(crate) search: &'static str,
    /// How a term of a search is written, between a prefix and a suffix.
    pub(crate) term: (&'static str, &'static str),
    /// What stands between terms.
    pub(crate) and: &'static str,
    /// The day (UTC) of the milliseconds `at_ms`.
    pub(crate) day: &'static str,
    /// Whether the values of a statement have numbers: `$1`, else `?`.
    pub(crate) numbers: bool,
}

/// <https://sqlite.org/lang.html>, <https://sqlite.org/fts5.html>
#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: Database = Database {
    key: "INTEGER",
    // Waits for other writers here, where waiting is possible.
    begin: "BEGIN IMMEDIATE",
    alone: None,
    greeting: &[
        "PRAGMA busy_timeout = 5000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    ],
    index: &[
        "CREATE VIRTUAL TABLE turns_text USING fts5(
            text, content = 'turns', content_rowid = 'id',
            tokenize = 'unicode61 remove_diacritics 2')",
        "CREATE TRIGGER turns_text_insert AFTER INSERT ON turns BEGIN
            INSERT INTO turns_text (rowid, text) VALUES (new.id, new.text);
        END",
        "CREATE TRIGGER turns_text_delete AFTER DELETE ON turns BEGIN
            INSERT INTO turns_text (turns_text, rowid, text)
                VALUES ('delete', old.id, old.text);
        END",
        "CREATE TRIGGER turns_text_update AFTER UPDATE OF text ON turns BEGIN
            INSERT INTO turns_text (turns_text, rowid, text)
                VALUES ('delete', old.id, old.text);
            INSERT INTO turns_text (rowid, text) VALUES (new.id, new.text);
        END",
    ],
    words: &[],
    folded: &[],
    titled: "SELECT id, head, title FROM conversations
        WHERE lower(title) LIKE $1 ESCAPE '\\' AND head IS NOT NULL
            AND (CAST($3 AS TEXT) IS NULL OR owner = $3) ORDER BY updated_ms DESC LIMIT $2",
    folds: false,
    search: "SELECT turns.conversation, turns.id,
            snippet(turns_text, 0, char(2), char(3), '…', 16)
        FROM turns_text JOIN turns ON turns.id = turns_text.rowid
        WHERE turns_text MATCH $1 AND (CAST($3 AS TEXT) IS NULL OR turns.conversation IN
            (SELECT id FROM conversations WHERE owner = $3))
        ORDER BY turns_text.rank, turns.id DESC LIMIT $2",
    term: ("\"", "\"*"),
    and: " ",
    day: "date(at_ms / 1000, 'unixepoch')",
    // It looks for each number among all of them.
    numbers: false,
};

/// The words of a text. Of names of files and hosts, dates and such, PostgreSQL makes one word each,
/// in which nobody would find a part.
#[cfg(feature = "postgres")]
macro_rules! words {
    ($text:literal) => {
        concat!(
            "to_tsvector('simple', translate(",
            $text,
            ", E'!\"#$%&''()*+,-./:;<=>?@[\\\\]^_`{|}~', repeat(' ', 32)))"
        )
    };
}

/// A text without accents, as far as the server can take them off: `unaccent` is an extension, and
/// letters are taken apart in UTF-8 alone, since version 13.
#[cfg(feature = "postgres")]
const FOLDED: &str = r"DO $do$ BEGIN
    IF getdatabaseencoding() = 'UTF8' AND EXISTS (SELECT FROM pg_proc WHERE proname = 'normalize') THEN
        CREATE OR REPLACE FUNCTION parlor_folded(text) RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
            $f$ SELECT normalize(regexp_replace(normalize($1, NFD), '[\u0300-\u036F]', '', 'g'), NFC) $f$;
    ELSE
        CREATE OR REPLACE FUNCTION parlor_folded(text) RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$ SELECT $1 $f$;
    END IF;
END $do$";

/// <https://www.postgresql.org/docs/current/textsearch.html>
#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: Database = Database {
    key: "BIGINT",
    begin: "BEGIN",
    // To the end of the transaction, by a number that nobody else has. It gives no value of a type
    // that can be read.
    alone: Some("SELECT COUNT(*) FROM pg_advisory_xact_lock(8097879446543462771)"),
    greeting: &[],
    index: &["CREATE INDEX turns_text ON turns USING gin (to_tsvector('simple', text))"],
    words: &[
        "DROP INDEX turns_text",
        concat!(
            "CREATE INDEX turns_text ON turns USING gin (",
            words!("text"),
            ")"
        ),
    ],
    folded: &[
        FOLDED,
        "DROP INDEX turns_text",
        concat!(
            "CREATE INDEX turns_text ON turns USING gin (",
            words!("parlor_folded(text)"),
            ")"
        ),
    ],
    titled: "SELECT id, head, title FROM conversations
        WHERE lower(parlor_folded(title)) LIKE $1 ESCAPE '\\' AND head IS NOT NULL
            AND (CAST($3 AS TEXT) IS NULL OR owner = $3) ORDER BY updated_ms DESC LIMIT $2",
    folds: true,
    // What is shown is the text as it was said, where the words stand in it so.
    search: concat!(
        "SELECT conversation, id,
            ts_headline('simple',
                CASE WHEN to_tsvector('simple', text) @@ (said || query) THEN text
                    ELSE parlor_folded(text) END,
                said || query,
                'StartSel=' || chr(2) || ', StopSel=' || chr(3) || ', MinWords=8, MaxWords=16')
        FROM turns, to_tsquery('simple', $1) AS said,
            to_tsquery('simple', parlor_folded($1)) AS query
        WHERE ",
        words!("parlor_folded(text)"),
        " @@ query
            AND (CAST($3 AS TEXT) IS NULL OR conversation IN
                (SELECT id FROM conversations WHERE owner = $3))
        ORDER BY ts_rank(",
        words!("parlor_folded(text)"),
        ", query) DESC, id DESC LIMIT $2"
    ),
    term: ("'", "':*"),
    and: " & ",
    day: "to_char(to_timestamp(at_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    numbers: true,
};
