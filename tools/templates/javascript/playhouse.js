// The Playhouse tool contract for JavaScript: a function with a schema is a tool. Its types are in playhouse.d.ts.

const KINDS = ["invalid-input", "denied", "not-found", "conflict", "unavailable", "failed"];

/** A failure the model is meant to read. */
export class Failure extends Error {
  constructor(kind, message, retryAfterMs = null) {
    super(message);
    if (!KINDS.includes(kind)) throw new TypeError(`\`${kind}\` is no kind of failure: ${KINDS.join(", ")} are`);
    if (retryAfterMs !== null && retryAfterMs >>> 0 !== retryAfterMs) {
      throw new TypeError(`${retryAfterMs} is no whole number of milliseconds`);
    }
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
  const inner = { ...schema };
  if (schema.anyOf) inner.anyOf = schema.anyOf.map(closed);
  if (schema.items) Object.assign(inner, { type: schema.type ?? "array", items: closed(schema.items) });
  if (!schema.properties) return inner;
  const properties = Object.entries(schema.properties).map(([name, property]) => [name, closed(property)]);
  return { type: "object", additionalProperties: false, ...inner, properties: Object.fromEntries(properties) };
}

/** What a capability throws is text, or an object with a message. An `Error` is what nobody meant to throw. */
function failure(thrown) {
  if (thrown instanceof Failure) {
    return { kind: thrown.kind, message: thrown.message, retryAfterMs: thrown.retryAfterMs };
  }
  if (thrown instanceof Error) return { kind: "failed", message: crash(thrown), retryAfterMs: null };
  const message = thrown?.message ?? (typeof thrown === "object" ? JSON.stringify(thrown) : thrown);
  return { kind: "failed", message: String(message), retryAfterMs: null };
}

/** An error that nobody caught, and the last line of the project's own that was reached. */
function crash(error) {
  const told = `it crashed: ${error.name}: ${error.message}`.slice(0, 500);
  for (const [, made, row, column] of String(error.stack).matchAll(/\(\/(.+?):(\d+):(\d+)\)/g)) {
    // The build of TypeScript says where each place of its bundle came from.
    const [file, line] = globalThis.playhouseSource?.(Number(row), Number(column)) ?? [made, row];
    if (!/^playhouse\.js$|^node_modules\//.test(file)) return `${told} (${file}, line ${line})`;
  }
  return told;
}

// What asks WASI ends a component without a word, for it is not there. So a clock is the capability, or an error.
if (typeof process === "undefined") {
  const noClock = () => {
    throw new Error('a tool has no clock of its own: write `uses = ["clock"]` into tool.toml, and ask that');
  };
  const construct = (date, given, as) => (given.length > 0 ? Reflect.construct(date, given, as) : noClock());
  globalThis.Date = new Proxy(Date, { construct, apply: noClock });
  Object.assign(Date, { now: noClock }).prototype.constructor = Date;
  delete globalThis.performance;
}
