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
  if (call.constructor.name === "AsyncFunction") {
    throw new TypeError("`call` is async, and a tool waits for nothing: capabilities answer at once");
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
        return JSON.stringify(call(JSON.parse(text)) ?? null);
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

/** What a capability throws is text, or an object with a message. An `Error` is what nobody meant to throw. */
function failure(thrown) {
  if (thrown instanceof Failure) {
    return { kind: thrown.kind, message: thrown.message, retryAfterMs: thrown.retryAfterMs };
  }
  const message = thrown instanceof Error ? crash(thrown) : String(thrown?.message ?? thrown);
  return { kind: "failed", message, retryAfterMs: null };
}

/** An error that nobody caught, and where in the project it was thrown. */
function crash(error) {
  const [, file, line] = /\(\/(?!playhouse\.js)(.+?):(\d+)/.exec(error.stack) ?? [];
  return `it crashed: ${error.name}: ${error.message}`.slice(0, 500) + (file ? ` (${file}, line ${line})` : "");
}

// A component has no clock but the capability: QuickJS would ask WASI, which is not there, and end without a word.
if (typeof process === "undefined") {
  const noClock = () => {
    throw new Error('a tool has no clock of its own: write `uses = ["clock"]` into tool.toml, and ask that');
  };
  const construct = (date, given, as) => (given.length > 0 ? Reflect.construct(date, given, as) : noClock());
  globalThis.Date = new Proxy(Date, { construct, apply: noClock });
  Date.now = noClock;
}
