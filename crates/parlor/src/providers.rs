//! The table of providers: one line per crate that is compiled in.

use parlor_registry::Provider;

/// The providers of every provider crate whose feature is on, for
/// [`Registry::global`](crate::Registry::global).
pub static PROVIDERS: &[&[&dyn Provider]] = &[
    // One line per crate.
    #[cfg(feature = "ollama")]
    parlor_ollama::PROVIDERS,
];
