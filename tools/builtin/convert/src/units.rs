//! The units and how they relate.
//!
//! ```text
//!   value in `from` ──(+ offset) × factor──▶ value in the base unit ──÷ factor (− offset)──▶ value in `to`
//! ```
//!
//! A unit is found by symbol, name or plural, in any case. An unknown one is answered with the nearest name and the list
//! of symbols, so that the next try can be right.

use exact::Fraction;

/// What is measured. Only units of one dimension convert into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Base unit: the metre.
    Length,
    /// Base unit: the gram.
    Mass,
    /// Base unit: the millilitre. Gallons, quarts, pints, cups and fluid ounces are those of the United States.
    Volume,
    /// Base unit: the second.
    Time,
    /// Base unit: the kelvin.
    Temperature,
    /// Base unit: the metre per second.
    Speed,
}

impl Dimension {
    const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Mass => "mass",
            Self::Volume => "volume",
            Self::Time => "time",
            Self::Temperature => "temperature",
            Self::Speed => "speed",
        }
    }
}

/// One unit.
#[derive(Debug)]
pub struct Unit {
    /// The symbol in answers.
    pub symbol: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// Other names, in lower case: singular, plural, spellings.
    names: &'static [&'static str],
    /// How many base units one of it is: over and under the line.
    factor: (i128, i128),
    /// What is added before multiplying: over and under the line. Zero for all but temperatures.
    offset: (i128, i128),
}

const fn unit(
    dimension: Dimension,
    symbol: &'static str,
    names: &'static [&'static str],
    factor: (i128, i128),
) -> Unit {
    Unit { symbol, dimension, names, factor, offset: (0, 1) }
}

const fn shifted(
    symbol: &'static str,
    names: &'static [&'static str],
    factor: (i128, i128),
    by: (i128, i128),
) -> Unit {
    Unit { symbol, dimension: Dimension::Temperature, names, factor, offset: by }
}

use Dimension::{Length, Mass, Speed, Time, Volume};

/// Every unit. The factors are the exact definitions (international yard and pound, US gallon of 231 cubic inches).
#[rustfmt::skip]
pub static UNITS: &[Unit] = &[
    unit(Length, "mm", &["millimeter", "millimeters", "millimetre", "millimetres"], (1, 1_000)),
    unit(Length, "cm", &["centimeter", "centimeters", "centimetre", "centimetres"], (1, 100)),
    unit(Length, "m", &["meter", "meters", "metre", "metres"], (1, 1)),
    unit(Length, "km", &["kilometer", "kilometers", "kilometre", "kilometres", "kms"], (1_000, 1)),
    unit(Length, "in", &["inch", "inches", "\""], (254, 10_000)),
    unit(Length, "ft", &["foot", "feet", "'"], (3_048, 10_000)),
    unit(Length, "yd", &["yard", "yards", "yds"], (9_144, 10_000)),
    unit(Length, "mi", &["mile", "miles"], (1_609_344, 1_000)),

    unit(Mass, "mg", &["milligram", "milligrams", "milligramme", "milligrammes"], (1, 1_000)),
    unit(Mass, "g", &["gram", "grams", "gramme", "grammes"], (1, 1)),
    unit(Mass, "kg", &["kilogram", "kilograms", "kilogramme", "kilogrammes", "kilo", "kilos", "kgs"], (1_000, 1)),
    unit(Mass, "t", &["tonne", "tonnes", "metric ton", "metric tons"], (1_000_000, 1)),
    unit(Mass, "oz", &["ounce", "ounces"], (28_349_523_125, 1_000_000_000)),
    unit(Mass, "lb", &["pound", "pounds", "lbs"], (45_359_237, 100_000)),
    unit(Mass, "st", &["stone", "stones"], (635_029_318, 100_000)),

    unit(Volume, "ml", &["milliliter", "milliliters", "millilitre", "millilitres"], (1, 1)),
    unit(Volume, "l", &["liter", "liters", "litre", "litres"], (1_000, 1)),
    unit(Volume, "gal", &["gallon", "gallons"], (3_785_411_784, 1_000_000)),
    unit(Volume, "qt", &["quart", "quarts"], (946_352_946, 1_000_000)),
    unit(Volume, "pt", &["pint", "pints"], (473_176_473, 1_000_000)),
    unit(Volume, "cup", &["cups"], (2_365_882_365, 10_000_000)),
    unit(Volume, "floz", &["fl oz", "fl. oz.", "fluid ounce", "fluid ounces"], (295_735_295_625, 10_000_000_000)),

    unit(Time, "ms", &["millisecond", "milliseconds", "msec"], (1, 1_000)),
    unit(Time, "s", &["second", "seconds", "sec", "secs"], (1, 1)),
    unit(Time, "min", &["minute", "minutes", "mins"], (60, 1)),
    unit(Time, "h", &["hour", "hours", "hr", "hrs"], (3_600, 1)),
    unit(Time, "day", &["days", "d"], (86_400, 1)),
    unit(Time, "week", &["weeks", "wk", "w"], (604_800, 1)),

    shifted("c", &["celsius", "degrees celsius", "degree celsius", "°c", "centigrade"], (1, 1), (27_315, 100)),
    shifted("f", &["fahrenheit", "degrees fahrenheit", "degree fahrenheit", "°f"], (5, 9), (45_967, 100)),
    shifted("k", &["kelvin", "kelvins"], (1, 1), (0, 1)),

    unit(Speed, "km/h", &["kilometer per hour", "kilometers per hour", "kilometre per hour", "kilometres per hour", "kph", "kmh"], (5, 18)),
    unit(Speed, "mph", &["mile per hour", "miles per hour", "mi/h"], (44_704, 100_000)),
    unit(Speed, "m/s", &["meter per second", "meters per second", "metre per second", "metres per second", "mps"], (1, 1)),
];

