"""Tool `count_words`."""

import re
from dataclasses import dataclass
from typing import Annotated

from playhouse import Failure, tool

# Made once, when the component is built: each call begins with what is made here.
BLANKS = re.compile(r"[ \t\n\r\f]+")


@dataclass
class Counts:
    words: Annotated[int, "How many words there are"]
    longest: Annotated[str, "The longest, the first of several; empty if there is none"]


@tool(version="0.1.0", effect="pure")
def count_words(
    text: Annotated[str, "The text; words are what stands between blanks"],
    at_least: Annotated[int, "Leave out words with fewer letters than this; 1 if not given"] = 1,
) -> Counts:
    """Counts the words of a text and finds the longest, for example 2 and `there` in `Hi there`."""
    if at_least < 1:
        raise Failure("invalid-input", f"`at_least` is {at_least}: a word has a letter at least, so give 1 or more")
    words = [word for word in BLANKS.split(text) if word and len(word) >= at_least]
    return Counts(words=len(words), longest=max(words, key=len, default=""))
