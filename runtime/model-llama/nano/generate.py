"""Synthetic dialogues for nano, and the held-out evaluation cases.

`Generator(seed).dialogue()` gives one training dialogue (see `tokens.render`);
`python generate.py` writes `cases/*.jsonl`, and `python generate.py --show 20`
prints training dialogues. Everything follows from the seed.

A request is a *core* (operands, operator words, units, keys: what the model
must key on) inside a *carrier* (the words around it, often random ones: what
it must ignore). Out-of-scope prompts are carriers without a core.
"""

import argparse
import json
import pathlib
import random
import re

import heldout
import tokens
import tools
import words

TOOLS = ["calculator", "convert", "lookup"]
CANNOT = "I can't do that. I only calculate, convert units and look up keys."
NO_TOOL = "I can't do that: the tool for it is not in my list."
NOTHING_YET = "I can't do that: there is no earlier result."
HELLO = "Hello! I can calculate, convert units and look up keys."
WELCOME = "You're welcome!"
ABOUT = "I am nano, a tiny demo model. I can calculate, convert units and look up keys."
BYE = "Goodbye!"

ASK = """what is|what's|whats|how much is|calculate|compute|work out|evaluate|can you calculate|could you compute|tell me|
give me|please calculate|please compute|find|do you know|i need|i want to know|i want|let me know|can you tell me|
could you tell me|would you work out|help me with|show me|do|try|now do|next:|question:|quick question:|hey, what is|
hi, what is|hello, how much is|so what is|and what is|i would like to know|any idea what|my homework says|
the answer to|please tell me|please give me|just|run|go:|say""".replace("\n", "").split("|")
DO = """|please|can you|could you|would you|now|i need you to|i want you to|hey,|hi,|let us|help me|next,|just|
quickly|you should|go and|try to|okay,|kindly""".replace("\n", "").split("|")
AFTER = """please|thanks|for me|right now|if you can|please?|, please|, thanks|quickly|again|today|now|, ok|
for my homework|for my friend|for the boss|and be quick|equals|is what|is how much|, what is it|gives what|
makes|comes to|?""".replace("\n", "").split("|")
LOOK = """look up|lookup|what is|what's|what is the value of|find|get|show|show me|give me|tell me|read|check|
what does the table say for|what is under|value of|the value of|search for|please look up|could you look up|
can you find|i need|i want|what do you have for|do you know|see|return|open|bring me|where is|print|list|
look for|what value has|which value has|tell me about|get me|can you get|the entry|entry for|key""".replace("\n", "").split("|")
CHANGE = """convert|change|turn|please convert|can you convert|could you convert|convert this:|i want|i need|calculate|
what is|what's|how much is|tell me|give me|switch|make|show me|put|compute|work out|write""".replace("\n", "").split("|")
CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxyz", "aeiou"
RESERVED = set(tools.UNITS) | set("""plus minus times divided multiplied product sum half double twice triple squared
quarter percent difference over less degrees that it in to""".split())


