// Tests of tool.js that need no WebAssembly: `npm test`.
import assert from "node:assert/strict";
import test from "node:test";

import { tool } from "./tool.js";

test("words are counted and the longest is found", () => {
  assert.deepEqual(tool.run({ text: "Hi there, Zoë" }), { words: 3, longest: "there," });
});

test("short words can be left out", () => {
  assert.equal(tool.run({ text: "a bb ccc", at_least: 2 }).words, 2);
});

test("a limit of zero is refused with what to do", () => {
  const call = () => tool.call('{"text": "a", "at_least": 0}');
  assert.throws(call, { kind: "invalid-input", message: /give 1 or more/ });
});

test("an argument that is not listed is refused by the schema", () => {
  assert.equal(JSON.parse(tool.describe()).input_schema.additionalProperties, false);
});
