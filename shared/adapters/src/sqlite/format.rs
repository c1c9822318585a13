//! Versions of a file. Law: a newer file is refused untouched, an older one is brought forward step by step,
//! each step in one transaction with its number.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use thiserror::Error;

/// What a file is, and how each version is made from the one before. Version n is made by step n, from 1.
pub(crate) struct Format {
    /// Told apart from other programs' files by `PRAGMA application_id`.
    pub(crate) application_id: i32,
    /// SQL of each step.
    pub(crate) steps: &'static [&'static str],
}

/// A file that cannot be used.
#[derive(Debug, Error)]
pub enum FormatError {
    /// Written by a newer Recap.
    #[error("{file} has format {found}, and this version of Recap knows up to {known}: use a newer one")]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: usize,
        /// The newest format known here.
        known: usize,
    },
    /// Not ours.
    #[error("{file} was not made by Recap")]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The thread that writes it could not be started.
    #[error("no thread for {file}")]
    Thread {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It could not be read or written.
    #[error("{file} cannot be opened")]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

impl FormatError {
    pub(crate) fn sqlite(file: &Path) -> impl Fn(rusqlite::Error) -> Self + '_ {
        |source| Self::Sqlite { file: file.to_owned(), source }
    }
}

impl Format {
    /// Refuses what this version cannot read, before anything is written.
    pub(crate) fn check(&self, file: &Path) -> Result<(), FormatError> {
        if !file.exists() {
            return Ok(());
        }
        let connection = Connection::open(file).map_err(FormatError::sqlite(file))?;
        self.found(&connection, file).map(|_| ())
    }

    /// The version of a file; `None` where there is none. Refuses what this version cannot read.
    pub(crate) fn version(&self, file: &Path) -> Result<Option<usize>, FormatError> {
        if !file.exists() {
            return Ok(None);
        }
        let connection = Connection::open(file).map_err(FormatError::sqlite(file))?;
        self.found(&connection, file).map(Some)
    }

    /// Brings a file to the newest version. Several processes may do so at once.
    pub(crate) fn migrate(&self, connection: &mut Connection, file: &Path) -> Result<(), FormatError> {
        let failed = FormatError::sqlite(file);
        if self.found(connection, file)? == self.steps.len() {
            return Ok(());
        }
        for number in 1..=self.steps.len() {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
            if self.found(&transaction, file)? >= number {
                continue;
            }
            transaction.execute_batch(self.steps[number - 1]).map_err(&failed)?;
            transaction.pragma_update(None, "application_id", self.application_id).map_err(&failed)?;
            transaction
                .pragma_update(None, "user_version", i64::try_from(number).unwrap_or(i64::MAX))
                .map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
        }
        Ok(())
    }

    fn found(&self, connection: &Connection, file: &Path) -> Result<usize, FormatError> {
        let failed = FormatError::sqlite(file);
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(&failed);
        let (id, version) = (number("application_id")?, number("user_version")?);
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&failed)?;
        if id != i64::from(self.application_id) && (id != 0 || version != 0 || tables != 0) {
            return Err(FormatError::Foreign { file: file.to_owned() });
        }
        let found = usize::try_from(version).map_err(|_| FormatError::Foreign { file: file.to_owned() })?;
        if found > self.steps.len() {
            return Err(FormatError::Newer { file: file.to_owned(), found, known: self.steps.len() });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Format = Format { application_id: 77, steps: &["CREATE TABLE a (x INTEGER)"] };
    const TWO: Format = Format {
        application_id: 77,
        steps: &["CREATE TABLE a (x INTEGER)", "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 5"],
    };

    #[test]
    fn an_older_file_is_brought_forward_and_a_newer_one_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db");
        let mut connection = Connection::open(&file).unwrap();
        ONE.migrate(&mut connection, &file).unwrap();
        connection.execute("INSERT INTO a VALUES (1)", []).unwrap();
        TWO.migrate(&mut connection, &file).unwrap();
        let row: (i64, i64) = connection.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!(row, (1, 5));
        let refused = ONE.check(&file).unwrap_err();
        assert!(matches!(refused, FormatError::Newer { found: 2, known: 1, .. }), "{refused}");
        TWO.check(&file).unwrap();
    }

    #[test]
    fn a_file_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.db");
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(ONE.check(&file), Err(FormatError::Foreign { .. })));
    }
}
