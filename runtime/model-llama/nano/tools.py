"""Python stand-ins for the three tools nano knows.

They follow the contract of the real tools: exact arithmetic, at most six
decimals rounded half to even, trailing zeros trimmed. The training data and
`evaluate.py` use them; the runtime uses the real ones.
"""

import ast
import json
from fractions import Fraction

# One row a unit: (canonical symbol, factor to the base unit, names people write).
LENGTH = [
    ("mm", "0.001", "mm millimeter millimeters"),
    ("cm", "0.01", "cm centimeter centimeters centimetres"),
    ("m", "1", "m meter meters metres"),
    ("km", "1000", "km kilometer kilometers kilometres"),
    ("in", "0.0254", "inch inches"),
    ("ft", "0.3048", "ft foot feet"),
    ("yd", "0.9144", "yd yard yards"),
    ("mi", "1609.344", "mi mile miles"),
]
MASS = [
    ("mg", "0.000001", "mg milligram milligrams"),
    ("g", "0.001", "g gram grams"),
    ("kg", "1", "kg kilogram kilograms"),
    ("t", "1000", "tonne tonnes"),
    ("oz", "0.028349523125", "oz ounce ounces"),
    ("lb", "0.45359237", "lb pound pounds"),
    ("st", "6.35029318", "st stone stones"),
]
VOLUME = [
    ("ml", "0.001", "ml milliliter milliliters"),
    ("l", "1", "l liter liters litres"),
    ("gal", "3.785411784", "gal gallon gallons"),
    ("qt", "0.946352946", "qt quart quarts"),
    ("pt", "0.473176473", "pt pint pints"),
    ("cup", "0.2365882365", "cup cups"),
    ("floz", "0.0295735295625", "floz"),
]
TIME = [
    ("ms", "0.001", "ms millisecond milliseconds"),
    ("s", "1", "s second seconds"),
    ("min", "60", "min minute minutes"),
    ("h", "3600", "h hour hours"),
    ("day", "86400", "day days"),
    ("week", "604800", "week weeks"),
]
SPEED = [
    ("km/h", "5/18", "km/h"),
    ("mph", "0.44704", "mph"),
    ("m/s", "1", "m/s"),
]
TEMPERATURE = [("c", None, "c celsius"), ("f", None, "f fahrenheit"), ("k", None, "k kelvin")]
QUANTITIES = [LENGTH, MASS, VOLUME, TIME, SPEED, TEMPERATURE]
UNITS = {
    name: (number, symbol, factor and Fraction(factor))
    for number, quantity in enumerate(QUANTITIES)
    for symbol, factor, names in quantity
    for name in names.split()
}


def decimal_text(value):
    """A fraction as decimal text: six decimals, half to even, zeros trimmed."""
    scaled = round(value * 10**6)
    sign, digits = "-" if scaled < 0 else "", f"{abs(scaled):07d}"
    return (sign + digits[:-6] + "." + digits[-6:]).rstrip("0").rstrip(".")


def error(message, kind="invalid-input"):
    return json.dumps({"error": message, "kind": kind}, separators=(",", ":"))


def evaluate_expression(text):
    """The exact value of + - * / and parentheses over decimals."""
    def value(node):
        if isinstance(node, ast.Constant):
            return Fraction(ast.get_source_segment(text, node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Sub):
                return left - right
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.Div):
                return left / right
        raise ValueError("not an expression")
    return value(ast.parse(text, mode="eval").body)


def calculator(expression):
    try:
        return '{"result":"%s"}' % decimal_text(evaluate_expression(expression))
    except ZeroDivisionError:
        return error("division by zero")
    except (ValueError, SyntaxError):
        return error("not an expression")


def convert_value(value, source, target):
    """`value` in `target` as a fraction; the units must fit together."""
    (_, a, factor), (_, b, other) = UNITS[source], UNITS[target]
    value = Fraction(value)
    if factor:
        return value * factor / other
    celsius = {"c": value, "f": (value - 32) * 5 / 9, "k": value - Fraction("273.15")}[a]
    return {"c": celsius, "f": celsius * 9 / 5 + 32, "k": celsius + Fraction("273.15")}[b]


def convert(value, source, target):
    for unit in (source, target):
        if unit.lower() not in UNITS:
            return error(f"unknown unit `{unit}`")
    source, target = source.lower(), target.lower()
    if UNITS[source][0] != UNITS[target][0]:
        return error(f"cannot convert {UNITS[source][1]} to {UNITS[target][1]}")
    try:
        number = decimal_text(convert_value(value, source, target))
    except ValueError:
        return error("not a number")
    return '{"result":"%s","unit":"%s"}' % (number, UNITS[target][1])


def lookup(table, key):
    if key in table:
        return json.dumps({"value": table[key]}, separators=(",", ":"))
    return error(f"no entry for `{key}`", "not-found")


def run(name, arguments, table):
    """The result text of one call; a malformed call is an error, never a crash."""
    try:
        if name == "calculator":
            return calculator(arguments["expression"])
        if name == "convert":
            return convert(arguments["value"], arguments["from"], arguments["to"])
        if name == "lookup":
            return lookup(table, arguments["key"])
    except (KeyError, TypeError, AttributeError):
        pass
    return error("no such tool or arguments")
