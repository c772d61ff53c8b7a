"""Build the evaluation cases: `python generate.py` calls `write`.

`operands.jsonl`: usual phrasings with operands from seeds that training never
uses. `phrasings.jsonl`: the held-out templates. `refusals.jsonl`: the held-out
out-of-scope prompts; `refusals_fresh.jsonl`: more of them, written after
training. One JSON object a line:

    {"id", "kind", "table": {key: value}, "turns": [{"user", "calls", "answer"}]}

`calls` are the exact tool calls in order (calls of one model turn follow each
other), `answer` the strings that must all occur in the turn's final answer.
"""

import json
import random

import generate as g
import heldout
import tools

SEEDS = {"operands": 990_001, "phrasings": 990_002}
TELL = ["What is {}?", "Calculate {}.", "What's {}?", "Please compute {}", "Tell me {}", "How much is {}?", "{}?", "work out {}"]
CHANGE = ["Convert {}.", "What is {}?", "How much is {}?", "Please convert {}", "{}?", "change {}"]
LOOK = ["Look up {}.", "What is {}?", "What is the value of {}?", "Find {}", "show me {} please", "Get {}.", "lookup {}"]
REFUSAL = "I can't do that"


def call(name, **arguments):
    return {"name": name, "arguments": {key.rstrip("_"): value for key, value in arguments.items()}}


def turn(user, calls, *answer):
    return {"user": user, "calls": calls, "answer": list(answer)}


def capital(text):
    return text[0].upper() + text[1:]


class Cases:
    """Cases of one file, from one seed."""

    def __init__(self, r):
        self.r = r

    # -- operands

    def number(self, low=2, high=4):
        whole = str(self.r.randint(10 ** (low - 1), 10 ** self.r.randint(low, high) - 1))
        return whole + (f".{self.r.randint(1, 99)}" if self.r.random() < 0.2 else "")

    def pair(self, sign):
        """Two operands; a quotient comes out even."""
        b = str(self.r.randint(2, 99))
        if sign == "/":
            return str(int(b) * self.r.randint(2, 999)), b
        return self.number(), self.number() if sign != "*" else b

    def fill(self, template, expression, **given):
        """Fill {a} {b} {c} so that the result is exact; returns (user text, expression)."""
        sign = expression.split()[1]
        a, b = self.pair(sign)
        c = str(self.r.randint(2, 99))
        given = {"a": a, "b": b, "c": c, **given}
        return template.format(**given), expression.format(**given)

    def sum_turn(self, user, expression):
        return turn(user, [call("calculator", expression=expression)], tools.decimal_text(tools.evaluate_expression(expression)))

    def units(self):
        while True:
            u, w = g.unit_pair(self.r)
            if tools.UNITS[u][0] == tools.UNITS[w][0] and tools.UNITS[u][1] != tools.UNITS[w][1]:
                return u, w

    def measure_turn(self, user, value, u, w):
        made = tools.decimal_text(tools.convert_value(value, u, w))
        return turn(user, [call("convert", value=value, from_=u, to=w)], made)

    def value(self):
        return str(self.r.randint(2, 9999))

    # -- usual phrasings

    def arithmetic(self):
        sign = self.r.choice("+-*/")
        a, b = self.pair(sign)
        if self.r.random() < 0.2:
            c = str(self.r.randint(2, 99))
            after = self.r.choice(["+", "-"])
            expression = f"{a} {sign} {b} {after} {c}"
            core = f"{a} {self.r.choice(g.SIGNS[sign])} {b} {self.r.choice(g.SIGNS[after])} {c}"
            return {}, [self.sum_turn(self.r.choice(TELL).format(core), expression)]
        _, form, order = self.r.choice([one for one in g.BINARY if one[0] == sign])
        core = form.format(a=a, b=b)
        user = capital(core) + "." if order else self.r.choice(TELL).format(core)
        return {}, [self.sum_turn(user, f"{a} {sign} {b}")]

    def convert(self):
        value, (u, w) = self.number(1, 4), self.units()
        core = self.r.choice(["{v} {u} to {w}", "{v} {u} in {w}", "{v} {u} into {w}", "*"])
        user = self.r.choice(CHANGE).format(core.format(v=value, u=u, w=w))
        if core == "*":
            user = self.r.choice(["How many {w} are in {v} {u}?", "How many {w} is {v} {u}?"]).format(v=value, u=u, w=w)
        return {}, [self.measure_turn(user, value, u, w)]

    def look_up(self):
        name, value = g.key(self.r), g.stored_value(self.r)
        user, calls = self.r.choice(LOOK).format(name), [call("lookup", key=name)]
        roll = self.r.random()
        if roll < 0.1:
            return {}, [turn(user, calls, "could not find", name)]
        if roll < 0.25:
            other, held = g.key(self.r), self.value()
            user = self.r.choice(["Look up {} and {}.", "Find {} and {}"]).format(name, other)
            return {name: value, other: held}, [turn(user, calls + [call("lookup", key=other)], value, held)]
        return {name: value}, [turn(user, calls, value)]

    def two_step(self):
        r, name, value = self.r, g.key(self.r), self.value()
        first = call("lookup", key=name)
        if r.random() < 0.3:
            u, w = self.units()
            user = r.choice(["Convert {k} {u} to {w}.", "What is {k} {u} in {w}?", "Look up {k} and convert it from {u} to {w}."])
            made = self.measure_turn(user.format(k=name, u=u, w=w), value, u, w)
        else:
            b = str(r.randint(2, 500))
            user, expression = r.choice([
                ("What is {k} times {b}?", "{x} * {b}"), ("What is {k} plus {b}?", "{x} + {b}"), ("{k} minus {b}?", "{x} - {b}"),
                ("Look up {k} and multiply it by {b}.", "{x} * {b}"), ("Look up {k}, then add {b}", "{x} + {b}"),
                ("How much is {b} plus {k}?", "{b} + {x}"), ("Subtract {b} from {k}.", "{x} - {b}"), ("Calculate half of {k}.", "{x} / 2"),
            ])
            made = self.sum_turn(user.format(k=name, b=b), expression.format(x=value, b=b))
        return {name: value}, [{**made, "calls": [first] + made["calls"]}]

    def session(self):
        r, roll = self.r, self.r.random()
        if roll < 0.3:
            table, turns = self.convert()
            arguments = turns[0]["calls"][0]["arguments"]
            quantity = tools.QUANTITIES[tools.UNITS[arguments["from"]][0]]
            w = r.choice(r.choice(quantity)[2].split())
            user = r.choice(["And in {}?", "What about {}?", "And in {}", "Now in {}."]).format(w)
            return table, turns + [self.measure_turn(user, arguments["value"], arguments["from"], w)]
        table, turns = self.look_up_number() if roll < 0.5 else self.two_step() if roll < 0.65 else self.arithmetic()
        for _ in range(r.choice([1, 1, 2])):
            x, b = turns[-1]["answer"][-1], str(r.randint(2, 99))
            user, expression = r.choice([
                ("Now double that.", "{x} * 2"), ("Add {b} to that.", "{x} + {b}"), ("And times {b}?", "{x} * {b}"),
                ("Subtract {b} from that", "{x} - {b}"), ("Multiply it by {b}.", "{x} * {b}"), ("plus {b}?", "{x} + {b}"),
            ])
            turns = turns + [self.sum_turn(user.format(b=b), expression.format(x=x, b=b))]
        return table, turns

    def look_up_number(self):
        name, value = g.key(self.r), self.value()
        return {name: value}, [turn(self.r.choice(LOOK).format(name), [call("lookup", key=name)], value)]

    # -- held-out phrasings (`i` walks through the templates)

    def new_arithmetic(self, i):
        template, expression = heldout.ARITHMETIC[i % len(heldout.ARITHMETIC)]
        return {}, [self.sum_turn(*self.fill(template, expression))]

    def new_convert(self, i):
        value, (u, w) = self.number(1, 4), self.units()
        template = heldout.CONVERT[i % len(heldout.CONVERT)][0]
        return {}, [self.measure_turn(template.format(v=value, u=u, w=w), value, u, w)]

    def new_look_up(self, i):
        name, value = g.key(self.r), self.value()
        user = heldout.LOOKUP[i % len(heldout.LOOKUP)][0].format(k=name)
        return {name: value}, [turn(user, [call("lookup", key=name)], value)]

    def new_two_step(self, i):
        name, value = g.key(self.r), self.value()
        templates = heldout.TWO_STEP + heldout.TWO_STEP_CONVERT
        template, expression = templates[i % len(templates)]
        if expression is None:
            u, w = self.units()
            made = self.measure_turn(template.format(k=name, u=u, w=w), value, u, w)
        else:
            b = str(self.r.randint(2, 99))
            if "/" in expression:
                value = str(int(b) * self.r.randint(2, 99))
            made = self.sum_turn(template.format(k=name, b=b), expression.format(x=value, b=b))
        return {name: value}, [{**made, "calls": [call("lookup", key=name)] + made["calls"]}]

    def new_session(self, i):
        template, expression = heldout.FOLLOW_UPS[i % len(heldout.FOLLOW_UPS)]
        b = str(self.r.choice([2, 4, 5, 8, 10, 20, 25]))
        table, turns = self.new_look_up(i) if i % 3 == 0 else self.new_arithmetic(i)
        x = turns[-1]["answer"][-1]
        return table, turns + [self.sum_turn(template.format(b=b), expression.format(x=x, b=b))]


