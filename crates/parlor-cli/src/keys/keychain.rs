//! Keys in the system's keychain, in builds with the feature `keychain`.
//!
//! On Linux that is the Secret Service of the desktop, not the kernel's keyring,
//! which forgets at the next start.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use parlor::{Error, ErrorKind, Result, Secret};

use crate::terminal;

/// What the keychain is called on this system.
pub(crate) const NAME: &str = if cfg!(target_os = "macos") {
    "macOS Keychain"
} else if cfg!(windows) {
    "Windows Credential Manager"
} else {
    "Secret Service"
};

/// Whether this build can ask it.
pub(crate) const IS_BUILT: bool = cfg!(feature = "keychain");

/// How long it takes its time without a word being said, and how long more: somebody may
/// have to unlock it, at another screen even.
const PATIENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// The keychain, which answered.
pub(crate) struct Keychain(system::Store);

impl Keychain {
    /// # Errors
    /// Where there is none, or this build can't ask it.
    pub(crate) fn open() -> Result<Self> {
        within(PATIENCE, system::open).map(Self).map_err(failed)
    }

    /// The key of a provider, which may have a person asked to open the keychain.
    pub(crate) fn get(&self, provider: &str) -> Result<Option<Secret>> {
        let (store, provider) = (self.0.clone(), provider.to_owned());
        let key = within(PATIENCE, move || system::get(&store, &provider));
        Ok(key.map_err(failed)?.map(Secret::new))
    }

    /// Keeps a key in place of the one before.
    pub(crate) fn set(&self, provider: &str, key: &str) -> Result<()> {
        let (store, provider) = (self.0.clone(), provider.to_owned());
        let key = Secret::new(key);
        let set = move || system::set(&store, &provider, key.expose());
        within(PATIENCE, set).map_err(failed)
    }

    /// Removes a key, if there is one.
    pub(crate) fn remove(&self, provider: &str) -> Result<()> {
        let (store, provider) = (self.0.clone(), provider.to_owned());
        within(PATIENCE, move || system::remove(&store, &provider)).map_err(failed)
    }
}

/// Does what may wait for a person. What never answers is left behind.
fn within<T: Send + 'static>(
    [silent, more]: [Duration; 2],
    act: impl FnOnce() -> std::result::Result<T, String> + Send + 'static,
) -> std::result::Result<T, String> {
    let (done, outcome) = sync_channel(1);
    thread::spawn(move || done.send(act()));
    let outcome = outcome.recv_timeout(silent).or_else(|_| {
        terminal::complain(&format!("Waiting for the {NAME}, which may be locked.\n"));
        outcome.recv_timeout(more)
    });
    outcome.unwrap_or_else(|_| Err("it doesn't answer".to_owned()))
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::Configuration, format!("{NAME}: {why}"))
        .with_help("Unlock it, or save the key anew: parlor keys set PROVIDER")
}

#[cfg(feature = "keychain")]
mod system {
    use std::sync::Arc;

    use keyring_core::{CredentialStore, Entry, Error};

    /// What the keychain shows the keys under.
    const SERVICE: &str = "parlor";

    pub(super) type Store = Arc<CredentialStore>;

    #[cfg(target_os = "macos")]
    pub(super) fn open() -> Result<Store, String> {
        Ok(apple_native_keyring_store::keychain::Store::new().map_err(told)?)
    }

    #[cfg(windows)]
    pub(super) fn open() -> Result<Store, String> {
        Ok(windows_native_keyring_store::Store::new().map_err(told)?)
    }

    #[cfg(not(any(target_os = "macos", windows)))]
    pub(super) fn open() -> Result<Store, String> {
        Ok(zbus_secret_service_keyring_store::Store::new().map_err(told)?)
    }

    pub(super) fn get(store: &Store, provider: &str) -> Result<Option<String>, String> {
        there(entry(store, provider)?.get_password())
    }

    pub(super) fn set(store: &Store, provider: &str, key: &str) -> Result<(), String> {
        entry(store, provider)?.set_password(key).map_err(told)
    }

    pub(super) fn remove(store: &Store, provider: &str) -> Result<(), String> {
        there(entry(store, provider)?.delete_credential()).map(drop)
    }

    fn entry(store: &Store, provider: &str) -> Result<Entry, String> {
        store.build(SERVICE, provider, None).map_err(told)
    }

    fn there<T>(got: keyring_core::Result<T>) -> Result<Option<T>, String> {
        match got {
            Ok(got) => Ok(Some(got)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    /// Why, without what it holds.
    fn told(error: Error) -> String {
        match error {
            Error::BadEncoding(_) | Error::BadDataFormat(..) => "it holds no text".to_owned(),
            error => error.to_string(),
        }
    }
}

#[cfg(not(feature = "keychain"))]
mod system {
    use std::convert::Infallible;
    use std::sync::Arc;

    pub(super) type Store = Arc<Infallible>;

    pub(super) fn open() -> Result<Store, String> {
        Err("this build can't ask it (feature `keychain`)".to_owned())
    }

    pub(super) fn get(store: &Store, _: &str) -> Result<Option<String>, String> {
        match **store {}
    }

    pub(super) fn set(store: &Store, _: &str, _: &str) -> Result<(), String> {
        match **store {}
    }

    pub(super) fn remove(store: &Store, _: &str) -> Result<(), String> {
        match **store {}
    }
}

#[cfg(all(test, feature = "keychain"))]
mod tests {
    use keyring_core::{Error, mock};

    use super::*;

    #[test]
    fn a_key_is_kept_replaced_read_and_removed() {
        let keychain = Keychain(mock::Store::new().unwrap());
        let read = |of| keychain.get(of).unwrap().map(|it| it.expose().to_owned());
        assert_eq!(read("acme"), None);
        keychain.set("acme", "first").unwrap();
        keychain.set("acme", "second").unwrap();
        keychain.set("other", "third").unwrap();
        assert_eq!(read("acme").as_deref(), Some("second"));
        keychain.remove("acme").unwrap();
        keychain.remove("acme").unwrap();
        assert_eq!(
            (read("acme"), read("other").as_deref()),
            (None, Some("third"))
        );
    }

    #[test]
    fn one_that_never_answers_is_given_up() {
        let briefly = [Duration::from_millis(1); 2];
        let (never, waits) = std::sync::mpsc::channel::<()>();
        let hangs = within(briefly, move || waits.recv().map_err(|_| String::new()));
        assert_eq!(hangs.unwrap_err(), "it doesn't answer");
        drop(never);
        assert_eq!(within(PATIENCE, || Ok(1)), Ok(1));
    }

    #[test]
    fn what_keeps_it_from_answering_is_told_without_the_key() {
        let store = mock::Store::new().unwrap();
        let keychain = Keychain(store);
        keychain.set("acme", "sk-secret").unwrap();
        let fails = |error| {
            let entry = keychain.0.build("parlor", "acme", None).unwrap();
            let credential: &mock::Cred = entry.as_any().downcast_ref().unwrap();
            credential.set_error(error);
            keychain.get("acme").unwrap_err()
        };
        let error = fails(Error::BadEncoding(b"sk-secret".to_vec()));
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = fails(Error::NoStorageAccess("it is locked".into()));
        assert!(error.message().contains("locked"), "{error}");
        assert!(error.help().contains("Unlock"), "{error}");
    }
}
