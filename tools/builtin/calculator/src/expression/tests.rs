//! What the calculator reads, and what it says about the rest.

use super::*;

fn check(expression: &str, expected: &str) {
    let actual = evaluate(expression).map_or_else(|wrong| wrong.to_string(), |value| value.to_decimal(28));
    assert_eq!(actual, expected, "{expression}");
}

#[test]
fn operators_bind_as_at_school() {
    check("2 + 3 * 4", "14");
    check("(2 + 3) * 4", "20");
    check("10 - 4 - 3", "3");
    check("100 / 10 / 5", "2");
    check("-2 ^ 2", "-4");
    check("(-2) ^ 2", "4");
    check("2 ^ 3 ^ 2", "512");
    check("2 ^ -3", "0.125");
    check("2 * -3", "-6");
    check("--3", "3");
    check("0 ^ 0", "1");
}

#[test]
fn white_space_and_typographic_signs_are_fine() {
    check(" 6×7 ", "42");
    check("7 ÷ 2", "3.5");
    check("5 − 8", "-3");
    check("\t1\n+\u{a0}1", "2");
    check(".5 + 5.", "5.5");
}

#[test]
fn syntax_errors_say_where_and_what() {
    check("", "syntax error: expected a number or `(`, but the expression ends");
    check("1 +", "syntax error: expected a number or `(`, but the expression ends");
    check("2 apples", "syntax error at character 3: expected an operator (+ - * / ^), found `a`");
    check("(1 + 2", "syntax error: expected `)` or an operator (+ - * / ^), but the expression ends");
    check("1 2", "syntax error at character 3: expected an operator (+ - * / ^), found `2`");
    check("1.2.3", "syntax error at character 1: expected a number with at most one point, found `1`");
    check(
        "1,000",
        "syntax error at character 2: expected digits without `,` (write 1000 and 1.5), found `,`",
    );
    check("1\0", "syntax error at character 2: expected an operator (+ - * / ^), found `\\0`");
    check("٣", "syntax error at character 1: expected a number or `(`, found `٣`");
}

#[test]
fn what_has_no_value_is_an_error() {
    check("1 / 0", "division by zero");
    check("1 / (2 - 2)", "division by zero");
    check("0 ^ -1", "division by zero");
    check("10 ^ 38", "overflow: a number in this calculation needs more than 37 digits");
    check("2 ^ 0.5", "an exponent must be an integer from -1000 to 1000");
    check("1 ^ 1001", "an exponent must be an integer from -1000 to 1000");
}

#[test]
fn size_and_depth_are_bounded() {
    assert_eq!(evaluate(&"1".repeat(LENGTH_MAX + 1)), Err(Wrong::TooLong));
    assert_eq!(evaluate(&format!("{}1{}", "(".repeat(50), ")".repeat(50))), Ok(Fraction::ONE));
    for opening in ["(", "-", "1^"] {
        assert_eq!(evaluate(&opening.repeat(51)), Err(Wrong::TooDeep), "{opening}");
    }
}
