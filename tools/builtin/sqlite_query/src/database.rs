//! The file in memory, and what a query may do to it: read.

use std::io::{self, Read};

use playhouse_tool::{Error, files};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, MAIN_DB};
use shared::shown;

use crate::{FILE_BYTES_MAX, PARAMETERS_MAX, QUERY_BYTES_MAX};

/// How a file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Two bytes of the header say whether the file is written to directly (1) or beside it (2).
const JOURNALS: std::ops::Range<usize> = 18..20;
/// Bytes of the header.
const HEADER_BYTES: u64 = 100;
/// Bytes of one text or blob, also one in the making.
const CELL_BYTES_MAX: i32 = 4 << 20;

/// What bounds the work of one query, besides the host's fuel and deadline.
const LIMITS: [(Limit, i32); 10] = [
    (Limit::SQLITE_LIMIT_LENGTH, CELL_BYTES_MAX),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, QUERY_BYTES_MAX as i32),
    (Limit::SQLITE_LIMIT_COLUMN, 500),
    // Each level takes stack, of which there is 1 MiB.
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX as i32),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
];

/// Pragmas that only tell.
const PRAGMAS: [&str; 9] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "user_version",
    "application_id",
];

/// The database `file`, which can only be read.
pub(crate) fn open(file: &str) -> Result<Connection, Error> {
    let info = files::stat(file)?;
    let database = format!("`{file}` is not a SQLite database");
    if info.size > FILE_BYTES_MAX {
        let message = format!(
            "`{file}` has {} bytes, and databases of more than {FILE_BYTES_MAX} bytes do not fit here: ask for a smaller extract",
            info.size
        );
        return Err(Error::failed(message));
    }
    if info.size < HEADER_BYTES || !files::read(file, 0, MAGIC.len() as u32)?.starts_with(MAGIC) {
        return Err(Error::invalid_input(database));
    }
    let broken = |error: rusqlite::Error| Error::failed(format!("`{file}` cannot be opened: {error}"));
    let mut connection = Connection::open_in_memory().map_err(broken)?;
    let mut pages = Pages { file, at: 0, part: Vec::new(), refused: None };
    let read = connection.deserialize_read_exact(MAIN_DB, &mut pages, info.size as usize, true);
    if let Some(refused) = pages.refused {
        return Err(refused);
    }
    read.and_then(|()| harden(&connection)).map_err(broken)?;
    Ok(connection)
}

/// Neither the query nor anything in the database is trusted.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    for (limit, value) in LIMITS {
        connection.set_limit(limit, value)?;
    }
    // Damaged pages are found out before they are read from. Some pragmas answer with a row.
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.authorizer(Some(may));
    Ok(())
}

fn may(asked: AuthContext<'_>) -> Authorization {
    match asked.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if function_name != "load_extension" => Authorization::Allow,
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let told = PRAGMAS.contains(&pragma_name);
            let set = pragma_value.is_some() && ["user_version", "application_id"].contains(&pragma_name);
            if told && !set { Authorization::Allow } else { Authorization::Deny }
        }
        _ => Authorization::Deny,
    }
}

/// The bytes of the file, a part at a time, so that they are in memory once.
struct Pages<'a> {
    file: &'a str,
    at: u64,
    part: Vec<u8>,
    /// Why the file could not be read.
    refused: Option<Error>,
}

impl Read for Pages<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            let part = files::read(self.file, self.at, files::READ_BYTES_MAX).map_err(|why| {
                self.refused = Some(why);
                io::Error::other("the file cannot be read")
            })?;
            self.part = part;
            if self.at == 0 && self.part.len() >= JOURNALS.end {
                // A file that is written to beside is read as it is: there are no other files here.
                self.part[JOURNALS].fill(1);
            }
            self.at += self.part.len() as u64;
            if self.part.is_empty() {
                self.refused = Some(Error::unavailable(format!(
                    "`{}` became shorter while it was read: try again",
                    shown(self.file)
                )));
            }
        }
        let count = self.part.len().min(into.len());
        into[..count].copy_from_slice(&self.part[..count]);
        self.part.drain(..count);
        Ok(count)
    }
}