def build(makers):
    """(kind, table, turns) for every (kind, maker, count)."""
    return [(kind, *make(i)) for kind, make, count in makers for i in range(count)]


def operands():
    c = Cases(random.Random(SEEDS["operands"]))
    plan = [("arithmetic", c.arithmetic, 150), ("convert", c.convert, 110), ("lookup", c.look_up, 80),
            ("two-step", c.two_step, 80), ("session", c.session, 80)]
    return build([(kind, lambda _, make=make: make(), count) for kind, make, count in plan])


def phrasings():
    c = Cases(random.Random(SEEDS["phrasings"]))
    return build([("arithmetic", c.new_arithmetic, 64), ("convert", c.new_convert, 50), ("lookup", c.new_look_up, 40),
                  ("two-step", c.new_two_step, 28), ("session", c.new_session, 18)])


def refusals(prompts):
    return [("refusal", {}, [turn(prompt, [], REFUSAL)]) for prompt in prompts]


def write(folder):
    folder.mkdir(exist_ok=True)
    files = [
        ("operands", "op", operands()),
        ("phrasings", "ph", phrasings()),
        ("refusals", "re", refusals(heldout.REFUSALS)),
        ("refusals_fresh", "rf", refusals(heldout.FRESH_REFUSALS)),
    ]
    for name, mark, cases in files:
        lines = [
            json.dumps({"id": f"{mark}-{i:04d}", "kind": kind, "table": table, "turns": turns}, ensure_ascii=False)
            for i, (kind, table, turns) in enumerate(cases, 1)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        print(name, len(lines))
