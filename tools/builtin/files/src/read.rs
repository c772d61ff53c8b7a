//! Reading lines of one file.

use playhouse_tool::{Error, files as disk};
use shared::{ANSWER_BYTES_MAX, clip};

use crate::Output;

/// Lines `from` to `to` of a file, from 1.
pub(crate) fn read(path: &str, from: Option<u64>, to: Option<u64>) -> Result<Output, Error> {
    let from = from.unwrap_or(1).max(1);
    if to.is_some_and(|to| to < from) {
        let message = format!("`to` is before `from`: give the last line wanted, for example `{}`", from + 9);
        return Err(Error::invalid_input(message));
    }
    if path.is_empty() {
        return Err(Error::invalid_input(
            "`path` is missing: give the file to read, for example `docs/a.txt`",
        ));
    }
    let info = disk::stat(path)?;
    if info.is_folder {
        return Err(Error::invalid_input(format!("`{path}` is a folder: list it, and read a file in it")));
    }
    let version = info.version;
    let all = disk::read_to_string(path)?;
    let lines = all.split_inclusive('\n').count() as u64;
    if from > lines.max(1) {
        return Err(Error::invalid_input(format!("`from` is {from}, but `{path}` has {lines} lines")));
    }
    let count = to.map_or(u64::MAX, |to| to - from + 1);
    let wanted = all.split_inclusive('\n').skip(index(from - 1)).take(index(count));
    let mut text = String::new();
    let mut next = from;
    for line in wanted {
        if text.len() + line.len() > ANSWER_BYTES_MAX {
            break;
        }
        text += line;
        next += 1;
    }
    let mut more =
        (next <= lines).then(|| format!("{} more lines: read again with `from` {next}", lines - next + 1));
    if text.is_empty() && next <= lines {
        // One line alone is too long.
        let line = all.split_inclusive('\n').nth(index(next - 1)).unwrap_or_default();
        clip(line, ANSWER_BYTES_MAX).clone_into(&mut text);
        more =
            Some(format!("line {next} has {} bytes and was cut; go on with `from` {}", line.len(), next + 1));
    }
    Ok(Output { text: Some(text), lines: Some(lines), version: Some(version), more, ..Output::default() })
}

fn index(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}
