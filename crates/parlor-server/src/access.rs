//! Who may ask: keys, and pages of other sites that may not.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use parlor::{Error, ErrorKind, Result, Secret};
use parlor_store::ServiceKey;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::account::{Keyring, may_ask};
use crate::config::ServerConfig;

/// The headers that hold a key by itself.
static KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How many keys of one head are looked up at most.
const MOST_SHOWN: usize = 4;

/// The keys as they are kept, and whether only this machine can ask.
#[derive(Debug)]
pub(crate) struct Access {
    digests: ArcSwap<Vec<[u8; 32]>>,
    origins: Vec<String>,
    given: Option<Arc<Keyring>>,
    /// Whether a key is asked for even where there is none.
    always: bool,
    is_local: bool,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Whoever reaches the service.
    Anyone,
    /// Who holds a key of the configuration.
    Configured(Configured),
    /// Who holds a key that the store gave out.
    Given(Arc<ServiceKey>),
}

/// A key of the configuration as it was when it was shown: another may have its place since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configured {
    place: usize,
    digest: [u8; 32],
}

impl Caller {
    /// Whether a model by this name is for them.
    pub(crate) fn may_ask(&self, name: &str) -> bool {
        self.is_for(name).is_ok()
    }

    /// The same, with why not.
    ///
    /// # Errors
    /// As for a request to it.
    pub(crate) fn is_for(&self, name: &str) -> Result<()> {
        match self {
            Self::Given(key) => may_ask(key, name),
            _ => Ok(()),
        }
    }

    /// The id of the key that was shown.
    pub(crate) fn key(&self) -> Option<String> {
        match self {
            Self::Anyone => None,
            Self::Configured(key) => Some(format!("configured/{}", key.place + 1)),
            Self::Given(key) => Some(key.id.clone()),
        }
    }

    /// What tells one who holds a key from those who hold another, whatever other keys there are;
    /// nothing where no key is asked for.
    pub(crate) fn holder(&self) -> Option<String> {
        match self {
            Self::Anyone => None,
            Self::Given(key) => Some(key.id.clone()),
            Self::Configured(key) => {
                // Enough of it to tell keys apart.
                let digest = key.digest.iter().take(8);
                let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
                Some(format!("configured/{digest}"))
            }
        }
    }
}

impl Access {
    pub(crate) fn new(config: &ServerConfig, given: Option<Arc<Keyring>>) -> Self {
        let is_local = config.bind.ip().is_loopback();
        Self {
            digests: ArcSwap::from_pointee(digests(&config.keys)),
            origins: config.origins.clone(),
            // Beyond this machine nobody asks before the first key is given out.
            always: !is_local && !config.insecure,
            given,
            is_local,
        }
    }

    /// Takes other keys in place of those of the configuration.
    pub(crate) fn replace(&self, keys: &[Secret]) {
        self.digests.store(Arc::new(digests(keys)));
    }

    /// Lets a request in or says why not.
    pub(crate) async fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<Caller> {
        self.check_site(headers)?;
        if let Some(key) = shown(headers, uri).find_map(|key| self.configured(key)) {
            return Ok(Caller::Configured(key));
        }
        let mut wrong = None;
        if let Some(given) = &self.given {
            // Of several keys in one head the first that is known counts.
            for key in shown(headers, uri).take(MOST_SHOWN) {
                match given.find(digest(key), key).await {
                    Ok(key) => return Ok(Caller::Given(key)),
                    Err(error) if error.kind() == ErrorKind::Authentication => wrong = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        let is_asked_for = self.always
            || !self.digests.load().is_empty()
            || match &self.given {
                Some(given) => given.has_any().await?,
                None => false,
            };
        if !is_asked_for {
            return Ok(Caller::Anyone);
        }
        Err(wrong.unwrap_or_else(|| {
            let message = "the key of this service is missing or wrong";
            Error::new(ErrorKind::Authentication, message)
        }))
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
            // Browsers say of a request without an origin, such as for a picture, whence it comes.
            None if says_cross_site(headers) => refused("from pages of other sites"),
            None => Ok(()),
            Some(origin) if self.origins.iter().any(|it| it == origin) => Ok(()),
            Some(origin) => match origin.split_once("://") {
                Some((_, site)) if Some(site) == host => Ok(()),
                _ => refused("from pages of other sites"),
            },
        }
    }

    /// Which key of the configuration this is. Compares with all of them, whichever is right.
    fn configured(&self, key: &str) -> Option<Configured> {
        let digests = self.digests.load();
        if digests.is_empty() {
            return None;
        }
        let shown = digest(key);
        let found = digests.iter().zip(0_u32..).map(|(known, at)| {
            let is_it = known.ct_eq(&shown);
            (u32::conditional_select(&0, &at, is_it), is_it)
        });
        let nothing = (0, Choice::from(0));
        let (at, is_any) = found.fold(nothing, |(at, any), (it, one)| (at | it, any | one));
        bool::from(is_any).then_some(Configured {
            place: at as usize,
            digest: shown,
        })
    }
}

/// <https://w3c.github.io/webappsec-fetch-metadata/>
fn says_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE);
    site.is_some_and(|it| it == "cross-site" || it == "same-site")
}

/// The keys that a request shows.
fn shown<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> impl Iterator<Item = &'a str> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // RFC 9110, section 11.1: the scheme's case says nothing.
    let bearer = text(&header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        is_bearer.then(|| key.trim_start_matches(' '))
    });
    let query = uri.query().unwrap_or_default().split('&');
    let query = query.filter_map(|pair| pair.strip_prefix("key="));
    let alone = KEY_HEADERS.iter().filter_map(text);
    alone.chain(bearer).chain(query)
}

fn digests(keys: &[Secret]) -> Vec<[u8; 32]> {
    keys.iter().map(|key| digest(key.expose())).collect()
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
