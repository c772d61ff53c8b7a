//! Days and seconds since 1970, in UTC: what a trust list and a manifest write, without a clock.

use toml::value::{Datetime, Offset};

const DAY: i64 = 86_400;

/// Days from 1970-01-01 to this day of the Gregorian calendar. Years begin in March here, so that the day a leap year
/// adds is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The day that is so many days after 1970-01-01: the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// Seconds since 1970. A day begins at midnight in UTC, and so does what names no zone. `None`: a time without a day.
pub(crate) fn seconds(written: &Datetime) -> Option<i64> {
    let day = written.date?;
    let day = days(day.year.into(), day.month.into(), day.day.into());
    let of_day = written.time.map_or(0, |time| {
        i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + i64::from(time.second.unwrap_or(0))
    });
    let ahead = match written.offset {
        Some(Offset::Custom { minutes }) => i64::from(minutes) * 60,
        Some(Offset::Z) | None => 0,
    };
    Some(day * DAY + of_day - ahead)
}

/// `2026-11-22T14:00:00Z`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let rest = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_read_and_written() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-22T14:00:00Z", 1_795_356_000),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(seconds(&text.parse().unwrap()), Some(expected), "{text}");
            assert_eq!(rfc3339(expected), text);
        }
        assert_eq!(seconds(&"1970-01-01T01:00:00+01:00".parse().unwrap()), Some(0));
        assert_eq!(seconds(&"1970-01-02".parse().unwrap()), Some(DAY));
        assert_eq!(seconds(&"12:00:00".parse().unwrap()), None);
    }

    #[test]
    fn every_day_of_eight_centuries_is_its_own_and_comes_back() {
        for day in -146_097..2 * 146_097 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }
}
