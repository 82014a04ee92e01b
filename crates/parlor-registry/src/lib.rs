//! Provider descriptors, model ids, the model catalogue and configuration.
//!
//! A [`Registry`] knows the providers that the program has ([`Provider`]), what
//! the configuration says of them ([`Config`]), where keys are ([`KeySource`])
//! and what is known of models ([`Catalogue`]). Given `provider/model`, or a
//! name that stands for it, it builds the model on first use. It guesses
//! nothing: an unknown name is an error that suggests the nearest ones.
//!
//! ```
//! use parlor_registry::{Config, Env, Registry};
//!
//! let config = Config::from_toml(r#"models.house = "echo/echo""#)?;
//! let registry = Registry::with(&[])?.with_env(Env::empty()).with_config(config)?;
//! assert_eq!(registry.model("house")?.info().id(), "echo/echo");
//! # Ok::<(), parlor_core::Error>(())
//! ```
//!
//! | for | see |
//! |---|---|
//! | getting a model | [`Registry::model`], [`Registry::resolve`] |
//! | writing a provider | [`Provider`], [`Descriptor`], [`ProviderConfig`], [`register!`] |
//! | configuration files | [`Config`], [`config`], [`config_path`], [`data_folder`], [`cache_folder`] |
//! | facts and prices | [`Catalogue`], [`CatalogueEntry`], [`Cost`] |

mod env;
mod findings;
mod key;
mod problem;
mod program;
mod provider;
mod registry;
mod suggest;
mod today;

pub mod catalogue;
pub mod config;

pub use catalogue::{Catalogue, CatalogueEntry, Cost, Price};
pub use config::{Config, cache_folder, config_path, data_folder};
pub use env::{Env, PROGRAM_VARIABLES};
pub use findings::Findings;
pub use key::{Key, KeyLookup, KeySource};
pub use problem::{Problem, Problems, read_toml, told};
pub use program::{find_program, program_command};
pub use provider::{Descriptor, Extensions, Keys, ModelEntry, Provider, ProviderConfig};
pub use registry::{
    COMPATIBLE, Choice, KNOWN, KnownProvider, Registration, Registry, Resolved, Rule, UnknownModel,
    known_provider,
};
pub use suggest::{Candidate, suggest};
pub use today::today;

#[doc(hidden)]
pub use inventory as __inventory;
