//! A store, and how it is opened.

use crate::database::Database;
use crate::failure::failed;
use crate::schema;
use crate::served::Insertions;
use crate::texts::plain;
use parlor_core::Result;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Conversations and what they used, in a database.
///
/// It is cheap to clone, and all clones use the same connections.
/// What a store does is [`ConversationStore`](parlor_agent::ConversationStore).
/// Words are looked for in the first 256 KiB of what was said in a turn; over
/// PostgreSQL in any case as its locale knows that, and with their accents where
/// its encoding isn't UTF-8. A zero
/// letter, which PostgreSQL has no place for, is kept in what was said; in a
/// title, in instructions and in names it becomes U+FFFD.
#[derive(Clone)]
pub struct Store {
    pub(crate) pool: AnyPool,
    pub(crate) database: &'static Database,
    name: String,
    /// Whose conversations are seen, where not all are.
    pub(crate) owner: Option<String>,
    pub(crate) insertions: Arc<Insertions>,
}

impl Store {
    /// The store in this file, which is made where there is none; the folder must
    /// be there.
    ///
    /// Several programs may use it at once. What is written survives a program
    /// that is killed. On Unix, a file that is made here is its owner's alone.
    ///
    /// # Errors
    /// The file can't be opened or written to, isn't a database, or was made by a
    /// newer parlor, which is then left as it is.
    #[cfg(feature = "sqlite")]
    pub async fn sqlite(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let path = path.as_ref();
        make_private(path)?;
        let name = path.display().to_string();
        let url = address(path, "rwc")?;
        Self::open(
            &url,
            name,
            &crate::database::SQLITE,
            AnyPoolOptions::new()
                .max_connections(4)
                // A file doesn't go away.
                .test_before_acquire(false)
                .acquire_timeout(Duration::from_secs(10)),
        )
        .await
    }

    /// A store that is gone with the program.
    #[cfg(feature = "sqlite")]
    pub async fn memory() -> Result<Self> {
        // Each connection would have a memory of its own.
        let options = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(None)
            .max_lifetime(None);
        let name = "memory".to_owned();
        Self::open("sqlite::memory:", name, &crate::database::SQLITE, options).await
    }

    /// The store in this database of a server: `postgres://user@host/database`.
    ///
    /// # Errors
    /// The server can't be reached, refuses, or its tables were made by a newer
    /// parlor.
    #[cfg(feature = "postgres")]
    pub async fn postgres(url: &str) -> Result<Self> {
        // A pool tries a server that refuses until this time is over.
        let options = AnyPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(3));
        let name = "postgres".to_owned();
        Self::open(url, name, &crate::database::POSTGRES, options).await
    }

    async fn open(
        url: &str,
        name: String,
        database: &'static Database,
        options: AnyPoolOptions,
    ) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let failed = failed("opening");
        let address = AnyConnectOptions::from_str(url).map_err(&failed)?;
        // A pool tries again until its time is over, and doesn't say why.
        let mut first = AnyConnection::connect_with(&address)
            .await
            .map_err(&failed)?;
        greet(&mut first, database).await.map_err(&failed)?;
        first.close().await.map_err(&failed)?;
        let pool = options
            .after_connect(move |connection, _| Box::pin(greet(connection, database)))
            .connect_lazy_with(address);
        schema::bring_up(&pool, database).await?;
        Ok(Self {
            pool,
            database,
            name,
            owner: None,
            insertions: Arc::new(Insertions::new(database)),
        })
    }

    /// The same store as somebody sees it who has a part of it: conversations that
    /// are begun belong to them, and those of others, and of nobody, aren't there.
    #[must_use]
    pub fn of_owner(&self, owner: &str) -> Self {
        Self {
            owner: Some(plain(owner).into_owned()),
            ..self.clone()
        }
    }

    /// Ends all connections when what is under way has ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction<'static, Any>> {
        self.pool.begin_with(self.database.begin).await
    }
}

async fn greet(connection: &mut AnyConnection, database: &Database) -> sqlx::Result<()> {
    for statement in database.greeting {
        connection.execute(*statement).await?;
    }
    Ok(())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.name).finish()
    }
}

/// Makes the file before the database does, so that only its owner can read it
/// from the first byte on.
#[cfg(feature = "sqlite")]
fn make_private(path: &std::path::Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path);
    made.map(drop).map_err(|error| {
        let message = format!("the store {} can't be opened: {error}", path.display());
        parlor_core::Error::new(parlor_core::ErrorKind::Configuration, message)
            .with_help("Make its folder, or change who may write there.")
            .with_source(error)
    })
}

/// The address of a file, to be opened so.
#[cfg(feature = "sqlite")]
pub(crate) fn address(path: &std::path::Path, mode: &str) -> Result<String> {
    let path = path.to_str().ok_or_else(|| {
        parlor_core::Error::new(
            parlor_core::ErrorKind::Configuration,
            "the path of the store isn't Unicode",
        )
    })?;
    let mut escaped = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '%' => escaped.push_str("%25"),
            '?' => escaped.push_str("%3F"),
            '#' => escaped.push_str("%23"),
            _ => escaped.push(letter),
        }
    }
    // After two slashes a host is read, which the letter of a drive would be.
    let slashes = if escaped.starts_with('/') { "//" } else { "" };
    Ok(format!("sqlite:{slashes}{escaped}?mode={mode}"))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use std::path::Path;

    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[test]
    fn the_address_of_a_file_leads_to_it_on_any_system() {
        for path in [
            "/home/me/store.db",
            "/home/a b/100%?#.db",
            "store.db",
            "a folder/store.db",
            r"C:\Users\me\AppData\store.db",
            r"C:\Users\A B\50%#.db",
            "C:/Users/me/store.db",
            r"\\server\share\store.db",
        ] {
            let address = address(Path::new(path), "rwc").unwrap();
            let options = AnyConnectOptions::from_str(&address).unwrap();
            let options: SqliteConnectOptions = options.database_url.as_str().parse().unwrap();
            assert_eq!(options.get_filename(), Path::new(path), "{address}");
        }
    }
}
