//! How requests prove who sends them.

use async_trait::async_trait;
use parlor_core::{Error, ErrorKind, Result, Secret};
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use std::fmt::Debug;
use std::sync::Arc;

/// How requests to an endpoint prove who sends them.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer <key>`.
    Bearer(Secret),
    /// The key in a header of this name; `Configuration` where that is no name.
    Header(&'static str, Secret),
    /// By a source of tokens or signatures.
    Dynamic(Arc<dyn Authorize>),
}

/// A source of tokens or signatures.
#[async_trait]
pub trait Authorize: Debug + Send + Sync {
    /// Puts on a request what proves who sends it.
    ///
    /// # Behavior
    /// - Called once per request, when nothing but authentication is missing.
    /// - Headers it sets are marked sensitive.
    async fn authorize(&self, request: &mut Request) -> Result<()>;
}

impl Auth {
    pub(crate) async fn apply(&self, request: &mut Request) -> Result<()> {
        let (name, value) = match self {
            Self::None => return Ok(()),
            Self::Bearer(key) => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Self::Header(name, key) => {
                let wrong = |_| {
                    let message = format!("`{name}` can't be an HTTP header");
                    Error::new(ErrorKind::Configuration, message)
                };
                let name = HeaderName::try_from(*name).map_err(wrong)?;
                (name, key.expose().to_owned())
            }
            Self::Dynamic(source) => return source.authorize(request).await,
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            Error::new(
                ErrorKind::Authentication,
                "the key has characters that no HTTP header can carry",
            )
            .with_help("Copy the key anew; it may have a line break or a typographic sign in it.")
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
        Ok(())
    }
}
