//! Who may ask: keys, and pages of other sites that may not.

use axum::http::{HeaderMap, Uri, header};
use parlor::{Error, ErrorKind, Result, Secret};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The headers that hold a key by itself.
const KEY_HEADERS: [&str; 3] = ["x-api-key", "api-key", "x-goog-api-key"];

/// The keys as they are kept, and whether only this machine can ask.
#[derive(Debug)]
pub(crate) struct Access {
    digests: Vec<[u8; 32]>,
    is_local: bool,
}

impl Access {
    pub(crate) fn new(keys: &[Secret], is_local: bool) -> Self {
        let digests = keys.iter().map(|key| digest(key.expose()));
        Self {
            digests: digests.collect(),
            is_local,
        }
    }

    /// Lets a request in or says why not.
    pub(crate) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<()> {
        self.check_site(headers)?;
        if self.digests.is_empty() || self.knows(headers, uri) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Authentication,
            "the key of this service is missing or wrong",
        ))
    }

    /// A page elsewhere can have a browser send requests here, by its own name or by one that
    /// leads to this machine.
    fn check_site(&self, headers: &HeaderMap) -> Result<()> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST);
        let refused = |what: &str| {
            let error = Error::new(
                ErrorKind::Permission,
                format!("requests {what} are refused"),
            );
            Err(error.with_status(403))
        };
        if self.is_local && host.is_some_and(|host| !is_local(host)) {
            return refused("under a name that isn't this machine's");
        }
        match text(header::ORIGIN) {
            None => Ok(()),
            Some(origin) => match origin.split_once("://") {
                Some((_, site)) if Some(site) == host => Ok(()),
                _ => refused("from pages of other sites"),
            },
        }
    }

    fn knows(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let query = uri.query().unwrap_or_default().split('&');
        let query = query.filter_map(|pair| pair.strip_prefix("key="));
        let shown = KEY_HEADERS.iter().filter_map(|name| text(name));
        shown.chain(bearer).chain(query).any(|key| self.has(key))
    }

    /// Compares with all keys, whichever is right.
    fn has(&self, key: &str) -> bool {
        let shown = digest(key);
        let found = self.digests.iter().map(|known| known.ct_eq(&shown));
        found.fold(Choice::from(0), |any, one| any | one).into()
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Whether a host, with its port or without, is this machine by its own name.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_address = name
        .parse()
        .is_ok_and(|it: std::net::IpAddr| it.is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}
