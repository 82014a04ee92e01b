//! Keeps secrets out of what is shown, though a server quotes them.

use crate::secret::Secret;
use std::borrow::Cow;
use std::ops::Range;

/// How keys begin; a word that begins so and is long is taken for one.
const BEGINNINGS: &[&str] = &["sk-", "sk_", "gsk_", "hf_", "AIza", "ghp_"];

/// The fewest characters of a word that is taken for a key.
const KEY_LENGTH: usize = 16;

/// The fewest bytes of a secret that is looked for: a shorter one could be any
/// word of a text.
const SHORTEST: usize = 8;

/// The fewest bytes of a secret's beginning at the end of a cut text.
const BEGUN: usize = 6;

/// Takes keys out of texts: those it knows, and what looks like one.
///
/// A server that refuses a request may quote its key. The transport takes every
/// secret that a request carried out of the [`Error`](crate::Error) that comes
/// of it, by [`Error::scrubbed`](crate::Error::scrubbed).
///
/// ```
/// use parlor_core::{Scrub, Secret};
///
/// let scrub = Scrub::new([Secret::new("my-own-secret-9876")]);
/// assert_eq!(scrub.text("no my-own-secret-9876 here"), "no …9876 here");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Scrub {
    /// The longest first, since one may be part of another.
    secrets: Vec<Secret>,
}

impl Scrub {
    /// A scrub that knows these secrets, and the forms that they have within
    /// JSON and URLs. Those of less than eight bytes are left out.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut all: Vec<Secret> = Vec::new();
        for secret in secrets {
            let plain = secret.expose();
            if plain.len() < SHORTEST {
                continue;
            }
            for other in [plain.replace('/', "\\/"), in_url(plain)] {
                if other != plain {
                    all.push(Secret::new(other));
                }
            }
            all.push(secret);
        }
        all.sort_by_key(|it| std::cmp::Reverse(it.expose().len()));
        Self { secrets: all }
    }

    /// The text with every key shown by its last four characters at most.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut known = Cow::Borrowed(text);
        for secret in &self.secrets {
            if known.contains(secret.expose()) {
                known = Cow::Owned(known.replace(secret.expose(), &secret.hint()));
            }
        }
        match (guessed(&known), known) {
            (Some(clean), _) => Cow::Owned(clean),
            (None, known) => known,
        }
    }

    /// Where keys stand in the text, in bytes: those it knows, and what looks
    /// like one. The places are in no order, and may overlap.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let known = self.secrets.iter().flat_map(|secret| {
            let all = text.match_indices(secret.expose());
            all.map(|(at, found)| at..at + found.len())
        });
        let guessed = keys(text).map(|(at, word)| at..at + word.len());
        known.chain(guessed).collect()
    }

    /// The same for a text that was cut at its end, where the beginning of a
    /// secret may stand.
    pub fn cut_text(&self, text: &str) -> String {
        let mut clean = self.text(text).into_owned();
        for secret in &self.secrets {
            let secret = secret.expose();
            let begun = (BEGUN..secret.len())
                .rev()
                .filter_map(|length| secret.get(..length))
                .find(|begun| clean.ends_with(begun));
            if let Some(begun) = begun {
                clean.truncate(clean.len() - begun.len());
                clean.push('…');
            }
        }
        clean
    }
}

/// The text without what looks like a key; `None` where nothing does.
fn guessed(text: &str) -> Option<String> {
    let mut clean = String::new();
    let mut done = 0;
    for (at, word) in keys(text) {
        clean.push_str(text.get(done..at).unwrap_or_default());
        clean.push_str(&Secret::new(word).hint());
        done = at + word.len();
    }
    clean.push_str(text.get(done..).unwrap_or_default());
    (done > 0).then_some(clean)
}

/// The words that look like keys, and where they begin.
fn keys(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let in_key = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
    let mut rest = text;
    let mut bearer = false;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let word_end = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(word_end);
            let begins = BEGINNINGS.iter().any(|start| word.starts_with(start));
            let found = word.len() >= KEY_LENGTH && (begins || bearer);
            let gap_end = after.find(in_key).unwrap_or(after.len());
            bearer = word.eq_ignore_ascii_case("bearer");
            rest = after.split_at(gap_end).1;
            if found {
                return Some((at, word));
            }
        }
        None
    })
}

/// The text with everything percent-encoded that a URL's query has encoded.
fn in_url(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'*' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    const KEY: &str = "my-own/secret+9876";

    fn scrub() -> Scrub {
        Scrub::new([Secret::new(KEY), Secret::new("short")])
    }

    #[test]
    fn a_known_key_is_never_repeated_in_any_form() {
        let text = format!("a short {KEY}, my-own\\/secret+9876 and my-own%2Fsecret%2B9876");
        assert_eq!(scrub().text(&text), "a short …9876, …9876 and …9876");
    }

    #[test]
    fn what_looks_like_a_key_is_not_repeated() {
        let clean = |text| Scrub::default().text(text).into_owned();
        assert_eq!(
            clean("no sk-abcdefghijklmnop1234: wrong"),
            "no …1234: wrong"
        );
        let header = clean("Authorization: Bearer abcdefghijklmnopqrst9999.");
        assert!(!header.contains("abcdefgh"), "{header}");
        let plain = "the sk-learn docs say: é — nothing";
        assert!(matches!(Scrub::default().text(plain), Cow::Borrowed(it) if it == plain));
    }

    #[test]
    fn the_places_of_keys_are_told() {
        let text = format!("é {KEY} then sk-abcdefghijklmnop1234.");
        let places = scrub().places(&text);
        let found: Vec<&str> = places.into_iter().map(|place| &text[place]).collect();
        assert_eq!(found, [KEY, "sk-abcdefghijklmnop1234."]);
    }

    #[test]
    fn an_error_keeps_no_secret_anywhere() {
        let quoting = |text: &str| Error::new(ErrorKind::Server, format!("{text} {KEY}"));
        let error = quoting("message")
            .with_code(KEY)
            .with_help(format!("not {KEY}"))
            .with_request_id(KEY)
            .with_body(format!("{{\"key\":\"{KEY}\"}} and cut: {}", &KEY[..9]).as_bytes())
            .with_source(quoting("source"))
            .scrubbed(&scrub());
        let shown = format!("{error} {error:?} {} {:?}", error.help(), error.body());
        for length in [KEY.len(), 9] {
            assert!(!shown.contains(&KEY[..length]), "{shown}");
        }
        assert_eq!(error.message(), "message …9876");
        assert!(std::error::Error::source(&error).is_none());
    }

    #[test]
    fn an_error_without_secrets_stays_as_it_was() {
        let error = Error::new(ErrorKind::Server, "down").with_source(Error::truncated());
        let error = error.scrubbed(&scrub());
        assert_eq!(error.message(), "down");
        assert!(std::error::Error::source(&error).is_some());
    }
}
