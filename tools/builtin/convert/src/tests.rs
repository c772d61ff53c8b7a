//! What the model asks for, and what it is told.

use super::*;
use playhouse_tool::{Tool, json};

#[test]
fn what_the_small_model_was_trained_on_stays_word_for_word() {
    let unit =
        |example: &str| json!({"type": "string", "description": example, "minLength": 1, "maxLength": 64});
    let about = json!({
        "name": "convert",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Converts a quantity to another unit of length, mass, volume, time, temperature or speed, \
                        for example 5.2 kilometers to miles.",
        "input_schema": {
            "type": "object",
            "properties": {
                "value": {"type": ["string", "number"], "description": "How much, for example `5.2`", "maxLength": 64},
                "from": unit("The unit it is in, for example `kilometers` or `km`"),
                "to": unit("The unit wanted, for example `miles` or `mi`"),
            },
            "required": ["value", "from", "to"],
            "additionalProperties": false,
        },
        "output_schema": {
            "type": "object",
            "properties": {
                "result": {"type": "string", "description": "How much that is"},
                "unit": {"type": "string", "description": "The symbol of the unit wanted"},
            },
            "required": ["result", "unit"],
            "additionalProperties": false,
        },
        "effect": "pure",
        "wants": {},
    });
    assert_eq!(Convert::about().to_json(), about.to_string());
}

fn check(value: &str, from: &str, to: &str, expected: &str) {
    let arguments = json!({"value": value, "from": from, "to": to}).to_string();
    let actual = playhouse_tool::run::<Convert>(&arguments).unwrap_or_else(|wrong| wrong.to_string());
    assert_eq!(actual, expected, "{value} {from} to {to}");
}

#[test]
fn every_dimension_converts() {
    check("5.2", "kilometers", "miles", r#"{"result":"3.23113","unit":"mi"}"#);
    check("1", "mi", "km", r#"{"result":"1.609344","unit":"km"}"#);
    check("12", "stone", "kg", r#"{"result":"76.203518","unit":"kg"}"#);
    check("1", "gallon", "cups", r#"{"result":"16","unit":"cup"}"#);
    check("1.5", "hours", "min", r#"{"result":"90","unit":"min"}"#);
    check("36", "km/h", "m/s", r#"{"result":"10","unit":"m/s"}"#);
    check("60", "mph", "km/h", r#"{"result":"96.56064","unit":"km/h"}"#);
    check("10", "knots", "km/h", r#"{"result":"18.52","unit":"km/h"}"#);
    check("1", "nautical mile", "m", r#"{"result":"1852","unit":"m"}"#);
    check("5", "microns", "mm", r#"{"result":"0.005","unit":"mm"}"#);
    check("1", "acre", "m2", r#"{"result":"4046.856422","unit":"m²"}"#);
    check("2.5", "hectares", "m²", r#"{"result":"25000","unit":"m²"}"#);
    check("100", "square feet", "sq m", r#"{"result":"9.290304","unit":"m²"}"#);
    check("1.5", "GiB", "MB", r#"{"result":"1610.612736","unit":"MB"}"#);
    check("1", "gb", "Mbit", r#"{"result":"8000","unit":"Mbit"}"#);
    check("1", "short ton", "lb", r#"{"result":"2000","unit":"lb"}"#);
    check("1", "long ton", "kg", r#"{"result":"1016.046909","unit":"kg"}"#);
    check("8", "bits", "bytes", r#"{"result":"1","unit":"byte"}"#);
}

#[test]
fn temperatures_have_offsets() {
    check("100", "c", "f", r#"{"result":"212","unit":"f"}"#);
    check("-40", "f", "c", r#"{"result":"-40","unit":"c"}"#);
    check("0", "k", "celsius", r#"{"result":"-273.15","unit":"c"}"#);
    check("-273.15", "c", "k", r#"{"result":"0","unit":"k"}"#);
    check("-500", "c", "f", "-500 c is below absolute zero, which is 0 k, -273.15 c and -459.67 f");
    check("98.6", "Fahrenheit", "Celsius", r#"{"result":"37","unit":"c"}"#);
}

#[test]
fn answers_are_rounded_half_to_even_to_six_places_and_small_ones_to_six_digits() {
    check("1", "in", "mi", r#"{"result":"0.0000157828","unit":"mi"}"#);
    check("1", "ft", "mi", r#"{"result":"0.000189394","unit":"mi"}"#);
    check("7", "m", "mi", r#"{"result":"0.00435","unit":"mi"}"#);
    check("1", "mg", "t", r#"{"result":"0.000000001","unit":"t"}"#);
    check("0.00000005", "m", "mm", r#"{"result":"0.00005","unit":"mm"}"#);
    check("1.0000005", "m", "m", r#"{"result":"1","unit":"m"}"#);
    check("1.0000015", "m", "m", r#"{"result":"1.000002","unit":"m"}"#);
    check("2.50", "m", "m", r#"{"result":"2.5","unit":"m"}"#);
}

#[test]
fn names_are_found_in_any_case_and_spacing() {
    check("1", " KILOMETRES ", "M", r#"{"result":"1000","unit":"m"}"#);
    check("1", "Fluid_Ounce", "fl oz", r#"{"result":"1","unit":"floz"}"#);
}

#[test]
fn a_number_may_be_a_json_number_and_keeps_its_digits() {
    let result =
        playhouse_tool::run::<Convert>(r#"{"value": 0.1234567890123456789e3, "from": "m", "to": "mm"}"#);
    assert_eq!(result.as_deref(), Ok(r#"{"result":"123456.789012","unit":"mm"}"#));
}

#[test]
fn an_unknown_unit_is_answered_with_the_nearest_and_the_known() {
    let wrong = units::find("kilometrs").expect_err("misspelt");
    assert!(
        wrong.starts_with("unknown unit `kilometrs` (did you mean `kilometers`?); known units: mm, cm,"),
        "{wrong}"
    );
    let wrong = units::find("parsecs").expect_err("not on the list");
    assert!(wrong.starts_with("unknown unit `parsecs`; known units: mm, cm,"), "{wrong}");
    for (name, said) in [
        ("years", "has no fixed length"),
        ("Month", "has no fixed length"),
        ("tons", "three things"),
        ("Mb", "write `MB` or `Mbit`"),
    ] {
        let wrong = units::find(name).expect_err("more than one thing");
        assert!(wrong.contains(said), "{name}: {wrong}");
    }
    assert!(units::find(&"x".repeat(100_000)).expect_err("far too long").len() < 400);
}

#[test]
fn mixed_dimensions_and_bad_values_are_refused_in_words() {
    check(
        "1",
        "km",
        "kg",
        "cannot convert `km` (length) to `kg` (mass); units of length: mm, cm, m, km, in, ft, yd, mi, nmi, µm",
    );
    check("five", "km", "mi", "`five` is not a number: give digits only, such as 5.2");
    check("1e38", "km", "mi", "the value has more than 37 digits");
    check(
        "9999999999999999999999999999999999999",
        "f",
        "k",
        "overflow: the value has too many digits to convert exactly",
    );
}

#[test]
fn no_two_units_share_a_name() {
    let mut names: Vec<String> =
        units::UNITS.iter().flat_map(units::all_names).map(str::to_lowercase).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
