//! The query, and its rows as JSON.

use playhouse_tool::Error;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Batch, Connection, Statement, params_from_iter};
use serde_json::{Value, json};
use shared::{ANSWER_BYTES_MAX, clip};

use crate::{Input, LIMIT, Output};

/// Bytes of one text or blob in an answer; a query can take parts by `substr`.
const CELL_BYTES_MAX: usize = 4 << 10;
/// Bytes of an answer that are not rows: brackets, `more` and `note`.
const FRAME_BYTES: usize = 2 << 10;

/// Runs the query.
pub(crate) fn answer(connection: &Connection, input: &Input) -> Result<Output, Error> {
    let mut statements = Batch::new(connection, &input.query);
    let statement = statements.next().map_err(|wrong| refused(&wrong))?;
    let mut statement = statement.ok_or_else(|| Error::invalid_input("`query` is empty: give one SELECT"))?;
    // What follows may be refused or be no SQL at all; either way it is too much.
    if !matches!(statements.next(), Ok(None)) {
        return Err(Error::invalid_input("`query` has several statements: give one"));
    }
    let wanted = statement.parameter_count();
    if wanted != input.parameters.len() {
        let message = format!("`query` has {wanted} parameters, and `parameters` {}", input.parameters.len());
        return Err(Error::invalid_input(message));
    }
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(Error::invalid_input("`query` gives no rows: only reading is possible, by one SELECT"));
    }
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let values = input.parameters.iter().enumerate().map(|(at, value)| bound(at, value));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    page(&mut statement, columns, values, input.limit.unwrap_or(LIMIT) as usize)
}

/// Rows until there are `limit`, or until the answer is full.
fn page(
    statement: &mut Statement<'_>,
    columns: Vec<String>,
    values: Vec<Sql>,
    limit: usize,
) -> Result<Output, Error> {
    let mut room = ANSWER_BYTES_MAX - FRAME_BYTES;
    room = room.checked_sub(json!(columns).to_string().len()).ok_or_else(|| {
        Error::invalid_input("the names of the columns are longer than an answer: name them by `AS`")
    })?;
    let (mut found, mut cut) = (Vec::new(), false);
    let mut rows = statement.query(params_from_iter(values)).map_err(|wrong| refused(&wrong))?;
    let more = loop {
        let Some(row) = rows.next().map_err(|wrong| refused(&wrong))? else { break None };
        let after = found.len();
        if after == limit {
            break Some(format!(
                "there are rows after these {after}: raise `limit`, or add `LIMIT {limit} OFFSET {after}`"
            ));
        }
        let cells = (0..columns.len()).map(|at| row.get_ref(at).map(|cell| shown(cell, &mut cut)));
        let cells = cells.collect::<rusqlite::Result<Vec<_>>>().map_err(|wrong| refused(&wrong))?;
        match room.checked_sub(json!(cells).to_string().len() + 1) {
            Some(left) => room = left,
            None if after == 0 => {
                return Err(Error::invalid_input("one row is longer than an answer: select fewer columns"));
            }
            None => {
                break Some(format!(
                    "the answer is full after {after} rows: select fewer columns, or add `LIMIT {limit} OFFSET {after}`"
                ));
            }
        }
        found.push(cells);
    };
    let long = cut.then(|| format!("cells end after {CELL_BYTES_MAX} bytes at `…`: take parts by `substr`"));
    let more: Vec<String> = more.into_iter().chain(long).collect();
    let more = (!more.is_empty()).then(|| more.join("; "));
    Ok(Output { columns, rows: found, more, note: None })
}

fn shown(cell: ValueRef<'_>, cut: &mut bool) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        // What is no number in JSON is told in words.
        ValueRef::Real(number) => {
            serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            *cut |= text.len() > CELL_BYTES_MAX;
            match text.len() > CELL_BYTES_MAX {
                true => format!("{}…", clip(&text, CELL_BYTES_MAX)).into(),
                false => text.into(),
            }
        }
        ValueRef::Blob(bytes) => {
            let most = CELL_BYTES_MAX / 2;
            *cut |= bytes.len() > most;
            let mut hex: String = bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect();
            if bytes.len() > most {
                hex.push('…');
            }
            json!({ "hex": hex })
        }
    }
}

fn bound(at: usize, value: &Value) -> Result<Sql, Error> {
    Ok(match value {
        Value::Null => Sql::Null,
        Value::Bool(yes) => Sql::Integer((*yes).into()),
        Value::String(text) => Sql::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Sql::Integer(whole),
            (None, Some(real)) => Sql::Real(real),
            (None, None) => {
                return Err(Error::invalid_input(format!("`parameters[{at}]` is no number that SQLite has")));
            }
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(Error::invalid_input(format!(
                "`parameters[{at}]` must be text, a number, a boolean or null, for example `5`"
            )));
        }
    })
}

/// An error for the model.
fn refused(error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::AuthorizationForStatementDenied) => Error::denied(
            "the database can only be read: ask by one SELECT, without ATTACH or PRAGMA that changes something",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::failed(format!("the database is damaged: {error}"))
        }
        Some(ErrorCode::OutOfMemory | ErrorCode::TooBig) => {
            Error::failed(format!("the query takes too much memory ({error}): ask for less at once"))
        }
        _ => Error::invalid_input(format!("`query` failed: {error}")),
    }
}
