//! From decimal text to a fraction.

use crate::fraction::{Fraction, LIMIT, Overflow};

/// Why a text is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotANumber {
    /// Not of the form `12`, `-1.5`, `.5` or `2.5e3`.
    Malformed,
    /// Well-formed, with more than 37 digits.
    TooLong,
}

impl From<Overflow> for NotANumber {
    fn from(_: Overflow) -> Self {
        Self::TooLong
    }
}

impl Fraction {
    /// Reads `12`, `-1.5`, `+.5` or `2.5e-3`; no spaces, no separators.
    ///
    /// # Errors
    /// [`NotANumber`], if the text has another form or does not fit.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| NotANumber::Malformed)?)
            }
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = whole.chars().chain(part.chars()).all(|c| c.is_ascii_digit());
        if !all_digits || whole.len() + part.len() == 0 {
            return Err(NotANumber::Malformed);
        }
        let part = part.trim_end_matches('0');
        let number = digits_of(whole, part)?;
        let places = i32::try_from(part.len()).map_err(|_| NotANumber::TooLong)?;
        let value = shifted(number, exponent.checked_sub(places).ok_or(NotANumber::TooLong)?)?;
        Ok(if negative { value.negate() } else { value })
    }
}

/// The digits before and after the point as one integer.
fn digits_of(whole: &str, part: &str) -> Result<i128, NotANumber> {
    let mut number: i128 = 0;
    for digit in whole.bytes().chain(part.bytes()) {
        number = number * 10 + i128::from(digit - b'0');
        if number > LIMIT {
            return Err(NotANumber::TooLong);
        }
    }
    Ok(number)
}

/// `number` times ten to the power of `places`.
fn shifted(number: i128, places: i32) -> Result<Fraction, NotANumber> {
    if number == 0 {
        return Ok(Fraction::ZERO);
    }
    let scale = 10_i128
        .checked_pow(places.unsigned_abs())
        .filter(|scale| *scale <= LIMIT)
        .ok_or(NotANumber::TooLong)?;
    let (over, under) =
        if places < 0 { (number, scale) } else { (number.checked_mul(scale).ok_or(Overflow)?, 1) };
    Ok(Fraction::reduced(over, under)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, over, under) in [
            ("12", 12, 1),
            ("-1.50", -3, 2),
            ("+.5", 1, 2),
            ("5.", 5, 1),
            ("0.1", 1, 10),
            ("2.5e3", 2500, 1),
            ("25E-1", 5, 2),
            ("-0", 0, 1),
            ("0e99999", 0, 1),
        ] {
            assert_eq!(Fraction::parse(text), Ok(Fraction::new(over, under)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in
            ["", ".", "-", "1,000", "1 000", "0x10", "NaN", "inf", "1e", "1e1.5", "--1", "1.2.3", "٣", "1\0"]
        {
            assert_eq!(Fraction::parse(text), Err(NotANumber::Malformed), "{text}");
        }
        for text in ["1e38", "1e-38", "1e2147483647", "1e-2147483648", &"9".repeat(38), &"9".repeat(100_000)]
        {
            assert_eq!(Fraction::parse(text), Err(NotANumber::TooLong), "{text}");
        }
    }
}
