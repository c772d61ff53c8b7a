//! Reading and evaluating an expression in one pass, by recursive descent.
//!
//! ```text
//!   sum     = product (("+" | "-") product)*
//!   product = signed (("*" | "/") signed)*
//!   signed  = ("-" | "+") signed | power
//!   power   = atom ("^" signed)?            so -2^2 is -(2^2), and 2^3^2 is 2^(3^2)
//!   atom    = number | "(" sum ")"
//! ```
//!
//! `×`, `·`, `÷` and `−` are read as `*`, `*`, `/` and `-`, because models write them.

use std::fmt;

use exact::{Fraction, NotANumber, Overflow};

/// Bytes of the longest expression.
pub const LENGTH_MAX: usize = 1_000;
/// Parentheses, signs and exponents inside each other: far more than anybody means, far less than the stack holds.
pub const DEPTH_MAX: usize = 50;
/// The largest exponent, either sign: 2^1000 overflows already.
pub const EXPONENT_MAX: i128 = 1_000;

/// Why an expression has no value. Each one says what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Something is divided by zero.
    DivisionByZero,
    /// A number does not fit into 37 digits.
    Overflow,
    /// More bytes than [`LENGTH_MAX`].
    TooLong,
    /// More nesting than [`DEPTH_MAX`].
    TooDeep,
    /// An exponent that is no integer, or beyond [`EXPONENT_MAX`].
    Exponent,
    /// Something else than expected, or nothing, at a position (in characters, from 1).
    Syntax {
        /// What would have been right.
        expected: &'static str,
        /// What is there, if anything.
        found: Option<char>,
        /// Where.
        at: usize,
    },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::Overflow => f.write_str("overflow: a number in this calculation needs more than 37 digits"),
            Self::TooLong => {
                write!(f, "the expression is longer than {LENGTH_MAX} bytes: calculate it in parts")
            }
            Self::TooDeep => write!(f, "more than {DEPTH_MAX} levels of nesting: calculate it in parts"),
            Self::Exponent => {
                write!(f, "an exponent must be an integer from -{EXPONENT_MAX} to {EXPONENT_MAX}")
            }
            Self::Syntax { expected, found: Some(found), at } => {
                write!(
                    f,
                    "syntax error at character {at}: expected {expected}, found `{}`",
                    found.escape_debug()
                )
            }
            Self::Syntax { expected, found: None, .. } => {
                write!(f, "syntax error: expected {expected}, but the expression ends")
            }
        }
    }
}

impl From<Overflow> for Wrong {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// The exact value of `expression`.
///
/// # Errors
/// [`Wrong`], if it has none or cannot be read.
pub fn evaluate(expression: &str) -> Result<Fraction, Wrong> {
    if expression.len() > LENGTH_MAX {
        return Err(Wrong::TooLong);
    }
    let mut reader = Reader { text: expression.chars().collect(), at: 0, depth: 0 };
    let value = reader.sum()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.syntax("an operator (+ - * / ^)")),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn sum(&mut self) -> Result<Fraction, Wrong> {
        let mut value = self.product()?;
        loop {
            if self.take(&['+']) {
                value = value.plus(self.product()?)?;
            } else if self.take(&['-', '−']) {
                value = value.minus(self.product()?)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<Fraction, Wrong> {
        let mut value = self.signed()?;
        loop {
            if self.take(&['*', '×', '·']) {
                value = value.times(self.signed()?)?;
            } else if self.take(&['/', '÷']) {
                value = value.divided_by(self.signed()?)?.ok_or(Wrong::DivisionByZero)?;
            } else {
                return Ok(value);
            }
        }
    }

    fn signed(&mut self) -> Result<Fraction, Wrong> {
        if self.take(&['-', '−']) {
            return self.nested(Self::signed).map(Fraction::negate);
        }
        if self.take(&['+']) {
            return self.nested(Self::signed);
        }
        self.power()
    }

    fn power(&mut self) -> Result<Fraction, Wrong> {
        let base = self.atom()?;
        if self.take(&['^']) { raise(base, self.nested(Self::signed)?) } else { Ok(base) }
    }

    fn atom(&mut self) -> Result<Fraction, Wrong> {
        if self.take(&['(']) {
            let value = self.nested(Self::sum)?;
            return if self.take(&[')']) {
                Ok(value)
            } else {
                Err(self.syntax("`)` or an operator (+ - * / ^)"))
            };
        }
        self.number()
    }

    fn number(&mut self) -> Result<Fraction, Wrong> {
        const EXPECTED: &str = "a number or `(`";
        if !self.peek().is_some_and(|c| c.is_ascii_digit() || c == '.') {
            return Err(self.syntax(EXPECTED));
        }
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|c| c.is_ascii_digit() || **c == '.').count();
        let digits: String = rest[..length].iter().collect();
        let value = Fraction::parse(&digits).map_err(|wrong| match wrong {
            NotANumber::Malformed => self.syntax("a number with at most one point"),
            NotANumber::TooLong => Wrong::Overflow,
        })?;
        self.at += length;
        if self.peek() == Some(',') {
            return Err(self.syntax("digits without `,` (write 1000 and 1.5)"));
        }
        Ok(value)
    }

    /// One level further down.
    fn nested(&mut self, inner: fn(&mut Self) -> Result<Fraction, Wrong>) -> Result<Fraction, Wrong> {
        if self.depth == DEPTH_MAX {
            return Err(Wrong::TooDeep);
        }
        self.depth += 1;
        let value = inner(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// The next character that is not white space, left where it is.
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, any_of: &[char]) -> bool {
        let taken = self.peek().is_some_and(|c| any_of.contains(&c));
        self.at += usize::from(taken);
        taken
    }

    fn syntax(&mut self, expected: &'static str) -> Wrong {
        Wrong::Syntax { expected, found: self.peek(), at: self.at + 1 }
    }
}

/// `base` to an integer power, by squaring.
fn raise(base: Fraction, exponent: Fraction) -> Result<Fraction, Wrong> {
    let exponent = exponent
        .to_integer()
        .filter(|e| (-EXPONENT_MAX..=EXPONENT_MAX).contains(e))
        .ok_or(Wrong::Exponent)?;
    let mut square =
        if exponent < 0 { Fraction::ONE.divided_by(base)?.ok_or(Wrong::DivisionByZero)? } else { base };
    let mut value = Fraction::ONE;
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        if left % 2 == 1 {
            value = value.times(square)?;
        }
        left /= 2;
        // The last square is not needed, and must not overflow for nothing.
        if left > 0 {
            square = square.times(square)?;
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
