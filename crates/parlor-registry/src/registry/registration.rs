//! How provider crates make themselves known.

use crate::Provider;

/// Providers that a crate has announced; made by [`register!`](crate::register).
#[derive(Debug)]
pub struct Registration(&'static [&'static dyn Provider]);

impl Registration {
    /// An announcement of these providers.
    pub const fn new(providers: &'static [&'static dyn Provider]) -> Self {
        Self(providers)
    }
}

inventory::collect!(Registration);

/// The providers of every crate that is linked in and has announced them.
pub(super) fn announced() -> impl Iterator<Item = &'static dyn Provider> {
    inventory::iter::<Registration>
        .into_iter()
        .flat_map(|registration| registration.0.iter().copied())
}

/// Announces a crate's providers to every registry of the program.
///
/// The argument is a `&'static [&'static dyn Provider]`. A program then needs
/// only `use acme_parlor as _;`. Where linkers drop what nobody names (static
/// libraries linked into C, wasm without LTO), hand the slice to
/// [`Registry::global`](crate::Registry::global) instead, or as well: the same
/// provider is taken once.
#[macro_export]
macro_rules! register {
    ($providers:expr) => {
        $crate::__inventory::submit! { $crate::Registration::new($providers) }
    };
}
