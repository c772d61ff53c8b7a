//! Reading a table, and comparing its cells.

use std::cmp::Ordering;
use std::io::Read;

use csv::ReaderBuilder;
use playhouse_tool::Error;
use shared::shown;

/// Cells of the largest table: each costs some tens of bytes of the instance's memory.
const CELLS_MAX: usize = 400_000;
/// A line that is put behind the table: what is read as anything else was swallowed by a quote.
const LAST_LINE: &str = "\nend";
/// What may separate cells, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Names, and rows with a cell for each.
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What was passed over, in words for the model.
    pub(crate) notes: Vec<String>,
}

impl Table {
    /// Where the column is.
    pub(crate) fn column(&self, field: &str, name: &str) -> Result<usize, Error> {
        let exactly = self.columns.iter().position(|column| column == name);
        let nearly = || self.columns.iter().position(|column| column.eq_ignore_ascii_case(name.trim()));
        exactly.or_else(nearly).ok_or_else(|| {
            let known = self
                .columns
                .iter()
                .take(50)
                .map(|name| format!("`{}`", shown(name)))
                .collect::<Vec<_>>()
                .join(", ");
            Error::invalid_input(format!(
                "`{field}` names `{}`, which is no column; there are {known}",
                shown(name)
            ))
        })
    }
}

/// Reads CSV; rows that are too short are filled up, and what is too long in others is noted.
pub(crate) fn read(text: &str, separator: Option<&str>) -> Result<Table, Error> {
    let text = text.trim_start_matches('\u{feff}');
    let separator = match separator.map(str::as_bytes) {
        Some([one]) => *one,
        Some(_) => {
            return Err(Error::invalid_input("`separator` must be one ASCII character, for example `;`"));
        }
        None => likeliest(text.lines().next().unwrap_or_default()),
    };
    let whole = text.as_bytes().chain(LAST_LINE.as_bytes());
    let mut reader = ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(whole);
    let unread = |wrong: csv::Error| Error::invalid_input(format!("the table cannot be read: {wrong}"));
    let columns: Vec<String> =
        reader.headers().map_err(unread)?.iter().map(|name| name.trim().to_owned()).collect();
    if text.trim().is_empty() {
        return Err(Error::invalid_input(
            "the table is empty: the first line must name the columns, for example `city,n`",
        ));
    }
    let (mut rows, mut longer, mut is_whole) = (Vec::new(), Vec::new(), false);
    for record in reader.records() {
        let record = record.map_err(unread)?;
        is_whole = record.len() == 1 && &record[0] == LAST_LINE.trim_start();
        if record.len() > columns.len() {
            longer.push(rows.len() + 1);
        }
        let mut row: Vec<String> =
            record.iter().take(columns.len()).map(|cell| cell.trim().to_owned()).collect();
        row.resize(columns.len(), String::new());
        rows.push(row);
        if rows.len() * columns.len() > CELLS_MAX {
            return Err(Error::invalid_input(format!(
                "the table has more than {CELLS_MAX} cells: give a part of it"
            )));
        }
    }
    if !is_whole {
        return Err(Error::invalid_input(
            "the table ends inside a quoted cell: a `\"` is never closed; a quote within one is written `\"\"`",
        ));
    }
    rows.pop();
    let notes = longer.first().map(|first| {
        format!(
            "rows with more cells than there are columns: {}, the first is row {first}; the cells beyond were left out",
            longer.len()
        )
    });
    Ok(Table { columns, rows, notes: notes.into_iter().collect() })
}

fn likeliest(line: &str) -> u8 {
    let count = |separator: &u8| line.bytes().filter(|byte| byte == separator).count();
    // `max_by_key` takes the last of equals, so the likeliest comes last.
    SEPARATORS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

/// A cell as a number: `1,234.5`, `1 234.5` and `10,5` are none, since nobody knows what they are.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let is_numeric = cell.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    cell.parse::<f64>().ok().filter(|number| is_numeric && number.is_finite())
}

/// As numbers where both are, otherwise as text without regard to case; numbers come first.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.to_lowercase().cmp(&b.to_lowercase()),
    }
}
