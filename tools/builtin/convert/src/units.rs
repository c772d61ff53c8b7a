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
    /// Base unit: the square metre.
    Area,
    /// Base unit: the bit.
    Data,
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
            Self::Area => "area",
            Self::Data => "data",
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
    /// Other names, in lower case: singular, plural, spellings. All are found in any case.
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
    Unit { symbol, dimension: Temperature, names, factor, offset: by }
}

use Dimension::{Area, Data, Length, Mass, Speed, Temperature, Time, Volume};

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
    unit(Length, "nmi", &["nautical mile", "nautical miles"], (1_852, 1)),
    unit(Length, "µm", &["um", "μm", "micrometer", "micrometers", "micrometre", "micrometres", "micron", "microns"], (1, 1_000_000)),

    unit(Mass, "mg", &["milligram", "milligrams", "milligramme", "milligrammes"], (1, 1_000)),
    unit(Mass, "g", &["gram", "grams", "gramme", "grammes"], (1, 1)),
    unit(Mass, "kg", &["kilogram", "kilograms", "kilogramme", "kilogrammes", "kilo", "kilos", "kgs"], (1_000, 1)),
    unit(Mass, "t", &["tonne", "tonnes", "metric ton", "metric tons"], (1_000_000, 1)),
    unit(Mass, "oz", &["ounce", "ounces"], (28_349_523_125, 1_000_000_000)),
    unit(Mass, "lb", &["pound", "pounds", "lbs"], (45_359_237, 100_000)),
    unit(Mass, "st", &["stone", "stones"], (635_029_318, 100_000)),
    unit(Mass, "short ton", &["short tons", "us ton", "us tons"], (90_718_474, 100)),
    unit(Mass, "long ton", &["long tons", "imperial ton", "imperial tons"], (10_160_469_088, 10_000)),

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
    unit(Speed, "kn", &["knot", "knots", "kt", "kts"], (1_852, 3_600)),

    unit(Area, "mm²", &["mm2", "mm^2", "sq mm", "square millimeter", "square millimeters", "square millimetre", "square millimetres"], (1, 1_000_000)),
    unit(Area, "cm²", &["cm2", "cm^2", "sq cm", "square centimeter", "square centimeters", "square centimetre", "square centimetres"], (1, 10_000)),
    unit(Area, "m²", &["m2", "m^2", "sqm", "sq m", "square meter", "square meters", "square metre", "square metres"], (1, 1)),
    unit(Area, "ha", &["hectare", "hectares"], (10_000, 1)),
    unit(Area, "km²", &["km2", "km^2", "sq km", "square kilometer", "square kilometers", "square kilometre", "square kilometres"], (1_000_000, 1)),
    unit(Area, "in²", &["in2", "in^2", "sq in", "square inch", "square inches"], (64_516, 100_000_000)),
    unit(Area, "ft²", &["ft2", "ft^2", "sqft", "sq ft", "square foot", "square feet"], (9_290_304, 100_000_000)),
    unit(Area, "yd²", &["yd2", "yd^2", "sq yd", "square yard", "square yards"], (83_612_736, 100_000_000)),
    unit(Area, "acre", &["acres"], (40_468_564_224, 10_000_000)),
    unit(Area, "mi²", &["mi2", "mi^2", "sq mi", "square mile", "square miles"], (2_589_988_110_336, 1_000_000)),

    unit(Data, "bit", &["bits"], (1, 1)),
    unit(Data, "kbit", &["kilobit", "kilobits"], (1_000, 1)),
    unit(Data, "Mbit", &["megabit", "megabits"], (1_000_000, 1)),
    unit(Data, "Gbit", &["gigabit", "gigabits"], (1_000_000_000, 1)),
    unit(Data, "byte", &["bytes"], (8, 1)),
    unit(Data, "kB", &["kilobyte", "kilobytes"], (8_000, 1)),
    unit(Data, "MB", &["megabyte", "megabytes"], (8_000_000, 1)),
    unit(Data, "GB", &["gigabyte", "gigabytes"], (8_000_000_000, 1)),
    unit(Data, "TB", &["terabyte", "terabytes"], (8_000_000_000_000, 1)),
    unit(Data, "KiB", &["kibibyte", "kibibytes"], (8 << 10, 1)),
    unit(Data, "MiB", &["mebibyte", "mebibytes"], (8 << 20, 1)),
    unit(Data, "GiB", &["gibibyte", "gibibytes"], (8 << 30, 1)),
    unit(Data, "TiB", &["tebibyte", "tebibytes"], (8 << 40, 1)),
];

/// What people write and mean more than one thing by; in lower case, but for `Mb` and its like. A guess would be wrong silently.
const UNCLEAR: [(&[&str], &str); 3] = [
    (
        &["year", "years", "yr", "month", "months"],
        "has no fixed length: give days, or count them by the calendar",
    ),
    (&["ton", "tons"], "is one of three things: write `t` (1000 kg), `short ton` or `long ton`"),
    (&["Kb", "Mb", "Gb"], "may be bytes or bits: write `MB` or `Mbit`"),
];

/// `value` of `from`, in `to`.
///
/// # Errors
/// A sentence for the model, if the two measure different things, the numbers get too large, or a temperature is one that
/// there is not.
pub fn convert(value: Fraction, from: &Unit, to: &Unit) -> Result<Fraction, String> {
    if from.dimension != to.dimension {
        let (a, b) = (from.dimension.name(), to.dimension.name());
        let known = symbols(Some(from.dimension));
        return Err(format!(
            "cannot convert `{}` ({a}) to `{}` ({b}); units of {a}: {known}",
            from.symbol, to.symbol
        ));
    }
    let overflow = || "overflow: the value has too many digits to convert exactly".to_owned();
    let base = in_base(value, from).ok_or_else(overflow)?;
    if from.dimension == Temperature && base < Fraction::ZERO {
        let value = value.to_decimal(DIGITS);
        let zero = "which is 0 k, -273.15 c and -459.67 f";
        return Err(format!("{value} {} is below absolute zero, {zero}", from.symbol));
    }
    from_base(base, to).ok_or_else(overflow)
}

/// Significant digits of a value in an error.
const DIGITS: usize = 12;

fn in_base(value: Fraction, from: &Unit) -> Option<Fraction> {
    value.plus(fraction(from.offset)).ok()?.times(fraction(from.factor)).ok()
}

fn from_base(base: Fraction, to: &Unit) -> Option<Fraction> {
    base.divided_by(fraction(to.factor)).ok()??.minus(fraction(to.offset)).ok()
}

fn fraction((over, under): (i128, i128)) -> Fraction {
    Fraction::new(over, under)
}

/// The unit that is called `name`.
///
/// # Errors
/// A sentence for the model with the nearest name and the known symbols.
pub fn find(name: &str) -> Result<&'static Unit, String> {
    let wanted =
        name.to_lowercase().split(|c: char| c.is_whitespace() || c == '_').collect::<Vec<_>>().join(" ");
    let wanted = wanted.trim();
    if let Some((_, why)) =
        UNCLEAR.iter().find(|(names, _)| names.contains(&wanted) || names.contains(&name.trim()))
    {
        return Err(format!("`{}` {why}", name.trim()));
    }
    UNITS.iter().find(|unit| all_names(unit).any(|known| known.to_lowercase() == wanted)).ok_or_else(|| {
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
