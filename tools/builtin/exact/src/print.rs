//! From a fraction to decimal text: the only place where anything is rounded, always half to even.

use crate::fraction::{Fraction, LIMIT};

impl Fraction {
    /// The decimal form: exact wherever it ends within 37 digits; otherwise rounded, half to even, to `digits`
    /// significant digits. No trailing zeros, no exponent.
    #[must_use]
    pub fn to_decimal(self, digits: usize) -> String {
        self.exact_decimal().unwrap_or_else(|| {
            let whole = self.over.unsigned_abs() / self.under.unsigned_abs();
            // Zeros between the point and the first digit do not count as significant.
            let places =
                if whole == 0 { self.leading_zeros() + digits } else { digits.saturating_sub(length(whole)) };
            self.to_places(places)
        })
    }

    /// The decimal form rounded, half to even, to at most `places` digits after the point. No trailing zeros.
    #[must_use]
    pub fn to_places(self, places: usize) -> String {
        let under = self.under.unsigned_abs();
        let mut whole = self.over.unsigned_abs() / under;
        let mut rest = self.over.unsigned_abs() % under;
        let mut part = Vec::new();
        // Long division. `rest` is below 10³⁷, so ten times it fits.
        while part.len() < places && rest != 0 {
            part.push((rest * 10 / under) as u8);
            rest = rest * 10 % under;
        }
        let last_is_odd = part.last().map_or(whole % 2 == 1, |digit| digit % 2 == 1);
        if rest * 2 > under || (rest * 2 == under && last_is_odd) {
            whole += carry(&mut part);
        }
        written(self.over < 0, whole, &part)
    }

    /// As [`to_places`](Self::to_places), but what is less than 0.001 has `places` significant digits: it is not lost.
    #[must_use]
    pub fn to_places_or_digits(self, places: usize) -> String {
        let zeros = self.leading_zeros();
        self.to_places(if zeros < 3 { places } else { zeros + places })
    }

    /// All the digits, if the expansion ends and has at most 37 of them.
    fn exact_decimal(self) -> Option<String> {
        // It ends if nothing but twos and fives is below the line; then there are as many places as of the commoner.
        let (rest, twos) = without(self.under, 2);
        let (rest, fives) = without(rest, 5);
        let places = twos.max(fives);
        let scale = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
        let digits = self.over.checked_mul(scale / self.under)?;
        (rest == 1 && digits.abs() <= LIMIT).then(|| self.to_places(places))
    }

    /// Zeros after the point before the first other digit; none if there is something before the point.
    fn leading_zeros(self) -> usize {
        let mut over = self.over.unsigned_abs();
        let mut zeros = 0;
        while over != 0 && over * 10 < self.under.unsigned_abs() {
            over *= 10;
            zeros += 1;
        }
        zeros
    }
}

/// Adds one to the last digit; returns what is carried over the point.
fn carry(part: &mut [u8]) -> u128 {
    for digit in part.iter_mut().rev() {
        *digit += 1;
        if *digit < 10 {
            return 0;
        }
        *digit = 0;
    }
    1
}

fn written(negative: bool, whole: u128, part: &[u8]) -> String {
    let part: String = part.iter().map(|digit| char::from(b'0' + digit)).collect();
    let part = part.trim_end_matches('0');
    let sign = if negative && (whole != 0 || !part.is_empty()) { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// `number` with all factors `prime` taken out, and how many there were.
fn without(mut number: i128, prime: i128) -> (i128, usize) {
    let mut count = 0;
    while number % prime == 0 {
        number /= prime;
        count += 1;
    }
    (number, count)
}

fn length(number: u128) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_printed_exactly() {
        for (over, under, text) in [
            (444, 1, "444"),
            (3, 10, "0.3"),
            (-1, 8, "-0.125"),
            (0, 1, "0"),
            (LIMIT, 1, "10000000000000000000000000000000000000"),
            (LIMIT - 1, 10, "999999999999999999999999999999999999.9"),
            (1, LIMIT, "0.0000000000000000000000000000000000001"),
        ] {
            assert_eq!(Fraction::new(over, under).to_decimal(28), text);
        }
    }

    #[test]
    fn what_does_not_end_has_28_significant_digits() {
        for (over, under, text) in [
            (1, 3, "0.3333333333333333333333333333"),
            (2, 3, "0.6666666666666666666666666667"),
            (-200, 3, "-66.66666666666666666666666667"),
            (1, 7000, "0.0001428571428571428571428571429"),
            (1, 1 << 100, "0.0000000000000000000000000000007888609052210118054117285653"),
        ] {
            assert_eq!(Fraction::new(over, under).to_decimal(28), text);
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (over, under, places, text) in [
            (1, 2, 0, "0"),
            (3, 2, 0, "2"),
            (5, 2, 0, "2"),
            (-5, 2, 0, "-2"),
            (25, 100, 1, "0.2"),
            (35, 100, 1, "0.4"),
            (99_999_995, 10_000_000, 6, "10"),
            (-1, 10_000_000, 6, "0"),
        ] {
            assert_eq!(Fraction::new(over, under).to_places(places), text, "{over}/{under}");
        }
    }
}
