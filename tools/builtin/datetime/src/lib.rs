//! Tool `datetime`: dates and times in every time zone of the world.
//!
//! ```text
//!   when (read in `zone`) ──+ add──▶ shown in `to`, with weekday, week, `format`; and how far it is `until` another
//! ```
//!
//! The time zone database is inside; the one import is the clock, for what has to do with now.

mod moment;

use jiff::Zoned;
use jiff::tz::TimeZone;
use playhouse_tool::{Error, tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of the longest argument.
const TEXT_MAX: usize = 100;

/// A moment, and what is asked about it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The moment, for example `2026-03-01`, `2026-03-01T09:30`, `2026-03-01T09:30:00Z` or milliseconds since 1970; now if not given
    #[schemars(length(max = TEXT_MAX))]
    when: Option<String>,
    /// How `when` is written, if it is written otherwise, for example `%d.%m.%Y %H:%M`
    #[schemars(length(max = TEXT_MAX))]
    pattern: Option<String>,
    /// The time zone of `when`, if it does not say, for example `Europe/Berlin` or `+02:00`; UTC if not given
    #[schemars(length(max = TEXT_MAX))]
    zone: Option<String>,
    /// What to add, for example `3 days`, `-1 month 2 hours` or `P1Y`
    #[schemars(length(max = TEXT_MAX))]
    add: Option<String>,
    /// The time zone of the answer; that of the moment if not given
    #[schemars(length(max = TEXT_MAX))]
    to: Option<String>,
    /// Another moment: how far it is from this one
    #[schemars(length(max = TEXT_MAX))]
    until: Option<String>,
    /// How to write the answer besides, for example `%A, %-d %B %Y`
    #[schemars(length(max = TEXT_MAX))]
    format: Option<String>,
}

/// A moment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// With offset and time zone
    datetime: String,
    /// In English
    weekday: String,
    /// Week of the year by ISO 8601
    week: i8,
    day_of_year: i16,
    unix_ms: i64,
    /// As `format` says
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted: Option<String>,
    /// From the moment to `until`
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
    /// If the clocks show a moment never or twice: which was taken
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How far one moment is from another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// In years, months, days, hours, minutes and seconds
    text: String,
    /// Days from date to date
    days: i64,
    seconds: i64,
}

/// Answers questions of date and time: now, other time zones, weekdays, adding, differences, formats. For example when
/// `2026-03-01`, add `2 weeks`, or until `2026-12-24`.
#[tool(effect = "idempotent")]
pub fn datetime(input: Input) -> Result<Output, Error> {
    let zone = input.zone.as_deref().map_or(Ok(TimeZone::UTC), |name| moment::zone("zone", name))?;
    let read = moment::read("when", input.when.as_deref(), input.pattern.as_deref(), &zone)?;
    let (mut when, mut note) = (read.zoned, read.note);
    if let Some(span) = &input.add {
        when = moment::add(&when, span)?;
    }
    if let Some(name) = &input.to {
        when = when.with_time_zone(moment::zone("to", name)?);
    }
    let formatted = input.format.as_deref().map(|format| moment::format(&when, format)).transpose()?;
    let difference = match &input.until {
        None => None,
        Some(until) => {
            let until = moment::read("until", Some(until), None, when.time_zone())?;
            note = note.or(until.note);
            Some(difference(&when, &until.zoned)?)
        }
    };
    Ok(Output {
        datetime: when.to_string(),
        weekday: when.strftime("%A").to_string(),
        week: when.date().iso_week_date().week(),
        day_of_year: when.day_of_year(),
        unix_ms: when.timestamp().as_millisecond(),
        formatted,
        difference,
        note,
    })
}

fn difference(when: &Zoned, until: &Zoned) -> Result<Difference, Error> {
    let until = until.with_time_zone(when.time_zone().clone());
    let span = when
        .until((jiff::Unit::Year, &until))
        .map_err(|wrong| Error::failed(format!("no difference: {wrong}")))?;
    let days = when
        .date()
        .until((jiff::Unit::Day, until.date()))
        .map_err(|wrong| Error::failed(format!("no difference: {wrong}")))?;
    let seconds = until.timestamp().as_second() - when.timestamp().as_second();
    Ok(Difference { text: moment::words(&span), days: i64::from(days.get_days()), seconds })
}

#[cfg(test)]
mod tests;
