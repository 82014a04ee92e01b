//! `[serve]` of the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use parlor::config::{Limit, secret};
use parlor::{Env, Problems, Secret};
use parlor_registry::{Findings, read_toml};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::config::{OnDisconnect, OnStoreFailure, ServerConfig};
use crate::spans::SpanSettings;

const TABLE: &str = "serve";

/// `[serve]` of the configuration: all of it is optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServeSettings {
    /// The address to listen at.
    pub bind: Option<SocketAddr>,
    /// Whether an address beyond this machine may be listened at without keys.
    pub insecure: Option<bool>,
    /// A file with keys that clients may show, one on a line. A relative path starts at the
    /// configuration's folder.
    pub keys: Option<PathBuf>,
    /// How many threads answer, each with a runtime and connections to providers of its own; as
    /// many as there are cores, where nothing is said.
    pub threads: Option<NonZeroUsize>,
    /// The most bytes of a request's body: a number, or such as `"32MiB"`.
    pub max_body: Option<Size>,
    /// The most bytes of all bodies that are held at once, likewise; no less than `max_body`.
    pub max_buffered: Option<Size>,
    /// The most requests that are answered at once.
    pub max_in_flight: Option<usize>,
    /// How long answers on their way may take when the service is told to end.
    pub drain: Option<Limit>,
    /// How long a client may take to send a request's head.
    pub header_timeout: Option<Limit>,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Option<Limit>,
    /// How long a client may take to go on reading or sending.
    pub client_timeout: Option<Limit>,
    /// How long a request may wait here because its provider asks to wait; a longer wait is told
    /// to the client, who may come again.
    pub max_wait: Option<Limit>,
    /// What becomes of an answer whose client leaves: of all, or by the names of models.
    #[serde(deserialize_with = "for_all_or_each")]
    pub on_disconnect: BTreeMap<String, OnDisconnect>,
    /// A file with names of models above the configuration's: a JSON mapping, or TOML with
    /// `[models]`. A relative path starts at the configuration's folder.
    pub models_file: Option<PathBuf>,
    /// Sites whose pages may ask, such as `"https://chat.example.com"`.
    pub origins: Vec<String>,
    /// Where keys, usage and conversations are kept: a file of SQLite's, or
    /// `postgres://user@host/database`.
    #[serde(deserialize_with = "secret")]
    pub store: Option<Secret>,
    /// The variable that has that.
    pub store_env: Option<String>,
    /// Where limits are counted that several instances share: `redis://host`.
    #[serde(deserialize_with = "secret")]
    pub redis: Option<Secret>,
    /// The variable that has that.
    pub redis_env: Option<String>,
    /// What holds of limits while their store is away.
    pub on_store_failure: Option<OnStoreFailure>,
    /// A collector of OpenTelemetry that gets a span of each request, such as
    /// `"http://127.0.0.1:4318"`. The variables that are usual for that count too.
    pub otlp: Option<String>,
    /// What models may call in conversations, by the names that the program's configuration has
    /// for tools.
    pub tools: Vec<String>,
    /// The folder that the tool `read_file` reads in. A relative path starts at the configuration's
    /// folder.
    pub files: Option<PathBuf>,
    /// How long a call waits for a person's word, after which it is denied.
    pub approval_timeout: Option<Limit>,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Size;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of bytes, or such as \"32MiB\"")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Size, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Signed(number), &self);
                usize::try_from(number).map(Size).map_err(|_| wrong())
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
                parse_size(text)
                    .ok_or_else(|| E::custom("expected such as \"32MiB\" or \"512KiB\""))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

fn parse_size(text: &str) -> Option<Size> {
    let at = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor).map(Size)
}