/// `value` of `from`, in `to`.
///
/// # Errors
/// A sentence for the model, if the two measure different things or the numbers get too large.
pub fn convert(value: Fraction, from: &Unit, to: &Unit) -> Result<Fraction, String> {
    if from.dimension != to.dimension {
        let (a, b) = (from.dimension.name(), to.dimension.name());
        let known = symbols(Some(from.dimension));
        return Err(format!(
            "cannot convert `{}` ({a}) to `{}` ({b}); units of {a}: {known}",
            from.symbol, to.symbol
        ));
    }
    through_base(value, from, to)
        .ok_or_else(|| "overflow: the value has too many digits to convert exactly".to_owned())
}

fn through_base(value: Fraction, from: &Unit, to: &Unit) -> Option<Fraction> {
    let fraction = |(over, under)| Fraction::new(over, under);
    let base = value.plus(fraction(from.offset)).ok()?.times(fraction(from.factor)).ok()?;
    base.divided_by(fraction(to.factor)).ok()??.minus(fraction(to.offset)).ok()
}

/// The unit that is called `name`.
///
/// # Errors
/// A sentence for the model with the nearest name and the known symbols.
pub fn find(name: &str) -> Result<&'static Unit, String> {
    let wanted =
        name.to_lowercase().split(|c: char| c.is_whitespace() || c == '_').collect::<Vec<_>>().join(" ");
    let wanted = wanted.trim();
    UNITS.iter().find(|unit| all_names(unit).any(|known| known == wanted)).ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        let hint = nearest(wanted).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        format!("unknown unit `{}`{hint}; known units: {}", shown.escape_debug(), symbols(None))
    })
}

pub(crate) fn all_names(unit: &Unit) -> impl Iterator<Item = &'static str> {
    std::iter::once(unit.symbol).chain(unit.names.iter().copied())
}

/// The symbols of one dimension, or of all.
fn symbols(dimension: Option<Dimension>) -> String {
    let listed = UNITS.iter().filter(|unit| dimension.is_none_or(|wanted| unit.dimension == wanted));
    listed.map(|unit| unit.symbol).collect::<Vec<_>>().join(", ")
}

/// The name with the fewest edits to `wanted`, if it takes at most a third of its letters.
fn nearest(wanted: &str) -> Option<&'static str> {
    let length = wanted.chars().count();
    if length > 40 {
        return None;
    }
    let candidates = UNITS.iter().flat_map(all_names);
    let (edits, name) =
        candidates.map(|known| (edits(wanted, known), known)).min_by_key(|(edits, _)| *edits)?;
    (edits <= length / 3).then_some(name)
}

/// Levenshtein distance, one row at a time.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}
