//! Access tokens that expire: fetched when needed, shared, fetched anew when they are refused.

use crate::auth::{Authorize, Outgoing, Refusal};
use async_trait::async_trait;
use parlor_core::{Result, Secret};
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its end a token isn't used any more. Some sources hand out
/// a token again until five minutes before its end, so it must be less.
const MARGIN: Duration = Duration::from_secs(225);

/// Where access tokens come from.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync {
    /// Fetches a token.
    ///
    /// # Behavior
    /// - Called when there is no token, or the one there is has come to its
    ///   end or was refused; never twice at the same time.
    /// - The error is that of the calls that wait for the token. It isn't
    ///   remembered.
    /// - `Debug` shows no secret.
    async fn token(&self) -> Result<Token>;
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    secret: Secret,
    lifetime: Option<Duration>,
}

impl Token {
    /// A token that holds until it is refused.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self {
            secret: secret.into(),
            lifetime: None,
        }
    }

    /// The same with its lifetime from now on.
    #[must_use]
    pub fn lasting(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

/// The tokens of a source as bearer tokens on requests, or where else a host
/// wants them, for [`Auth::dynamic`](crate::Auth::dynamic).
///
/// One token serves all requests. It is replaced shortly before its end, and
/// when it is refused with 401: the request is then sent once more. Requests
/// that come while a token is fetched wait for it.
///
/// ```
/// use parlor_core::Result;
/// use parlor_http::{Auth, Endpoint, Token, TokenSource, Tokens, async_trait};
/// use std::time::Duration;
///
/// #[derive(Debug)]
/// struct Account;
///
/// #[async_trait]
/// impl TokenSource for Account {
///     async fn token(&self) -> Result<Token> {
///         // Asks whoever gives out tokens.
///         Ok(Token::new("t-1").lasting(Duration::from_secs(3600)))
///     }
/// }
///
/// let endpoint = Endpoint::new("https://acme.example/v1")?
///     .with_auth(Auth::dynamic(Tokens::new(Account)));
/// # Ok::<(), parlor_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Tokens<S> {
    source: S,
    /// The parameter of the query that takes them, instead of the header.
    query: Option<&'static str>,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    secret: Secret,
    /// When it isn't used any more.
    end: Option<Instant>,
}

impl<S: TokenSource> Tokens<S> {
    /// The tokens of a source. Nothing is fetched yet.
    pub fn new(source: S) -> Self {
        Self {
            source,
            query: None,
            known: Mutex::new(None),
        }
    }

    /// The same in a parameter of the query instead of the header.
    #[must_use]
    pub fn in_query(mut self, name: &'static str) -> Self {
        self.query = Some(name);
        self
    }
}

#[async_trait]
impl<S: TokenSource> Authorize for Tokens<S> {
    async fn authorize(&self, request: &mut Outgoing<'_>) -> Result<()> {
        // Held while fetching, so that those who wait get the same token.
        let mut known = self.known.lock().await;
        let now = Instant::now();
        let fits = |it: &&Known| it.end.is_none_or(|end| now < end);
        let secret = match known.as_ref().filter(fits) {
            Some(known) => known.secret.clone(),
            None => {
                let token = self.source.token().await?;
                let usable = |all: Duration| all - MARGIN.min(all / 2);
                let end = token.lifetime.and_then(|it| now.checked_add(usable(it)));
                let secret = token.secret;
                *known = Some(Known {
                    secret: secret.clone(),
                    end,
                });
                secret
            }
        };
        drop(known);
        match self.query {
            Some(name) => {
                request.set_query(name, secret.expose());
                Ok(())
            }
            None => request.set_header("authorization", &format!("Bearer {}", secret.expose())),
        }
    }

    async fn refused(&self, refusal: &Refusal<'_>) -> Result<bool> {
        if refusal.status() != 401 {
            return Ok(false);
        }
        let sent = match self.query {
            Some(name) => refusal.sent_query(name).unwrap_or_default(),
            None => {
                let sent = refusal.sent("authorization").unwrap_or_default();
                sent.strip_prefix("Bearer ").unwrap_or(sent).into()
            }
        };
        let mut known = self.known.lock().await;
        // Another request may have got a new one meanwhile.
        if known.as_ref().is_some_and(|it| it.secret.expose() == sent) {
            *known = None;
        }
        Ok(true)
    }
}
