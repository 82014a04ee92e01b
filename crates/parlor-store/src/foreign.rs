//! Reading another program's database.

use crate::failure::failed;
use parlor_core::Result;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection, Row};
use std::path::Path;
use std::str::FromStr;

/// The database of another program, in a file of SQLite's, which is only read.
pub struct Foreign(AnyConnection);

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Foreign")
    }
}

impl Foreign {
    /// Opens it. Its program may have it open too.
    ///
    /// # Errors
    /// The file isn't there, can't be read, or is no database.
    pub async fn open(path: &Path) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let failed = failed("opening another program's database");
        let address = crate::store::address(path, "ro")?;
        let address = AnyConnectOptions::from_str(&address).map_err(&failed)?;
        let connection = AnyConnection::connect_with(&address).await;
        Ok(Self(connection.map_err(&failed)?))
    }

    /// The rows of a statement, every column of which is a text or nothing:
    /// `CAST (x AS TEXT)` makes one of anything.
    ///
    /// # Errors
    /// As the database says, such as that a table isn't there.
    pub async fn texts(&mut self, statement: &'static str) -> Result<Vec<Vec<Option<String>>>> {
        let failed = failed("reading another program's database");
        let rows = sqlx::query(statement).fetch_all(&mut self.0).await;
        let texts = rows.map_err(&failed)?.into_iter().map(|row| {
            let columns = 0..row.len();
            columns
                .map(|at| row.try_get(at))
                .collect::<sqlx::Result<_>>()
        });
        texts.collect::<sqlx::Result<_>>().map_err(&failed)
    }
}
