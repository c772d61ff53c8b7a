//! The fraction and its arithmetic.

use std::cmp::Ordering;

/// Numerator and denominator stay within 37 digits, so that ten times either still fits an `i128`.
pub(crate) const LIMIT: i128 = 10_i128.pow(37);

/// A rational number in lowest terms.
///
/// Invariants: `under` is positive; `over` and `under` have no common divisor; neither exceeds 10³⁷.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    pub(crate) over: i128,
    pub(crate) under: i128,
}

/// The exact result needs more than 37 digits above or below the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self { over: 0, under: 1 };
    /// One.
    pub const ONE: Self = Self { over: 1, under: 1 };

    /// `over` divided by `under`, for constants.
    ///
    /// # Panics
    /// If `under` is zero or either exceeds 10³⁷: a mistake in the program, not in its input.
    #[must_use]
    pub fn new(over: i128, under: i128) -> Self {
        Self::reduced(over, under).expect("constants are small and not divided by zero")
    }

    /// In lowest terms, if it fits. `under` must not be zero.
    pub(crate) fn reduced(over: i128, under: i128) -> Result<Self, Overflow> {
        let common = gcd(over.unsigned_abs(), under.unsigned_abs());
        let common = i128::try_from(common).map_err(|_| Overflow)?;
        let sign = under.signum();
        let (over, under) = (over / common * sign, under / common * sign);
        let fits = over.unsigned_abs() <= LIMIT.unsigned_abs() && under <= LIMIT;
        if fits { Ok(Self { over, under }) } else { Err(Overflow) }
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.over == 0
    }

    /// The integer this is, if it is one.
    #[must_use]
    pub fn to_integer(self) -> Option<i128> {
        (self.under == 1).then_some(self.over)
    }

    /// The same distance from zero on the other side.
    #[must_use]
    pub fn negate(self) -> Self {
        Self { over: -self.over, under: self.under }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        // Over the least common denominator, so that intermediate values stay as small as they can be.
        let common = i128::try_from(gcd(self.under.unsigned_abs(), other.under.unsigned_abs()))
            .map_err(|_| Overflow)?;
        let (left, right) = (other.under / common, self.under / common);
        let sum = times(self.over, left)?.checked_add(times(other.over, right)?).ok_or(Overflow)?;
        Self::reduced(sum, times(self.under, left)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.plus(other.negate())
    }

    /// The product.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit.
    pub fn times(self, other: Self) -> Result<Self, Overflow> {
        // Cancel crosswise first: the product is then already in lowest terms, and overflows only if it must.
        let left = Self::reduced(self.over, other.under)?;
        let right = Self::reduced(other.over, self.under)?;
        Self::reduced(times(left.over, right.over)?, times(left.under, right.under)?)
    }

    /// The quotient, or nothing if `other` is zero.
    ///
    /// # Errors
    /// [`Overflow`] if it does not fit.
    pub fn divided_by(self, other: Self) -> Result<Option<Self>, Overflow> {
        if other.is_zero() {
            return Ok(None);
        }
        let inverse = Self { over: other.under * other.over.signum(), under: other.over.abs() };
        self.times(inverse).map(Some)
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        // The sign of the difference; too far apart to subtract is not comparable, which callers treat as overflow.
        self.minus(*other).ok().map(|difference| difference.over.cmp(&0))
    }
}

fn times(left: i128, right: i128) -> Result<i128, Overflow> {
    left.checked_mul(right).ok_or(Overflow)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_three_times_is_one() {
        let third = Fraction::new(1, 3);
        assert_eq!(third.plus(third).and_then(|two| two.plus(third)), Ok(Fraction::ONE));
        assert_eq!(third.times(Fraction::new(3, 1)), Ok(Fraction::ONE));
    }

    #[test]
    fn the_sign_lives_above_the_line() {
        assert_eq!(Fraction::new(1, -2), Fraction::new(-1, 2));
        assert_eq!(Fraction::ONE.divided_by(Fraction::new(-2, 1)), Ok(Some(Fraction::new(-1, 2))));
    }

    #[test]
    fn what_does_not_fit_is_an_overflow() {
        let large = Fraction::new(LIMIT, 1);
        assert_eq!(large.plus(Fraction::ONE), Err(Overflow));
        assert_eq!(large.times(large), Err(Overflow));
        assert_eq!(large.divided_by(large), Ok(Some(Fraction::ONE)));
        assert_eq!(large.divided_by(Fraction::ZERO), Ok(None));
    }
}