impl ServeSettings {
    /// What is configured in the text of this file.
    ///
    /// # Errors
    /// Everything found wrong, with its line.
    pub fn read(text: &str, file: &Path) -> Result<Self, Problems> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Whole {
            serve: ServeSettings,
        }
        // Most configurations have none of it, and are read once.
        if !text.contains(TABLE) {
            return Ok(Self::default());
        }
        let whole: Whole = read_toml(text).map_err(|wrong| wrong.in_file(file))?;
        let mut settings = whole.serve;
        let mut findings = Findings::in_toml(text);
        settings.check(&mut findings);
        findings.finish().map_err(|wrong| wrong.in_file(file))?;
        if let Some(folder) = file.parent() {
            let files = [
                &mut settings.keys,
                &mut settings.models_file,
                &mut settings.files,
            ];
            for path in files.into_iter().flatten() {
                *path = folder.join(&*path);
            }
        }
        Ok(settings)
    }

    fn check(&self, findings: &mut Findings<'_>) {
        if self.max_in_flight == Some(0) {
            findings.add(&[TABLE, "max_in_flight"], "nobody could be answered");
        }
        if self.max_body.is_some_and(|it| it.0 < 1024) {
            findings.add(
                &[TABLE, "max_body"],
                "no request would fit; it counts bytes",
            );
        }
        let max_body = self
            .max_body
            .map_or(ServerConfig::default().max_body, |it| it.0);
        if self.max_buffered.is_some_and(|it| it.0 < max_body) {
            let message = "a body of `max_body` would never be taken; it counts bytes";
            findings.add(&[TABLE, "max_buffered"], message);
        }
        for origin in &self.origins {
            if !is_origin(origin) {
                let message = format!("`{origin}` is no site such as https://chat.example.com");
                findings.add(&[TABLE, "origins"], message);
            }
        }
        let both = [
            (
                "store",
                "store_env",
                self.store.is_some() && self.store_env.is_some(),
            ),
            (
                "redis",
                "redis_env",
                self.redis.is_some() && self.redis_env.is_some(),
            ),
        ];
        for (one, other, are_both) in both {
            if are_both {
                findings.add(
                    &[TABLE, other],
                    format!("there is `{one}` already; keep one"),
                );
            }
        }
        let is_redis = |it: &Secret| {
            let url = it.expose();
            url.starts_with("redis://") || url.starts_with("rediss://")
        };
        if self.redis.as_ref().is_some_and(|it| !is_redis(it)) {
            findings.add(&[TABLE, "redis"], "it begins with redis:// or rediss://");
        }
        if let Err(error) = self.spans(&Env::empty()) {
            findings.add(&[TABLE, "otlp"], error.message());
        }
    }

    /// The store, from the file or the environment.
    ///
    /// # Errors
    /// Where the variable isn't set.
    pub fn store(&self, env: &Env) -> parlor::Result<Option<Secret>> {
        from_env(self.store.as_ref(), self.store_env.as_deref(), env)
    }

    /// The store of limits, likewise.
    ///
    /// # Errors
    /// Where the variable isn't set.
    pub fn redis(&self, env: &Env) -> parlor::Result<Option<Secret>> {
        from_env(self.redis.as_ref(), self.redis_env.as_deref(), env)
    }

    /// Where spans are sent, from the file or the environment.
    ///
    /// # Errors
    /// `Configuration` for an address that is none.
    pub fn spans(&self, env: &Env) -> parlor::Result<Option<SpanSettings>> {
        SpanSettings::configured(self.otlp.as_deref(), env)
    }

    /// Lays what is set here over a configuration: all but the stores and the file of keys, which
    /// have to be opened.
    pub fn lay_over(&self, config: &mut ServerConfig) {
        let set = |limit: Option<Limit>, default| limit.map_or(default, Limit::duration);
        config.bind = self.bind.unwrap_or(config.bind);
        config.insecure = self.insecure.unwrap_or(config.insecure);
        config.threads = self.threads.unwrap_or(config.threads);
        config.max_body = self.max_body.map_or(config.max_body, |it| it.0);
        let max_buffered = config.max_buffered.max(config.max_body);
        config.max_buffered = self.max_buffered.map_or(max_buffered, |it| it.0);
        config.max_in_flight = self.max_in_flight.unwrap_or(config.max_in_flight);
        let drain = set(self.drain, Some(config.drain));
        config.drain = drain.unwrap_or(std::time::Duration::MAX);
        config.header_timeout = set(self.header_timeout, config.header_timeout);
        config.idle_timeout = set(self.idle_timeout, config.idle_timeout);
        config.client_timeout = set(self.client_timeout, config.client_timeout);
        let max_wait = set(self.max_wait, Some(config.max_wait));
        config.max_wait = max_wait.unwrap_or(std::time::Duration::MAX);
        let approval = set(self.approval_timeout, Some(config.approval_timeout));
        config.approval_timeout = approval.unwrap_or(std::time::Duration::MAX);
        config.on_disconnect.clone_from(&self.on_disconnect);
        config.origins.clone_from(&self.origins);
        config.on_store_failure = self.on_store_failure.unwrap_or(config.on_store_failure);
    }
}

/// One word for all models, or a table of names and words.
fn for_all_or_each<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, OnDisconnect>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected \"cancel\" or \"finish\", or a table of them by the names of models"
    )]
    enum Said {
        All(OnDisconnect),
        Each(BTreeMap<String, OnDisconnect>),
    }
    Ok(match Said::deserialize(deserializer)? {
        Said::All(what) => BTreeMap::from([("*".to_owned(), what)]),
        Said::Each(names) => names,
    })
}

fn from_env(
    given: Option<&Secret>,
    variable: Option<&str>,
    env: &Env,
) -> parlor::Result<Option<Secret>> {
    let Some(variable) = variable else {
        return Ok(given.cloned());
    };
    let value = env.get(variable).filter(|it| !it.is_empty());
    let value = value.ok_or_else(|| {
        let message = format!("the variable {variable} isn't set");
        parlor::Error::new(parlor::ErrorKind::Configuration, message)
            .with_help("Set it, or name another in [serve].")
    })?;
    Ok(Some(value.into()))
}

/// Whether a text is an origin as browsers write it: a scheme, a host, perhaps a port.
fn is_origin(text: &str) -> bool {
    let is_plain = text.starts_with("https://") || text.starts_with("http://");
    let host = text.split_once("://").map_or("", |(_, host)| host);
    is_plain
        && !host.is_empty()
        && !host.contains(['/', '?', '#', '@', ' ', '*'])
        && text.parse::<Uri>().is_ok()
}
