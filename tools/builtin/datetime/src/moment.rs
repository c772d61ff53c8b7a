//! Reading and writing moments, zones and spans.

use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime, temporal};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use playhouse_tool::{Error, clock};
use shared::{ANSWER_BYTES_MAX, shown};

/// A time zone by name or offset.
pub(crate) fn zone(field: &str, name: &str) -> Result<TimeZone, Error> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
        return Ok(TimeZone::UTC);
    }
    temporal::DateTimeParser::new().parse_time_zone(name).map_err(|_| {
        let message = format!(
            "`{field}` is `{}`, which is no time zone: write `Europe/Berlin`, `America/New_York` or `+02:00`",
            shown(name)
        );
        Error::invalid_input(message)
    })
}

/// A moment, and what had to be chosen to find it.
pub(crate) struct Moment {
    pub(crate) zoned: Zoned,
    pub(crate) note: Option<String>,
}

impl From<Zoned> for Moment {
    fn from(zoned: Zoned) -> Self {
        Self { zoned, note: None }
    }
}

/// The moment that is written, in `zone` where it does not say; now, if there is none.
pub(crate) fn read(
    field: &str,
    text: Option<&str>,
    pattern: Option<&str>,
    zone: &TimeZone,
) -> Result<Moment, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("now"));
    let Some(text) = text else {
        let now = i64::try_from(clock::now_ms()).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
        let now = now.ok_or_else(|| Error::failed("the clock is beyond the year 9999"))?;
        return Ok(now.to_zoned(zone.clone()).into());
    };
    if pattern.is_none() && counts_seconds(text) {
        return Err(Error::invalid_input(format!(
            "`{field}` is `{text}`, which looks like seconds since 1970: write `{text}000` for those, since it is \
             milliseconds that are read"
        )));
    }
    let read = match pattern {
        Some(pattern) => by_pattern(text, pattern, zone),
        None => by_form(text, zone),
    };
    read.ok_or_else(|| {
        let expected = match pattern {
            Some(pattern) => format!("it does not fit the pattern `{}`", shown(pattern)),
            None => {
                "write `2026-03-01`, `2026-03-01T09:30` or `2026-03-01T09:30:00Z`, or say how by `pattern`"
                    .to_owned()
            }
        };
        Error::invalid_input(format!(
            "`{field}` is `{}`, which cannot be read as a moment: {expected}",
            shown(text)
        ))
    })
}

/// From the most that can be said to the least.
fn by_form(text: &str, zone: &TimeZone) -> Option<Moment> {
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Some(zoned.into());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.to_zoned(zone.clone()).into());
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return by_clock(civil, zone);
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Some(zoned.into());
    }
    let moment = text.parse::<i64>().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
    Some(moment.to_zoned(zone.clone()).into())
}

fn by_pattern(text: &str, pattern: &str, zone: &TimeZone) -> Option<Moment> {
    let parsed = strtime::parse(pattern, text).ok()?;
    if let Ok(zoned) = parsed.to_zoned() {
        return Some(zoned.into());
    }
    let civil = parsed.to_datetime().or_else(|_| parsed.to_date().map(DateTime::from)).ok()?;
    by_clock(civil, zone)
}

/// What the clocks of a zone show is no moment, or is two, where they are changed: then it is said what was taken.
fn by_clock(civil: DateTime, zone: &TimeZone) -> Option<Moment> {
    let read = zone.to_ambiguous_zoned(civil);
    let change = read.offset();
    let zoned = read.compatible().ok()?;
    let taken = zoned.strftime("%H:%M (%:z)");
    let note = match change {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => {
            Some(format!("{civil} is passed over when the clocks go forward there; {taken} was taken"))
        }
        AmbiguousOffset::Fold { .. } => {
            Some(format!("{civil} comes twice when the clocks go back there; the first, {taken}, was taken"))
        }
    };
    Some(Moment { zoned, note })
}

/// Whether `text` counts seconds since 1970 where milliseconds are read: as such it is from 1973 to 5138, and else it
/// would be of the first months of 1970.
fn counts_seconds(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| (100_000_000..100_000_000_000).contains(&number.unsigned_abs()))
}

/// `when` and a span later.
pub(crate) fn add(when: &Zoned, text: &str) -> Result<Zoned, Error> {
    let (sign, rest) = match text.trim().strip_prefix('-') {
        Some(rest) => (-1, rest.trim_start()),
        None => (1, text.trim()),
    };
    let span: Span = rest.trim_start_matches('+').parse().map_err(|_| {
        Error::invalid_input(format!(
            "`add` is `{}`, which is no span: write `3 days`, `-1 month 2 hours` or `P1Y`",
            shown(text)
        ))
    })?;
    let later = if sign < 0 { when.checked_sub(span) } else { when.checked_add(span) };
    later.map_err(|_| Error::invalid_input("`add` leads out of the years -9999 to 9999"))
}

/// `when` as the format says.
pub(crate) fn format(when: &Zoned, format: &str) -> Result<String, Error> {
    if !format.contains('%') {
        return Err(Error::invalid_input(format!(
            "`format` is `{}`, which has no field: write them as in `%Y-%m-%d` or `%A, %-d %B %Y %H:%M`",
            shown(format)
        )));
    }
    let written = strtime::format(format, when).map_err(|_| {
        Error::invalid_input(format!(
            "`format` is `{}`, which cannot be written: use fields as in `%A, %-d %B %Y %H:%M`",
            shown(format)
        ))
    })?;
    if written.len() > ANSWER_BYTES_MAX {
        return Err(Error::invalid_input("`format` writes too much: use fields as in `%A, %-d %B %Y %H:%M`"));
    }
    Ok(written)
}

/// `1 year, 2 days`; the sign in front.
pub(crate) fn words(span: &Span) -> String {
    let span_abs = span.abs();
    let parts = [
        (i64::from(span_abs.get_years()), "year"),
        (i64::from(span_abs.get_months()), "month"),
        (i64::from(span_abs.get_days()), "day"),
        (i64::from(span_abs.get_hours()), "hour"),
        (span_abs.get_minutes(), "minute"),
        (span_abs.get_seconds(), "second"),
    ];
    let named = parts.iter().filter(|(count, _)| *count != 0);
    let named: Vec<_> =
        named.map(|(count, name)| format!("{count} {name}{}", if *count == 1 { "" } else { "s" })).collect();
    let sign = if span.is_negative() { "minus " } else { "" };
    if named.is_empty() { "no time".to_owned() } else { format!("{sign}{}", named.join(", ")) }
}
