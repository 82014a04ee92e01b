//! What must not stand in a recording: keys, account ids, mail addresses.

use parlor_core::{Scrub, Secret};

/// What stands in the place of a secret.
const REDACTED: &str = "REDACTED";

/// How identifiers of accounts, and keys, begin.
const BEGINNINGS: &[&str] = &[
    "sk-", "sk_", "gsk_", "hf_", "AIza", "ghp_", "xai-", "nvapi-", "org-", "org_", "proj_",
    "acct_", "user-", "user_", "AKIA", "ASIA",
];

/// Fields of JSON that tell who asked, whatever they hold.
const FIELDS: &[&str] = &[
    "access_token",
    "account",
    "account_id",
    "accountId",
    "api_key",
    "apiKey",
    "email",
    "org_id",
    "organization",
    "organization_id",
    "project_id",
    "refresh_token",
    "safety_identifier",
    "session_key",
    "session_secret",
    "user_email",
    "user_id",
];

/// Parameters of a URL that prove or tell who asks.
const PARAMETERS: &[&str] = &[
    "key",
    "api_key",
    "token",
    "sig",
    "signature",
    "project",
    "client_id",
    "client_secret",
];

/// Takes out of texts what must not stand in a recording: the secrets it is given, in the forms
/// that they have in JSON and URLs; what looks like a key, an account's id or a mail address; and
/// the fields of JSON and parameters of URLs that hold such things.
///
/// ```
/// use parlor_testkit::Redaction;
///
/// let redaction = Redaction::new(["my-own-secret"]);
/// let text = r#"{"org_id": "o1", "said": "my-own-secret of ann@example.org"}"#;
/// assert_eq!(
///     redaction.text(text),
///     r#"{"org_id": "REDACTED", "said": "REDACTED of REDACTED"}"#
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    secrets: Vec<Secret>,
    scrub: Scrub,
}

impl Redaction {
    /// A redaction that knows these secrets.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let secrets = secrets.into_iter();
        let mut secrets: Vec<Secret> = secrets
            .map(|it| it.as_ref().to_owned())
            .filter(|it| !it.is_empty())
            .flat_map(|it| [it.replace('/', "\\/"), in_url(&it), it])
            .map(Secret::new)
            .collect();
        // The longest first, since one may be part of another.
        secrets.sort_by_key(|it| std::cmp::Reverse(it.expose().len()));
        Self {
            scrub: Scrub::new(secrets.clone()),
            secrets,
        }
    }

    /// A text without all that.
    pub fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            clean = clean.replace(secret.expose(), REDACTED);
        }
        clean = without_fields(&clean);
        clean = without_words(&clean);
        // What looks like a key to the core, too.
        self.scrub.text(&clean).into_owned()
    }

    /// A path with its query, without all that.
    pub fn url(&self, url: &str) -> String {
        let Some((path, query)) = url.split_once('?') else {
            return self.text(url);
        };
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
            _ => self.text(pair),
        };
        let query: Vec<String> = query.split('&').map(pair).collect();
        format!("{}?{}", self.text(path), query.join("&"))
    }
}

/// A secret as it stands in a URL, percent-encoded.
fn in_url(secret: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    secret.bytes().map(byte).collect()
}

fn is_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    PARAMETERS.contains(&name.as_str()) || name.starts_with("x-amz-") || name.contains("token")
}

/// The text with every `"field": "value"` of [`FIELDS`] emptied, escaped once (in JSON within
/// JSON) or not.
fn without_fields(text: &str) -> String {
    let mut clean = text.to_owned();
    for field in FIELDS {
        for quote in ["\"", "\\\""] {
            let name = format!("{quote}{field}{quote}");
            let mut out = String::with_capacity(clean.len());
            let mut rest = clean.as_str();
            while let Some((before, after)) = rest.split_once(&name) {
                out.push_str(before);
                out.push_str(&name);
                rest = after;
                let value = after.trim_start().strip_prefix(':').map(str::trim_start);
                let Some(value) = value.and_then(|it| it.strip_prefix(quote)) else {
                    continue;
                };
                let Some((_, tail)) = value.split_once(quote) else {
                    continue;
                };
                let lead = after.len() - value.len();
                out.push_str(after.get(..lead).unwrap_or_default());
                out.push_str(REDACTED);
                out.push_str(quote);
                rest = tail;
            }
            out.push_str(rest);
            clean = out;
        }
    }
    clean
}

/// The text without words that look like a key, an account's id or a mail address.
fn without_words(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.@+%".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (between, from) = rest.split_at(start);
        out.push_str(between);
        let (word, tail) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        let before = out.chars().next_back();
        let account = word.len() == 12
            && word.bytes().all(|it| it.is_ascii_digit())
            && (before == Some(':') && tail.starts_with(':'));
        let known = |it: &&str| word.len() >= it.len() + 8 && word.starts_with(*it);
        // A full stop ends the sentence, not the address.
        let bare = word.trim_end_matches('.');
        match account || is_mail(bare) || BEGINNINGS.iter().any(known) {
            true => {
                out.push_str(REDACTED);
                out.push_str(word.get(bare.len()..).unwrap_or_default());
            }
            false => out.push_str(word),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn is_mail(word: &str) -> bool {
    let word = word.replace("%40", "@");
    word.split_once('@')
        .is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
}
