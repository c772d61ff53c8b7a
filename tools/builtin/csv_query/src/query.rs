//! What is asked of a table.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use playhouse_tool::Error;
use shared::{ANSWER_BYTES_MAX, shown};

use crate::table::{Table, compare, number};
use crate::{Aggregate, Condition, Input, Is, LIMIT, LIMIT_MAX, Output, Sum};

/// The largest whole number up to which every whole number is a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// From the table to the rows that are wanted.
pub(crate) fn answer(mut table: Table, input: &Input) -> Result<Output, Error> {
    for condition in &input.conditions {
        let at = table.column("where", &condition.column)?;
        let unlike = table.rows.iter().map(|row| row[at].as_str()).filter(|cell| is_unlike(cell, condition));
        table.notes.extend(passed_over(unlike, "where", &condition.column));
        table.rows.retain(|row| holds(&row[at], condition));
    }
    if !input.group_by.is_empty() || !input.aggregate.is_empty() {
        table = group(&table, input)?;
    }
    let orders = input.sort.iter().map(|order| Ok((table.column("sort", &order.column)?, order.descending)));
    let orders = orders.collect::<Result<Vec<_>, Error>>()?;
    table.rows.sort_by(|a, b| {
        let by = |(at, descending): &(usize, bool)| {
            let order = compare(&a[*at], &b[*at]);
            if *descending { order.reverse() } else { order }
        };
        orders.iter().map(by).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    });
    let selected =
        input.select.iter().map(|name| table.column("select", name)).collect::<Result<Vec<_>, _>>()?;
    let selected = if selected.is_empty() { (0..table.columns.len()).collect() } else { selected };
    Ok(page(&table, &selected, input))
}

/// Whether an order between the cell and the value means nothing: one is a number, the other is none.
fn is_unlike(cell: &str, condition: &Condition) -> bool {
    let is_order = matches!(condition.is, Is::Less | Is::LessOrEqual | Is::Greater | Is::GreaterOrEqual);
    is_order && !cell.is_empty() && number(cell).is_some() != number(condition.value.trim()).is_some()
}

/// What is said of cells that do not count, if there are any.
fn passed_over<'a>(cells: impl Iterator<Item = &'a str>, field: &str, column: &str) -> Option<String> {
    let cells: Vec<&str> = cells.collect();
    let first = cells.first()?;
    let (count, column, first) = (cells.len(), shown(column), shown(first));
    let is = if number(&first).is_some() { "a number" } else { "no number" };
    Some(format!(
        "`{field}` passed over cells of `{column}` that are {is}: {count}, the first is `{first}`; numbers are written `1234.5`"
    ))
}

fn holds(cell: &str, condition: &Condition) -> bool {
    let wanted = condition.value.trim();
    let order = || compare(cell, wanted);
    // An order holds only between two of a kind.
    let same_kind = number(cell).is_some() == number(wanted).is_some();
    match condition.is {
        Is::Equal => order().is_eq(),
        Is::NotEqual => order().is_ne(),
        Is::Less => same_kind && order().is_lt(),
        Is::LessOrEqual => same_kind && order().is_le(),
        Is::Greater => same_kind && order().is_gt(),
        Is::GreaterOrEqual => same_kind && order().is_ge(),
        Is::Contains => cell.to_lowercase().contains(&wanted.to_lowercase()),
    }
}

/// One row for each group; without `group_by`, one for all.
fn group(table: &Table, input: &Input) -> Result<Table, Error> {
    let keys =
        input.group_by.iter().map(|name| table.column("group_by", name)).collect::<Result<Vec<_>, _>>()?;
    let mut figures = Vec::new();
    for aggregate in &input.aggregate {
        let counts = aggregate.function == Sum::Count && aggregate.column.is_empty();
        let at = if counts { None } else { Some(table.column("aggregate", &aggregate.column)?) };
        figures.push((aggregate, at));
    }
    let mut notes = table.notes.clone();
    for (aggregate, at) in &figures {
        let Some(at) = at.filter(|_| matches!(aggregate.function, Sum::Sum | Sum::Mean)) else { continue };
        let cells = table.rows.iter().map(|row| row[at].as_str());
        let unlike = cells.filter(|cell| !cell.is_empty() && number(cell).is_none());
        notes.extend(passed_over(unlike, &title(aggregate), &aggregate.column));
    }
    let mut groups: BTreeMap<Vec<&str>, Vec<&Vec<String>>> = BTreeMap::new();
    if keys.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in &table.rows {
        groups.entry(keys.iter().map(|at| row[*at].as_str()).collect()).or_default().push(row);
    }
    let names = keys.iter().map(|at| table.columns[*at].clone());
    let columns = names.chain(input.aggregate.iter().map(title)).collect();
    let rows = groups.into_iter().map(|(key, rows)| {
        let figures = figures.iter().map(|(aggregate, at)| figure(aggregate.function, *at, &rows));
        key.into_iter().map(str::to_owned).chain(figures).collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.iter().flatten().any(|cell| number(cell).is_some_and(|number| number.abs() > EXACT_MAX)) {
        notes.push("figures of more than 15 digits are rounded".to_owned());
    }
    Ok(Table { columns, rows, notes })
}

fn title(aggregate: &Aggregate) -> String {
    let function = format!("{:?}", aggregate.function).to_lowercase();
    if aggregate.column.is_empty() { function } else { format!("{function}({})", aggregate.column) }
}

/// Cells that are no numbers are passed over; `count` of a column counts those that are not empty.
fn figure(function: Sum, at: Option<usize>, rows: &[&Vec<String>]) -> String {
    let Some(at) = at else { return rows.len().to_string() };
    let cells = rows.iter().map(|row| row[at].as_str()).filter(|cell| !cell.is_empty());
    let numbers = || cells.clone().filter_map(number);
    let text = |number: Option<f64>| number.map(written).unwrap_or_default();
    match function {
        Sum::Count => cells.count().to_string(),
        Sum::Sum => written(numbers().sum()),
        Sum::Mean => text(
            Some(numbers().count())
                .filter(|count| *count > 0)
                .map(|count| numbers().sum::<f64>() / count as f64),
        ),
        Sum::Min => cells.min_by(|a, b| compare(a, b)).unwrap_or_default().to_owned(),
        Sum::Max => cells.max_by(|a, b| compare(a, b)).unwrap_or_default().to_owned(),
    }
}

/// Without the noise of floats: twelve digits are what they promise after many sums.
fn written(number: f64) -> String {
    let digits = number.abs().max(1.0).log10() as usize;
    let text = format!("{number:.*}", 12_usize.saturating_sub(digits));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn page(table: &Table, selected: &[usize], input: &Input) -> Output {
    let limit = input.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX) as usize;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for row in table.rows.iter().skip(input.offset as usize).take(limit) {
        let row: Vec<String> = selected.iter().map(|at| row[*at].clone()).collect();
        bytes += row.iter().map(|cell| cell.len() + 3).sum::<usize>();
        if bytes > ANSWER_BYTES_MAX {
            break;
        }
        rows.push(row);
    }
    let (total, next) = (table.rows.len(), input.offset as usize + rows.len());
    let more = (next < total).then(|| format!("{} more rows: ask again with `offset` {next}", total - next));
    let columns = selected.iter().map(|at| table.columns[*at].clone()).collect();
    Output { columns, rows, total, notes: table.notes.clone(), more }
}
