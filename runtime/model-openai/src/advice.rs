//! What a provider's headers say about trying again. Pure.
//!
//! The contract is the one that the OpenAI SDKs keep: `x-should-retry` decides, `retry-after-ms` is more
//! exact than `retry-after`, and `retry-after` is seconds, fractions allowed, or a date. A date is read
//! against the answer's own `Date` header: the difference does not depend on whose clock is right.

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Advice to wait longer is advice to give up: no task should hold its slot that long, and the SDKs draw
/// the line here too.
pub(crate) const RETRY_AFTER_MS_MAX: u64 = 120_000;

/// Longest request id that is repeated; real ones have some 40 characters.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// What the headers of a refusal say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Whether to try again, if the provider says so outright.
    pub(crate) should_retry: Option<bool>,
    /// When.
    pub(crate) after_ms: Option<u64>,
    /// What the provider's support asks for.
    pub(crate) request_id: Option<String>,
}

impl Advice {
    /// Reads the headers; what makes no sense is as if it were not there.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let should_retry = match text("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let after_ms = text("retry-after-ms").and_then(|ms| millis(ms, 1.0)).or_else(|| {
            let after = text(RETRY_AFTER.as_str())?;
            millis(after, 1000.0).or_else(|| {
                let wait_s = seconds(after)?.saturating_sub(seconds(text(DATE.as_str())?)?);
                Some(u64::try_from(wait_s).unwrap_or(0).saturating_mul(1000))
            })
        });
        let request_id = text("x-request-id").filter(|id| id.len() <= REQUEST_ID_BYTES_MAX);
        Self { should_retry, after_ms, request_id: request_id.map(str::to_owned) }
    }
}

/// A number of units of `unit` milliseconds, rounded up: coming back early is what was advised against.
fn millis(number: &str, unit: f64) -> Option<u64> {
    let number: f64 = number.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked; `as` saturates")]
    (number.is_finite() && number >= 0.0).then(|| (number * unit).ceil() as u64)
}

/// Seconds since 1970 of an HTTP date in its one modern form, `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = date.split_once(", ")?;
    let [day, month, year, time, "GMT"] = date.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()? + 1;
    let number = |text: &str, max: i64| text.parse::<i64>().ok().filter(|n| (0..=max).contains(n));
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let day = days(number(year, 9999)?, month, number(day, 31)?);
    Some(((day * 24 + number(hour, 23)?) * 60 + number(minute, 59)?) * 60 + number(second, 60)?)
}

/// Days from 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day is the
/// last one and the days before each month follow a straight line.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    const DAYS_TO_1970: i64 = 719_468;
    year * 365 + leap_days + day_of_year - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn advice(headers: &[(&'static str, &'static str)]) -> Advice {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Advice::of(&headers.iter().map(header).collect())
    }

    const NOW: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    type Headers = &'static [(&'static str, &'static str)];

    #[test]
    fn every_form_of_retry_after_is_understood() {
        let table: &[(Headers, Option<u64>)] = &[
            (&[("retry-after", "2")], Some(2000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after-ms", "17.2"), ("retry-after", "2")], Some(18)),
            (&[("retry-after-ms", "soon"), ("retry-after", "2")], Some(2000)),
            (&[NOW, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], Some(30_000)),
            (&[NOW, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "tomorrow")], None),
            (&[("retry-after", "1e300")], Some(u64::MAX)),
            (&[], None),
        ];
        for (headers, expected) in table {
            assert_eq!(advice(headers).after_ms, *expected, "{headers:?}");
        }
    }

    #[test]
    fn dates_count_days_as_the_calendar_does() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(seconds("Sun, 06 Foo 1994 08:49:37 GMT"), None);
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49 GMT"), None);
    }

    #[test]
    fn the_word_of_the_provider_is_read() {
        assert_eq!(advice(&[("x-should-retry", "false")]).should_retry, Some(false));
        assert_eq!(advice(&[("x-should-retry", "maybe")]).should_retry, None);
    }
}
