//! Provider descriptors, model ids, the model catalogue and configuration.

mod env;
mod key;
mod problem;
mod provider;
mod registry;
mod suggest;

pub mod catalogue;
pub mod config;

pub use catalogue::{Catalogue, CatalogueEntry, Cost, Price};
pub use config::{Config, config_path};
pub use env::Env;
pub use key::{Key, KeyLookup, KeySource};
pub use problem::{Problem, Problems};
pub use provider::{Descriptor, Extensions, Keys, ModelEntry, Provider, ProviderConfig};
pub use registry::{
    COMPATIBLE, Choice, KNOWN, KnownProvider, Registration, Registry, Resolved, Rule, UnknownModel,
    known_provider,
};
pub use suggest::{Candidate, suggest};

#[doc(hidden)]
pub use inventory as __inventory;
