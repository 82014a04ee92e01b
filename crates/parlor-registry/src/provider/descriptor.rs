//! What is known of a provider before it is asked anything.

use parlor_core::{Capabilities, MediaLimits};

/// What is known of a provider before it is asked anything. It is built in
/// constants, so a provider's description costs nothing.
///
/// ```
/// use parlor_registry::Descriptor;
///
/// static ACME: Descriptor = Descriptor::new("acme", "Acme AI")
///     .aliases(&["acme-ai"])
///     .base_url("https://api.acme.example/v1")
///     .key_env(&["ACME_API_KEY"])
///     .key_url("https://acme.example/keys");
/// assert!(ACME.needs_key);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Descriptor {
    /// The id in front of a model's name: lower-case letters, digits, `-`.
    pub id: &'static str,
    /// Other ids in use for the same provider.
    pub aliases: &'static [&'static str],
    /// The name as people write it.
    pub name: &'static str,
    /// The facade's cargo feature that compiles the provider in; empty for a
    /// provider from outside.
    pub feature: &'static str,
    /// Beginnings of the names of the models that it makes itself; none for a
    /// host of others' models. They tell the maker among the hosts of one model.
    pub makes: &'static [&'static str],
    /// Short names that people use for its newest model of a kind, each with the
    /// model that it means. They hold where nothing else has such a name.
    pub short_names: &'static [(&'static str, &'static str)],
    /// What its models can do where nothing is known of the model itself.
    pub capabilities: Capabilities,
    /// What media it takes at its own address, by its own documents; hearsay
    /// isn't a limit.
    pub media: MediaLimits,
    /// Address that the dialect's paths are appended to; `None` when it must
    /// be configured.
    pub base_url: Option<&'static str>,
    /// Whether an address may lack its scheme, as in `127.0.0.1:8080`.
    pub bare_host: bool,
    /// Environment variables with another address, in order.
    pub base_url_env: &'static [&'static str],
    /// Environment variables with the key, in order.
    pub key_env: &'static [&'static str],
    /// Environment variables with the model to use when none is named, in order.
    pub model_env: &'static [&'static str],
    /// The model to use when none is named anywhere.
    pub default_model: Option<&'static str>,
    /// Whether nothing works without a key.
    pub needs_key: bool,
    /// Whether a key in the environment says that this provider is the one to
    /// use; no for a key that serves other purposes too, such as a forge's token.
    pub chosen_by_key: bool,
    /// Whether tokens cost nothing where the provider is on this machine: it is
    /// a server of one's own, and no gateway to others.
    pub free_here: bool,
    /// The provider of which this one is another region or another API: what is
    /// known of that one's models holds here too, and its options are
    /// understood here.
    pub region_of: Option<&'static str>,
    /// Whether it takes many requests at once, to be answered later: whether
    /// [`Provider::batches`](crate::Provider::batches) is there.
    pub batches: bool,
    /// The provider's documents.
    pub docs_url: &'static str,
    /// Where to get a key.
    pub key_url: &'static str,
}

impl Descriptor {
    /// A provider that needs a key and of which nothing else is said.
    pub const fn new(id: &'static str, name: &'static str) -> Self {
        Self {
            id,
            aliases: &[],
            name,
            feature: "",
            makes: &[],
            short_names: &[],
            capabilities: Capabilities::UNKNOWN,
            media: MediaLimits::UNKNOWN,
            base_url: None,
            bare_host: false,
            base_url_env: &[],
            key_env: &[],
            model_env: &[],
            default_model: None,
            needs_key: true,
            chosen_by_key: true,
            free_here: false,
            region_of: None,
            batches: false,
            docs_url: "",
            key_url: "",
        }
    }

    /// The same with other ids for the provider.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same with the cargo feature that compiles the provider in.
    #[must_use]
    pub const fn feature(mut self, feature: &'static str) -> Self {
        self.feature = feature;
        self
    }

    /// The same with the beginnings of the names of models that it makes itself.
    #[must_use]
    pub const fn makes(mut self, beginnings: &'static [&'static str]) -> Self {
        self.makes = beginnings;
        self
    }

    /// The same with short names of its models.
    #[must_use]
    pub const fn short_names(mut self, names: &'static [(&'static str, &'static str)]) -> Self {
        self.short_names = names;
        self
    }

    /// The same with what the models can do where nothing else is known.
    #[must_use]
    pub const fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same with what media it takes.
    #[must_use]
    pub const fn media(mut self, limits: MediaLimits) -> Self {
        self.media = limits;
        self
    }

    /// The same with the usual address.
    #[must_use]
    pub const fn base_url(mut self, url: &'static str) -> Self {
        self.base_url = Some(url);
        self
    }

    /// The same, with addresses that may lack their scheme.
    #[must_use]
    pub const fn with_bare_host(mut self) -> Self {
        self.bare_host = true;
        self
    }

    /// The same with variables that may hold another address.
    #[must_use]
    pub const fn base_url_env(mut self, names: &'static [&'static str]) -> Self {
        self.base_url_env = names;
        self
    }

    /// The same with variables that may hold the key.
    #[must_use]
    pub const fn key_env(mut self, names: &'static [&'static str]) -> Self {
        self.key_env = names;
        self
    }

    /// The same with variables that may name the default model.
    #[must_use]
    pub const fn model_env(mut self, names: &'static [&'static str]) -> Self {
        self.model_env = names;
        self
    }

    /// The same with a default model.
    #[must_use]
    pub const fn default_model(mut self, model: &'static str) -> Self {
        self.default_model = Some(model);
        self
    }

    /// The same, usable without a key.
    #[must_use]
    pub const fn without_key(mut self) -> Self {
        self.needs_key = false;
        self
    }

    /// The same, with a key that serves other purposes too and so says nothing
    /// about the wish to use this provider.
    #[must_use]
    pub const fn with_shared_key(mut self) -> Self {
        self.chosen_by_key = false;
        self
    }

    /// The same, whose tokens cost nothing on this machine.
    #[must_use]
    pub const fn free_here(mut self) -> Self {
        self.free_here = true;
        self
    }

    /// The same as another region or another API of a provider.
    #[must_use]
    pub const fn region_of(mut self, id: &'static str) -> Self {
        self.region_of = Some(id);
        self
    }

    /// The same, taking many requests at once, to be answered later.
    #[must_use]
    pub const fn with_batches(mut self) -> Self {
        self.batches = true;
        self
    }

    /// The same with the address of the documents.
    #[must_use]
    pub const fn docs_url(mut self, url: &'static str) -> Self {
        self.docs_url = url;
        self
    }

    /// The same with the page where keys are made.
    #[must_use]
    pub const fn key_url(mut self, url: &'static str) -> Self {
        self.key_url = url;
        self
    }

    /// The id and the other ids.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.id).chain(self.aliases.iter().copied())
    }
}
