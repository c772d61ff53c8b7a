// The Playhouse tool contract for JavaScript: a function with a schema is a tool. Its types are in playhouse.d.ts.

/** A failure the model is meant to read. */
export class Failure extends Error {
  constructor(kind, message, retryAfterMs = null) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Makes the export `tool` of a description and a function. */
export function define({ name, version, description, effect = "once", wants, input, output, call, didItHappen }) {
  if ((effect === "checkable") !== Boolean(didItHappen)) {
    throw new TypeError("a checkable tool, and no other, has `didItHappen`");
  }
  // Made once, when the component is built.
  const about = JSON.stringify({
    name,
    version,
    description,
    effect,
    wants,
    input_schema: closed(input),
    output_schema: closed(output),
  });
  return {
    describe: () => about,
    call(text) {
      try {
        return JSON.stringify(call(JSON.parse(text)));
      } catch (thrown) {
        throw failure(thrown);
      }
    },
    didItHappen(effectId) {
      try {
        const output = didItHappen(effectId);
        return output === null || output === undefined ? null : JSON.stringify(output);
      } catch (thrown) {
        throw failure(thrown).message;
      }
    },
    run: call,
  };
}

/** An object takes what it lists and nothing else, so that a misspelt name is told. */
function closed(schema) {
  if (schema.items) return { ...schema, items: closed(schema.items) };
  if (!schema.properties) return schema;
  const properties = Object.entries(schema.properties).map(([name, property]) => [name, closed(property)]);
  return { type: "object", additionalProperties: false, ...schema, properties: Object.fromEntries(properties) };
}

/** What a capability throws is text, or an object that says which kind of failure it was. */
function failure(thrown) {
  if (thrown instanceof Failure) {
    return { kind: thrown.kind, message: thrown.message, retryAfterMs: thrown.retryAfterMs };
  }
  return { kind: "failed", message: String(thrown?.message ?? thrown), retryAfterMs: null };
}
