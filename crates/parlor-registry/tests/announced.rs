//! Providers that come by the program's table, by announcement, or by both.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ALL, Fake};
use parlor_registry::{Descriptor, Provider, Registry};

static OUTSIDE: Fake = Fake(Descriptor::new("acme", "Acme AI").without_key());

static OUTSIDE_PROVIDERS: &[&dyn Provider] = &[&OUTSIDE];

parlor_registry::register!(OUTSIDE_PROVIDERS);
parlor_registry::register!(ALL);

#[test]
fn table_and_announcement_are_joined_without_doubles() {
    let registry = Registry::global(&[ALL]).unwrap();
    let ids: Vec<&str> = registry
        .providers()
        .iter()
        .map(|one| one.descriptor().id)
        .collect();
    assert_eq!(ids.len(), ALL.len() + 3, "{ids:?}");
    assert_eq!(
        registry.resolve("acme/anything").unwrap().id(),
        "acme/anything"
    );
}

#[test]
fn announcement_alone_is_enough() {
    let registry = Registry::global(&[]).unwrap();
    assert!(registry.provider("acme").is_some());
    assert!(registry.provider("kimi").is_some());
}

#[test]
fn a_registry_by_hand_has_what_it_was_given() {
    let registry = Registry::with(OUTSIDE_PROVIDERS).unwrap();
    let ids: Vec<&str> = registry
        .providers()
        .iter()
        .map(|one| one.descriptor().id)
        .collect();
    assert_eq!(ids, ["acme", "echo", "embedded"]);
}
