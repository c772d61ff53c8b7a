// @ts-check
// Tool `count_words`.
import { Failure, define } from "./playhouse.js";

export const tool = define({
  name: "count_words",
  version: "0.1.0",
  description: "Counts the words of a text and finds the longest, for example 2 and `there` in `Hi there`.",
  effect: "pure",
  input: {
    properties: {
      text: { type: "string", description: "The text; words are what stands between blanks" },
      at_least: {
        type: "integer",
        minimum: 0,
        description: "Leave out words with fewer letters than this; 1 if not given",
      },
    },
    required: ["text"],
  },
  output: {
    properties: {
      words: { type: "integer", description: "How many words there are" },
      longest: { type: "string", description: "The longest, the first of several; empty if there is none" },
    },
    required: ["words", "longest"],
  },

  call({ text, at_least = 1 }) {
    if (at_least < 1) {
      throw new Failure("invalid-input", "`at_least` is 0: a word has a letter at least, so give 1 or more");
    }
    const words = text.split(/[ \t\n\r\f]+/).filter((word) => word !== "" && letters(word) >= at_least);
    const longer = (/** @type {string} */ a, /** @type {string} */ b) => (letters(b) > letters(a) ? b : a);
    return { words: words.length, longest: words.reduce(longer, "") };
  },
});

/** @param {string} word */
function letters(word) {
  return [...word].length;
}
