//! Keeps keys out of what is printed, though a provider quotes them.

use parlor::Secret;

/// How keys begin; a word that begins so and is long is taken for one.
const BEGINNINGS: &[&str] = &["sk-", "sk_", "gsk_", "hf_", "AIza", "ghp_"];

/// The fewest characters of a word that is taken for a key.
const KEY_LENGTH: usize = 16;

/// Takes keys out of a text: the one that was sent, and what looks like one.
#[derive(Debug, Default)]
pub(crate) struct Scrub {
    secret: Option<Secret>,
}

impl Scrub {
    pub(crate) fn of(secret: Option<&Secret>) -> Self {
        // A short one could be any word of the text.
        let secret = secret.filter(|secret| secret.expose().len() >= 8).cloned();
        Self { secret }
    }

    /// The text with every key shown by its last four characters at most.
    pub(crate) fn text(&self, text: &str) -> String {
        let text = match &self.secret {
            Some(secret) => text.replace(secret.expose(), &secret.hint()),
            None => text.to_owned(),
        };
        let in_key = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
        let mut clean = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut bearer = false;
        while !rest.is_empty() {
            let word_end = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(word_end);
            let begins = BEGINNINGS.iter().any(|start| word.starts_with(start));
            match word.len() >= KEY_LENGTH && (begins || bearer) {
                true => clean.push_str(&Secret::new(word).hint()),
                false => clean.push_str(word),
            }
            let gap_end = after.find(in_key).unwrap_or(after.len());
            let (gap, next) = after.split_at(gap_end);
            clean.push_str(gap);
            bearer = word.eq_ignore_ascii_case("bearer");
            rest = next;
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_repeated() {
        let scrub = Scrub::of(Some(&Secret::new("my-own-secret-9876")));
        let text = scrub.text("no my-own-secret-9876, no sk-abcdefghijklmnop1234: wrong");
        assert_eq!(text, "no …9876, no …1234: wrong");
        let other = Scrub::default().text("Authorization: Bearer abcdefghijklmnopqrst9999.");
        assert!(!other.contains("abcdefgh"), "{other}");
        let plain = "the sk-learn docs say: é — nothing";
        assert_eq!(Scrub::default().text(plain), plain);
    }
}
