//! A string that never prints.

use std::fmt;

/// A key or token. `Debug` and `Display` show at most its last four
/// characters; the whole is had only by [`expose`](Self::expose).
///
/// It has no serde form on purpose: a secret is never written out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret; surrounding white space, which pasted keys often carry,
    /// is cut off.
    pub fn new(secret: impl AsRef<str>) -> Self {
        Self(secret.as_ref().trim().into())
    }

    /// The secret itself. Call it only where the secret is used.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `…a1b2`: the last four characters, or `…` for a short secret.
    pub fn hint(&self) -> String {
        let count = self.0.chars().count();
        let tail: String = match count {
            12.. => self.0.chars().skip(count - 4).collect(),
            _ => String::new(),
        };
        format!("…{tail}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.hint())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints_more_than_four_characters() {
        let secret = Secret::new(" sk-abcdefghijkl1234\n");
        assert_eq!(format!("{secret:?} {secret}"), "Secret(…1234) …1234");
        assert_eq!(secret.expose(), "sk-abcdefghijkl1234");
        assert_eq!(Secret::new("short").to_string(), "…");
    }
}