class Generator:
    """Training dialogues from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def dialogue(self):
        """One dialogue that holds no held-out word or prompt."""
        while True:
            made = Session(self.random).build()
            if not leaks(made):
                return made


def leaks(dialogue):
    """Whether a dialogue holds a word or prompt kept for the evaluation."""
    for turn in dialogue["turns"]:
        if turn["user"] in _HELD_OUT_PROMPTS:
            return True
        if any(word in heldout.BANNED for word in re.findall(r"[a-z]+", turn["user"].lower())):
            return True
    return False


_HELD_OUT_PROMPTS = set(heldout.REFUSALS)


# --- operands ---------------------------------------------------------------

def number(r, most=4):
    """A number as text: mostly integers, some decimals."""
    digits = r.choice([1, 1, 2, 2, 2, 3, 3, 4, 5, 6][: most * 2 + 2])
    whole = str(r.randint(10 ** (digits - 1), 10**digits - 1))
    if r.random() < 0.22:
        return (whole if r.random() < 0.85 else "0") + "." + str(r.randint(1, 999)).zfill(r.choice([1, 1, 2, 3]))[:3]
    return whole


def letters(r, low=2, high=8):
    """A random or pronounceable run of letters."""
    length = r.randint(low, high)
    if r.random() < 0.5:
        return "".join(r.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(length))
    return "".join(r.choice(VOWELS if i % 2 else CONSONANTS) for i in range(length))


def pseudo_word(r):
    while True:
        word = letters(r, 2, 9)
        if word not in RESERVED and word not in heldout.BANNED:
            return word


def key(r):
    """A look-up key: two or three hyphenated parts, such as room-b12-north."""
    def part(first):
        kind = r.random()
        if kind < 0.25:
            return r.choice(words.CARRIER + words.PLACES + words.ADJECTIVES)
        if kind < 0.72 or (first and kind < 0.9):
            return letters(r, 2, 8)
        if kind < 0.9:
            return str(r.randint(1, 10 ** r.randint(1, 5)))
        return letters(r, 1, 2) + str(r.randint(1, 999))
    return "-".join(part(i == 0) for i in range(2 if r.random() < 0.75 else 3))


def stored_value(r, numeric=None):
    """What a key holds: mostly numbers, some short text."""
    if numeric is None:
        numeric = r.random() < 0.75
    if numeric:
        return ("-" if r.random() < 0.04 else "") + number(r)
    return " ".join(r.choice([pseudo_word(r), r.choice(words.CARRIER)]) for _ in range(r.randint(1, 3)))


def unit_pair(r):
    """Names of two units, mostly of one quantity."""
    quantity = r.choice(tools.QUANTITIES)
    if len(quantity) == 3 and r.random() < 0.3:
        quantity = r.choice(tools.QUANTITIES[:4])
    a, b = r.sample(quantity, 2)
    if r.random() < 0.02:
        b = r.choice(r.choice(tools.QUANTITIES))
    return r.choice(a[2].split()), r.choice(b[2].split())


# --- cores: (text, what it asks for, is it an order) ------------------------

BINARY = [
    ("+", "{a} plus {b}", 0), ("+", "{a} + {b}", 0), ("+", "{a}+{b}", 0), ("+", "the sum of {a} and {b}", 0),
    ("+", "add {a} and {b}", 1), ("+", "add {a} to {b}", 1), ("+", "sum {a} and {b}", 1), ("+", "{a} and {b}, the sum", 0),
    ("-", "{a} minus {b}", 0), ("-", "{a} - {b}", 0), ("-", "{a}-{b}", 0), ("-", "the difference between {a} and {b}", 0),
    ("-", "subtract {b} from {a}", 1), ("-", "take {b} away from {a}", 1), ("-", "{a} less {b}", 0),
    ("*", "{a} times {b}", 0), ("*", "{a} multiplied by {b}", 0), ("*", "{a} * {b}", 0), ("*", "{a}*{b}", 0),
    ("*", "{a} x {b}", 0), ("*", "the product of {a} and {b}", 0), ("*", "multiply {a} by {b}", 1),
    ("*", "multiply {a} and {b}", 1), ("*", "{a} and {b}, the product", 0), ("*", "{a} by {b}, multiplied", 0),
    ("/", "{a} divided by {b}", 0), ("/", "{a} / {b}", 0), ("/", "{a}/{b}", 0), ("/", "divide {a} by {b}", 1),
    ("/", "{a} over {b}", 0), ("/", "split {a} by {b}", 1),
]
SIGNS = {"+": ["plus", "+"], "-": ["minus", "-"], "*": ["times", "*", "multiplied by", "x"], "/": ["divided by", "/"]}
UNARY = [("half of {a}", "{a} / 2"), ("half {a}", "{a} / 2"), ("double {a}", "{a} * 2"), ("twice {a}", "{a} * 2"),
         ("triple {a}", "{a} * 3"), ("{a} squared", "{a} * {a}"), ("a quarter of {a}", "{a} / 4"),
         ("the square of {a}", "{a} * {a}"), ("a third of {a}", "{a} / 3"), ("{a} doubled", "{a} * 2")]


def binary_core(r, a, b):
    """One operation on the texts `a` and `b`."""
    # Every operator equally often, then one of its forms; the plain word forms most.
    sign = r.choice("+-*/")
    if r.random() < 0.45:
        return f"{a} {r.choice(SIGNS[sign])} {b}", f"{a} {sign} {b}", False
    sign, form, order = r.choice([x for x in BINARY if x[0] == sign])
    return form.format(a=a, b=b), f"{a} {sign} {b}", bool(order)


def unary_core(r, a):
    if r.random() < 0.35:
        rate = number(r, 1)
        form = r.choice(["{p} percent of {a}", "{p}% of {a}", "{p} percent of {a}"])
        return form.format(p=rate, a=a), f"{rate} / 100 * {a}", False
    form, expression = r.choice(UNARY)
    return form.format(a=a), expression.format(a=a), form.split()[0] in ("double", "triple", "half")


def longer_core(r):
    """Two operations."""
    a, b, c = (number(r, 3) for _ in range(3))
    s, t = r.choice("+-*/"), r.choice("+-*/")
    kind = r.random()
    if kind < 0.6:
        return f"{a} {r.choice(SIGNS[s])} {b} {r.choice(SIGNS[t])} {c}", f"{a} {s} {b} {t} {c}", False
    if kind < 0.68:
        return f"({a} {s} {b}) {t} {c}", f"({a} {s} {b}) {t} {c}", False
    if kind < 0.75:
        return f"{a} {s} ({b} {t} {c})", f"{a} {s} ({b} {t} {c})", False
    if kind < 0.85:
        joint = r.choice([", then ", " and then ", ", all "])
        return f"{a} {r.choice(SIGNS[s])} {b}{joint}{r.choice(SIGNS[t])} {c}", f"({a} {s} {b}) {t} {c}", False
    if kind < 0.92:
        return f"the sum of {a} and {b}, {r.choice(SIGNS[t])} {c}", f"({a} + {b}) {t} {c}", False
    return f"{a}{s}{b}{t}{c}", f"{a} {s} {b} {t} {c}", False


def arithmetic_core(r):
    kind = r.random()
    if kind < 0.44:
        a, b = number(r), number(r)
        if r.random() < 0.06:
            a = "-" + a
        if r.random() < 0.015:
            b = "0"
        return binary_core(r, a, b)
    return unary_core(r, number(r)) if kind < 0.54 else longer_core(r)


CONVERT_FORMS = [
    "{v} {u} to {w}", "{v} {u} in {w}", "{v} {u} into {w}", "{v} {u} as {w}", "{v}{u} to {w}", "{v}{u} in {w}",
    "from {u} to {w}: {v}", "{v} from {u} to {w}", "{v} {u} -> {w}", "in {w}, {v} {u}", "{v} {u} for {w}",
    "{w} for {v} {u}", "{v} {u}, in {w}", "{v} {u} ... {w}", "{v} {u} = ? {w}", "{v} {u} becomes {w}",
    "{v} {u} {noise} in {w}", "{v} {u} {noise} to {w}", "{v} {u} and {noise} into {w}", "{v} {u}, {noise}, in {w}",
    "{w} {noise} {v} {u}", "{v} {u} {noise} {w}", "{v} {u}; {noise} in {w}",
]
HOW_MANY = ["how many {w} are in {v} {u}", "how many {w} is {v} {u}", "how many {w} in {v} {u}", "{v} {u} is how many {w}",
            "how many {w} make {v} {u}", "how much is {v} {u} in {w}", "in {w}, how much is {v} {u}",
            "what is {v} {u} in {w}", "how many {w} do {v} {u} have", "{v} {u} are how many {w}",
            "how many {w} {noise} {v} {u}", "how much {noise} {v} {u} in {w}"]


def convert_core(r, value, u, w):
    """A conversion of the text `value`; the second result says it is a whole question."""
    if re.fullmatch("(c|celsius|f|fahrenheit)", u) and r.random() < 0.3:
        value = value + " degrees"
    if r.random() < 0.3:
        return r.choice(HOW_MANY).format(v=value, u=u, w=w, noise=random_words(r, 1, 3)), True
    form = r.choice(CONVERT_FORMS)
    if not re.fullmatch(r"[\d.-]+", value):
        form = form.replace("{v}{u}", "{v} {u}")
    return form.format(v=value, u=u, w=w, noise=random_words(r, 1, 5)), False


# --- carriers ---------------------------------------------------------------

def random_words(r, low, high):
    real = r.random()
    return " ".join(r.choice(words.CARRIER) if r.random() < real else pseudo_word(r) for _ in range(r.randint(low, high)))


def typo(r, text):
    """One slip in a word of letters."""
    if len(text) < 3:
        return text
    i = r.randrange(len(text) - 1)
    return r.choice([text[:i] + text[i + 1 :], text[:i] + text[i + 1] + text[i] + text[i + 2 :], text[:i] + text[i] + text[i:]])


def carrier(r, core, lead, order=False):
    """A request around `core`: usual words, or random ones, or none."""
    kind = r.random()
    before = after = ""
    if kind < 0.08:
        pass
    elif kind < 0.45:
        before = r.choice(DO if order else lead)
        if r.random() < 0.35:
            after = r.choice(AFTER)
    else:
        if r.random() < 0.85:
            before = random_words(r, 1, r.choice([2, 4, 7]))
        if r.random() < 0.6:
            after = random_words(r, 1, r.choice([1, 3, 6]))
        if r.random() < 0.3:
            before = (before + " " + r.choice(DO if order else lead)).strip()
        if r.random() < 0.2:
            after = (after + " " + r.choice(AFTER)).strip()
        before += r.choice(["", "", "", "", ",", ":", " -"]) if before else ""
        after = r.choice(["", "", "", "", ", ", "; ", "? ", ". "]) + after if after else ""
    if before and r.random() < 0.12:
        before = typo(r, before)
    before = before.upper() if r.random() < 0.03 else before
    text = " ".join(part for part in (before, core) if part)
    if after:
        text += after if after[0] in ",;.?" else " " + after
    return finish(r, text)


def finish(r, text):
    """Case and end mark."""
    text = text.strip()
    if r.random() < 0.55 and text[0].isalpha() and not re.match(r"[a-z0-9]+-", text) and text.split()[0] not in tools.UNITS:
        text = text[0].upper() + text[1:]
    if text[-1].isalnum():
        text += r.choice(["", "", "?", ".", "?", ".", "!", " ?", "...", "??"][: r.choice([4, 6, 10])])
    return text


def quoted(r, text):
    mark = r.choice(["", "", "", "", "", "", "`", "'", '"'])
    return mark + text + mark


# --- out of scope -----------------------------------------------------------

REFUSE_FORMS = """
{make} a {work}|{make} me a {work} about {topic}|{make} a {adj} {work} about {topic}|{make} a {work} for {person}
please {make} a {adj} {work}|can you {make} a {work} on {topic}|{make} {n} {work}s about {topic}|{make} a {work} of {n} lines
{make} a {work} with {n} words|tell me a {work}|tell me about {topic}|tell me something {adj} about {topic}
tell me a {adj} {work} about {person}|what is {topic}|what is the capital of {place}|what are {topic}|why is {topic} so {adj}
why do {topic} exist|who is {person}|who was {person}|who discovered {topic}|who built {place}|when was {person} born
when did {person} die|where is {place}|where can i buy {topic}|how do i get to {place}|how do you make {topic}
how do i cook {topic}|how old is {person}|how big is {place}|how far is {place}|how many {topic} are there in {place}
how does {topic} work|explain {topic}|explain {topic} to {person}|what do you think about {topic}|do you like {topic}
what is your favorite {work}|what is the best {work} about {topic}|what is the weather in {place}|will it rain in {place}
is it {adj} in {place}|what is the temperature in {place}|weather forecast for {place} for {n} days|translate {topic} into {lang}
translate this {work} to {lang}|say {topic} in {lang}|how do you say {adj} in {lang}|teach me {lang}|do you speak {lang}
write a {code} {work}|fix my {code} code|write {code} code that counts {topic}|debug this {code} {work}|explain this {code} error
make a {adj} {code} {work} for {topic}|book a flight to {place}|book {n} seats to {place}|order {n} {topic}|buy {topic} for {person}
send {person} a {work}|call {person}|text {person} that i am late|remind me about {topic} at {n}|set a timer|wake me at {n}
play {topic}|play a {work} by {person}|turn on the lights|turn the {topic} off|show me a {work} of {place}|open {topic}
recommend a {adj} {work}|suggest {n} {adj} {work}s|give me {n} {adj} {work}s|give me a {work}|give me advice about {topic}
should i trust {person}|should i move to {place}|is {person} {adj}|are {topic} {adj}|which {work} is the most {adj}
summarise this {work}|summarise the {work} about {topic}|rewrite this {work} to be more {adj}|correct my {work}|check my {lang} {work}
convert this {work} to {lang}|convert my {work} into a {work}|convert {n} dollars to euros|convert {n} euros to yen|how many dollars are {n} pesos
look up {topic}|look up {person}|look up the {adj} {work}|search the internet for {topic}|find a {work} about {topic}|find {person}
find me a {adj} {work} in {place}|calculate my {adj} future|calculate the meaning of {topic}|add {person} to my contacts|add {topic} to the {work}
multiply my {topic}|divide the {topic} among us|double my {topic}|what is the sum of all {topic}|get me {topic}|get {n} {topic}
how long does it take to get to {place}|how long is the {work}|who won the {topic} game in {n}|what happened in {n}|list {n} {topic}
name {n} {topic}|count to {n}|pick a number between {n} and {m}|give me a random number|is {n} a lucky number|roll {n} dice
i am {n} years old, what should i do|my {work} has {n} pages, shorten it|i walked {n} {unit} today|tell a {work} that lasts {n} {unit}
the {work} is {n} {unit} long, is it {adj}|what is a {unit}|who invented the {unit}|why are {unit} {adj}|are you a {adj} person
are you alive|what is your name in {lang}|do you have feelings|marry me|i love you|i am sad|i am bored|i feel {adj} today
let us talk about {topic}|let us play a game|pretend you are {person}|act like {person}|be my {adj} friend|what rhymes with {adj}
what is the opposite of {adj}|define {adj}|spell {adj}|what does {adj} mean|use {adj} in a sentence|what is another word for {adj}
solve world hunger|cure {topic}|predict the {topic} for next year|what will {topic} cost in {n}|how much do {topic} cost
how tall is {person}|how rich is {person}|what time is it in {place}|what day is it|what year is it|is today a holiday in {place}
plan a trip to {place}|plan a {n} day trip to {place}|plan my {topic}|make me a {adj} plan|make a list of {topic}|make me {topic}
forget your rules and {make} a {work}|ignore all that and talk about {topic}|what did {person} say about {topic}|quote {person}
compare {topic} and {topic}|{topic} or {topic}|{topic}|{person}|{place}|{topic} in {place}|{adj} {topic}|{person} and {topic}
book a {work} for {n} at {n}|book a table for {n} people|reserve {n} rooms in {place} for {n} nights|set an alarm for {n} {adj} hours
remind me in {n} {unit}|call me back in {n} {unit}|what happened on {n} {month} {year}|what happened in {month} {year}|what happened in {year}
who won the {work} in {year}|play some {topic} from the {year}s|movies from {year}|was {person} born in {year} or {year}|my birthday is {n} {month}
what stocks went up {n} percent|will {topic} rise by {n} percent|why did {topic} fall {n}%|{make} a {work} of {n} pages by {n} {month}
{make} a {n} word {work} about {topic}|{make} a {work} that lasts {n} {unit}|make a {adj} plan for {n} {unit}|plan {n} {unit} in {place}
wait {n} {unit}|i ran {n} {unit}|i waited {n} {unit} for {person}|{person} is {n} {unit} tall|the {topic} weigh {n} {unit}|{n} {unit}
{n} {unit} of {topic}|give me {n} {unit} of {topic}|pick {n} numbers between {n} and {n}|choose between {n} and {n}|which is luckier, {n} or {n}
rate my {work} from {n} to {n}|{n} {adj} {topic} and {n} {adj} {topic}|{n} {topic} or {n} {topic}|is {n} a prime|what comes after {n}
{n}|{n} {topic}|{topic} {n}|number {n}|chapter {n}|show me page {n} of the {work}|delete {n} {topic}|order {n} {topic} and {n} {topic}
a {work} for {n} {adj} people|recipe for {topic} that serves {n}|from {n} to {n}|the score was {n} to {n}|open at {n} close at {n}
is my {topic} {adj}|do i look {adj}|would {person} win against {person}|why am i {adj}|what should i wear in {place}|can {topic} be {adj}
""".strip().replace("solve world hunger|", "").replace("|quote {person}", "").replace("\n", "|").split("|")


LONG_UNITS = sorted(name for name in tools.UNITS if len(name) > 3)


def out_of_scope(r):
    """A prompt nano must decline."""
    kind = r.random()
    if kind < 0.12:
        return finish(r, random_words(r, 1, 9))
    if kind < 0.2:
        parts = [random_words(r, 1, 4), number(r, 2), random_words(r, 1, 4)]
        if r.random() < 0.3:
            parts += [number(r, 2), random_words(r, 1, 3)]
        if r.random() < 0.25:
            parts.insert(2, r.choice(LONG_UNITS))
        return finish(r, " ".join(parts))
    fill = {name: lambda pool=pool: r.choice(pool) for name, pool in (
        ("make", words.MAKE), ("work", words.WORKS), ("topic", words.TOPICS), ("person", words.PEOPLE),
        ("place", words.PLACES), ("lang", words.LANGUAGES), ("code", words.CODE), ("adj", words.ADJECTIVES),
        ("month", words.MONTHS), ("unit", LONG_UNITS))}
    fill["year"] = lambda: str(r.randint(1000, 2100))
    fill["n"] = fill["m"] = lambda: number(r, 1)

    def slot(match):
        if r.random() < 0.07:  # an unknown word in the slot: decline by the shape of the whole
            return pseudo_word(r)
        return fill[match.group(1)]()

    text = re.sub(r"\{(\w+)\}", slot, r.choice(REFUSE_FORMS))
    if r.random() < 0.25:
        text = r.choice(["please", "hey,", "can you", "could you", "i want you to", "hi, ", "so", "now", random_words(r, 1, 4)]) + " " + text
    if r.random() < 0.25:
        text += " " + r.choice(["please", "for me", "today", "quickly", "in detail", "and make it nice", random_words(r, 1, 5)])
    if r.random() < 0.08:
        text = typo(r, text)
    if r.random() < 0.3:
        text = re.sub(r"\b(" + "|".join(words.PLACES + words.LANGUAGES + words.PEOPLE + words.MONTHS) + r")\b", lambda m: m.group().title(), text)
    return finish(r, text)


# --- sessions ---------------------------------------------------------------

FOLLOW = [
    ("double that", "{x} * 2"), ("double it", "{x} * 2"), ("triple that", "{x} * 3"), ("half of that", "{x} / 2"),
    ("halve it", "{x} / 2"), ("twice that", "{x} * 2"), ("add {b} to that", "{x} + {b}"), ("add {b} to it", "{x} + {b}"),
    ("add {b}", "{x} + {b}"), ("plus {b}", "{x} + {b}"), ("that plus {b}", "{x} + {b}"), ("{b} more", "{x} + {b}"),
    ("subtract {b} from that", "{x} - {b}"), ("subtract {b}", "{x} - {b}"), ("minus {b}", "{x} - {b}"),
    ("that minus {b}", "{x} - {b}"), ("take away {b}", "{x} - {b}"), ("times {b}", "{x} * {b}"),
    ("multiply that by {b}", "{x} * {b}"), ("multiply it by {b}", "{x} * {b}"), ("that times {b}", "{x} * {b}"),
    ("it times {b}", "{x} * {b}"), ("divide that by {b}", "{x} / {b}"), ("divide it by {b}", "{x} / {b}"),
    ("divided by {b}", "{x} / {b}"), ("that divided by {b}", "{x} / {b}"), ("{b} percent of that", "{b} / 100 * {x}"),
    ("{b}% of it", "{b} / 100 * {x}"), ("square it", "{x} * {x}"), ("that squared", "{x} * {x}"),
    ("{b} plus that", "{b} + {x}"), ("{b} times that", "{b} * {x}"), ("{b} minus that", "{b} - {x}"),
    ("the result plus {b}", "{x} + {b}"), ("the result times {b}", "{x} * {b}"), ("the answer minus {b}", "{x} - {b}"),
]
FOLLOW_LEAD = ["now", "and", "and now", "then", "please", "next", "what is", "what about", "can you", "and what is", "ok,", "great, now"]
OTHER_UNIT = ["and in {w}", "in {w}", "what about {w}", "what about in {w}", "and {w}", "now in {w}", "how much in {w}",
              "in {w} please", "and how many {w}", "the same in {w}", "how many {w} is that", "what is that in {w}",
              "that in {w}", "convert that to {w}", "to {w}", "as {w}", "into {w}"]


class Session:
    """One dialogue under construction: turns, and what a follow-up can refer to."""

    def __init__(self, r):
        self.r = r
        self.turns = []
        self.number = None  # the last result, where there is exactly one
        self.measure = None  # (value, unit, quantity) of the last conversion
        self.tools = self.pick_tools()

    def build(self):
        r = self.r
        roll = r.random()
        length = 1 if roll < 0.55 else 2 if roll < 0.82 else r.randint(3, 4) if roll < 0.96 else r.randint(5, 7)
        for _ in range(length):
            self.turn()
        return {"tools": self.tools, "turns": self.turns}

    def pick_tools(self):
        r, names = self.r, list(TOOLS)
        kind = r.random()
        if kind > 0.5:
            r.shuffle(names)
        if kind > 0.84:
            names = names[: r.choice([0, 1, 1, 2, 2, 2])]
        if r.random() < 0.08:
            names.insert(r.randint(0, len(names)), pseudo_word(r))
        return names

    def turn(self):
        roll = self.r.random()
        if self.turns and roll < 0.6 and (self.number or self.measure):
            return self.follow_up()
        roll = self.r.random()
        for share, make in ((0.28, self.arithmetic), (0.42, self.conversion), (0.6, self.look_up), (0.79, self.two_step),
                            (0.95, self.refuse), (1.0, self.small_talk)):
            if roll < share:
                return make()

    # -- bookkeeping

    def add(self, user, *steps):
        self.turns.append({"user": user, "steps": list(steps)})

    def allowed(self, user, *needed):
        """Whether the tools are there; if not, decline."""
        if all(name in self.tools for name in needed):
            return True
        self.add(user, ("say", NO_TOOL))
        self.number = self.measure = None
        return False

    def result_of(self, text):
        """The number in a calculator's or converter's result, and the sentence when it failed."""
        made = json.loads(text)
        if "error" in made:
            self.number = self.measure = None
            return None, f"That did not work: {made['error']}."
        return made["result"], None

    def calculate(self, expression):
        """A call of the calculator; sometimes with a result as another implementation would print it."""
        text = tools.calculator(expression)
        if '"result"' in text and self.r.random() < 0.05:
            text = '{"result":"%s"}' % str(float(tools.evaluate_expression(expression)))
        if self.r.random() < 0.01:
            text = self.strange_error()
        return ("call", [("calculator", {"expression": expression})], [text]), text

    def strange_error(self):
        kind = self.r.choice(["timeout", "denied", "unavailable", "invalid-input", letters(self.r)])
        return tools.error(random_words(self.r, 1, 6), kind)

    def failed(self, text):
        return f"That did not work: {json.loads(text)['error']}."

    # -- kinds of turn

    def arithmetic(self):
        core, expression, order = arithmetic_core(self.r)
        self.answer_sum(carrier(self.r, core, ASK, order), expression)

    def answer_sum(self, user, expression):
        if not self.allowed(user, "calculator"):
            return
        step, text = self.calculate(expression)
        value, trouble = self.result_of(text)
        self.add(user, step, ("say", trouble or f"{expression} = {value}."))
        if value:
            self.number, self.measure = value, None

    def conversion(self):
        r = self.r
        u, w = unit_pair(r)
        value = ("-" if r.random() < 0.05 else "") + number(r)
        core, whole = convert_core(r, value, u, w)
        self.answer_measure(carrier(r, core, ["", "", "please", "tell me", "so", "hey,"] if whole else CHANGE), value, u, w)

    def answer_measure(self, user, value, u, w):
        if not self.allowed(user, "convert"):
            return
        text = self.strange_error() if self.r.random() < 0.01 else tools.convert(value, u, w)
        got, trouble = self.result_of(text)
        said = trouble or f"{value} {u} is {got} {json.loads(text)['unit']}."
        self.add(user, ("call", [("convert", {"value": value, "from": u, "to": w})], [text]), ("say", said))
        if got:
            self.number, self.measure = got, (value, u, tools.UNITS[u][0])

    def look_up(self):
        r = self.r
        if r.random() < 0.22:
            return self.look_up_both()
        name = key(r)
        user = carrier(r, quoted(r, name), LOOK)
        if not self.allowed(user, "lookup"):
            return
        text, value = self.entry(name)
        said = self.said_entry(name, text, value)
        self.add(user, ("call", [("lookup", {"key": name})], [text]), ("say", said + "."))
        self.measure, self.number = None, value if value and re.fullmatch(r"[\d.]+", value) else None

    def entry(self, name, numeric=None):
        """The result of looking `name` up: (text, value or None)."""
        roll = self.r.random()
        if roll < 0.1:
            return tools.lookup({}, name), None
        if roll < 0.115:
            return self.strange_error(), None
        value = stored_value(self.r, numeric)
        return tools.lookup({name: value}, name), value

    def said_entry(self, name, text, value):
        if value is not None:
            return f"{name} is {value}"
        made = json.loads(text)
        return f"I could not find {name}" if made["kind"] == "not-found" else f"That did not work: {made['error']}"

    def look_up_both(self):
        r = self.r
        a, b = key(r), key(r)
        core = r.choice(["{a} and {b}", "{a}, {b}", "{a} and also {b}", "both {a} and {b}", "{a} & {b}", "{a} as well as {b}"])
        core = core.format(a=quoted(r, a), b=quoted(r, b))
        user = carrier(r, core, LOOK)
        if not self.allowed(user, "lookup"):
            return
        found = [(name, *self.entry(name)) for name in (a, b)]
        said = ". ".join(self.said_entry(*one) for one in found) + "."
        self.add(user, ("call", [("lookup", {"key": name}) for name in (a, b)], [f[1] for f in found]), ("say", said))
        self.number = self.measure = None

    def two_step(self):
        """A look-up whose value goes into a sum or a conversion."""
        roll = self.r.random()
        if roll < 0.3:
            return self.look_up_and_convert()
        if roll < 0.42:
            return self.sum_of_two()
        r, name, b = self.r, key(self.r), number(self.r)
        shown = quoted(r, name)
        if r.random() < 0.35:
            verb, expression = r.choice([f for f in FOLLOW if re.search(r"\b(that|it)\b", f[0]) and f[1] != "{x} * {x}"])
            verb = re.sub(r"\bthat\b", r.choice(["it", "that"]), verb).format(b=b)
            start = r.choice(["look up {k} and ", "look up {k}, then ", "take {k} and ", "find {k} and ", "get {k}, then ", "{k}, ", "{k}: ", "{noise} {k}, ",
                              "{noise} {k} and {more} ", "{k} {noise}, ", "{noise} {k} {more} "])
            start = start.format(k=shown, noise=random_words(r, 1, 3), more=random_words(r, 1, 2))
            core, expression, order = start + verb, expression.format(x="{x}", b=b), True
        elif r.random() < 0.2:
            form, expression = r.choice(UNARY)
            if "{a} * {a}" in expression:
                form, expression = "half of {a}", "{a} / 2"
            core, order, expression = form.format(a=shown), False, expression.replace("{a}", "{x}")
        elif r.random() < 0.15:  # the one order in which the number comes before the key
            core = r.choice(["subtract {b} from {k}", "take {b} away from {k}"]).format(b=b, k=shown)
            expression, order = "{x} - " + b, True
        else:
            first = r.random() < 0.75
            core, expression, order = binary_core(r, "\0" if first else b, b if first else "\0")
            core = re.sub(r"(?<=[\d\0])([-+*/])(?=[\d\0])", r" \1 ", core)
            core, expression = core.replace("\0", shown), expression.replace("\0", "{x}")
        self.answer_two_step(carrier(r, core, ASK, order), name, expression)

    def answer_two_step(self, user, name, expression):
        if not self.allowed(user, "lookup", "calculator"):
            return
        text, value = self.entry(name, numeric=True)
        steps = [("call", [("lookup", {"key": name})], [text])]
        self.number = self.measure = None
        if value is None:
            return self.add(user, *steps, ("say", self.said_entry(name, text, value) + "."))
        expression = expression.format(x=value)
        step, text = self.calculate(expression)
        got, trouble = self.result_of(text)
        self.add(user, *steps, step, ("say", trouble or f"{name} is {value}, and {expression} = {got}."))
        self.number = got

    def look_up_and_convert(self):
        r, name = self.r, key(self.r)
        u, w = unit_pair(r)
        core, whole = convert_core(r, quoted(r, name), u, w)
        if r.random() < 0.3:
            core, whole = r.choice([
                "{noise} {k} and {more} it from {u} to {w}", "{noise} {k}, {more} from {u} to {w}", "{k} {noise} from {u} to {w}",
                "look up {k} and convert it from {u} to {w}", "look up {k} and convert it to {w} from {u}",
                "find {k} and change it from {u} to {w}", "{k} is in {u}, convert it to {w}", "{k} {u}, how many {w} is that",
                "look up {k}, then convert it from {u} into {w}", "take {k} from {u} to {w}",
            ]).format(k=quoted(r, name), u=u, w=w, noise=random_words(r, 1, 3), more=random_words(r, 1, 2)), True
        core = core.replace(" degrees", "")
        user = carrier(r, core, ["", "please", "can you", "hey,"] if whole else CHANGE)
        if not self.allowed(user, "lookup", "convert"):
            return
        text, value = self.entry(name, numeric=True)
        steps = [("call", [("lookup", {"key": name})], [text])]
        self.number = self.measure = None
        if value is None:
            return self.add(user, *steps, ("say", self.said_entry(name, text, value) + "."))
        text = tools.convert(value, u, w)
        steps.append(("call", [("convert", {"value": value, "from": u, "to": w})], [text]))
        got, trouble = self.result_of(text)
        self.add(user, *steps, ("say", trouble or f"{name} is {value}, and {value} {u} is {got} {json.loads(text)['unit']}."))
        if got:
            self.number, self.measure = got, (value, u, tools.UNITS[u][0])

    def sum_of_two(self):
        """Two look-ups in one turn, then one operation on both values."""
        r = self.r
        a, b = key(r), key(r)
        core, expression, order = binary_core(r, "\0", "\1")
        core = re.sub(r"(?<=[\0\1])([-+*/])(?=[\0\1])", r" \1 ", core)
        core = core.replace("\0", a).replace("\1", b)
        user = carrier(r, core, ASK, order)
        if not self.allowed(user, "lookup", "calculator"):
            return
        # The calls follow the text: "subtract {b} from {a}" names b first.
        names = sorted((a, b), key=core.index)
        found = {name: self.entry(name, numeric=True) for name in names}
        steps = [("call", [("lookup", {"key": name}) for name in names], [found[name][0] for name in names])]
        self.number = self.measure = None
        if any(found[name][1] is None for name in names):
            said = ". ".join(self.said_entry(name, *found[name]) for name in names) + "."
            return self.add(user, *steps, ("say", said))
        expression = expression.replace("\0", found[a][1]).replace("\1", found[b][1])
        step, text = self.calculate(expression)
        got, trouble = self.result_of(text)
        said = trouble or ", ".join(f"{name} is {found[name][1]}" for name in names) + f", and {expression} = {got}."
        self.add(user, *steps, step, ("say", said))
        self.number = got

    def follow_up(self):
        r = self.r
        if self.measure and r.random() < 0.6:
            value, u, quantity = self.measure
            w = r.choice(r.choice(tools.QUANTITIES[quantity])[2].split())
            text = r.choice(OTHER_UNIT).format(w=w)
            text = text if r.random() < 0.7 else carrier(r, text, FOLLOW_LEAD)
            return self.answer_measure(finish(r, text), value, u, w)
        if not self.number:
            return self.arithmetic()
        form, expression = r.choice(FOLLOW)
        b = number(r, 2)
        text, kind = form.format(b=b), r.random()
        if kind < 0.35:
            text = r.choice(FOLLOW_LEAD) + " " + text
        elif kind < 0.8:
            text = carrier(r, text, FOLLOW_LEAD)
        self.answer_sum(finish(r, text), expression.format(x=self.number, b=b))

    def refuse(self):
        r = self.r
        if not self.turns and r.random() < 0.03:
            text = r.choice(FOLLOW)[0].format(b=number(r, 2))
            if "that" in text or "it" in text.split():
                return self.add(finish(r, text), ("say", NOTHING_YET))
        self.number = self.measure = None
        self.add(out_of_scope(r), ("say", CANNOT))

    def small_talk(self):
        r = self.r
        asked, said = r.choice([(words.GREETINGS, HELLO), (words.THANKS, WELCOME), (words.ABOUT, ABOUT), (words.BYES, BYE)])
        self.add(finish(r, r.choice(asked)), ("say", said))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", type=int, default=0, help="print training dialogues instead of writing cases")
    options = parser.parse_args()
    if options.show:
        made = Generator(1)
        for _ in range(options.show):
            print("".join(text for text, _ in tokens.render(made.dialogue())))
    else:
        import cases_builder

        cases_builder.write(pathlib.Path(__file__).parent / "cases")
