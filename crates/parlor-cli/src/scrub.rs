//! Keeps the secrets of addresses out of what is printed.

use parlor::Secret;

/// An address without user, password and query, which may hold secrets.
pub(crate) fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let (scheme, rest) = match url.find("://") {
        Some(at) => url.split_at(at + "://".len()),
        None => ("", url),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{host}{path}")
}

/// The values in an address that may be secrets: its password and its query.
pub(crate) fn secrets_of(url: &str) -> Vec<Secret> {
    let url = url.split('#').next().unwrap_or(url);
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user.and_then(|user| Some(user.split_once(':')?.1));
    let values = query
        .split('&')
        .filter_map(|pair| Some(pair.split_once('=')?.1));
    values.chain(password).map(Secret::new).collect()
}

/// What the names of options have in them whose values are secrets, and how such
/// values begin.
const OF_SECRETS: &[&str] = &[
    "token", "key", "secret", "password", "passwd", "auth", "bearer",
];

/// A command as it may be shown: without the values of options that hold secrets, nor
/// the secrets of addresses.
pub(crate) fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let is_secret = |word: &str| {
        let word = word.to_lowercase();
        OF_SECRETS.iter().any(|name| word.contains(name))
    };
    let mut shown: Vec<String> = Vec::new();
    let mut is_value = false;
    for (at, word) in words.into_iter().enumerate() {
        let option = word.starts_with('-').then(|| word.split_once('='));
        shown.push(match option {
            _ if at == 0 => word.to_owned(),
            Some(Some((name, _))) if is_secret(name) => format!("{name}=…"),
            None if is_value => "…".to_owned(),
            // A header, such as `Authorization: Bearer x`.
            None if word.contains(' ') && is_secret(word) => "…".to_owned(),
            _ if word.contains("://") => without_secrets(word),
            _ => word.to_owned(),
        });
        is_value = at > 0 && option == Some(None) && is_secret(word);
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_shows_no_secret() {
        let of = |words: &str| command_line(words.split('|'));
        assert_eq!(of("npx|-y|@a/server-keys|."), "npx -y @a/server-keys .");
        assert_eq!(of("keytool|--verbose|x"), "keytool --verbose x");
        assert_eq!(of("x|--api-key|abc|y"), "x --api-key … y");
        assert_eq!(of("x|--token=abc|-v"), "x --token=… -v");
        assert_eq!(of("x|--header|Authorization: Bearer abc"), "x --header …");
        assert_eq!(of("x|https://me:pass@host/a?k=1"), "x https://host/a");
    }

    #[test]
    fn an_address_shows_no_password() {
        let of = without_secrets;
        assert_eq!(of("https://me:pass@host/v1?key=x"), "https://host/v1");
        assert_eq!(of("http://127.0.0.1:11434"), "http://127.0.0.1:11434");
        assert_eq!(of("me:pass@host:11434/v1?key=x"), "host:11434/v1");
    }

    #[test]
    fn the_secrets_of_an_address_are_found() {
        let of = |url| -> Vec<String> {
            let secrets = secrets_of(url);
            secrets.iter().map(|it| it.expose().to_owned()).collect()
        };
        assert_eq!(
            of("https://me:pass@host/v1?key=x&api-version=1"),
            ["x", "1", "pass"]
        );
        assert_eq!(of("http://127.0.0.1:11434/a@b:c"), [""; 0]);
    }
}
