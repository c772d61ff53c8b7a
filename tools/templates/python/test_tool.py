"""Tests of tool.py that need no WebAssembly: `python3 -m unittest`."""

import json
import unittest

import playhouse
from playhouse import Failure
from tool import Counts, count_words


class CountWords(unittest.TestCase):
    def test_words_are_counted_and_the_longest_is_found(self) -> None:
        self.assertEqual(count_words("Hi there, Zoë"), Counts(words=3, longest="there,"))

    def test_short_words_can_be_left_out(self) -> None:
        self.assertEqual(count_words("a bb ccc", at_least=2).words, 2)

    def test_a_limit_of_zero_is_refused_with_what_to_do(self) -> None:
        with self.assertRaisesRegex(Failure, "give 1 or more"):
            count_words("a", at_least=0)

    def test_arguments_come_in_and_the_result_goes_out_as_json(self) -> None:
        self.assertEqual(playhouse.run('{"text": "é \\"q\\""}'), '{"words":2,"longest":"\\"q\\""}')

    def test_the_schema_follows_from_the_types(self) -> None:
        schema = json.loads(playhouse.describe())["input_schema"]
        self.assertEqual(schema["required"], ["text"])
        self.assertEqual(schema["properties"]["at_least"]["type"], "integer")
        self.assertFalse(schema["additionalProperties"])
