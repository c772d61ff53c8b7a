// Types of playhouse.js: what a tool takes and returns follows from its schemas.

/** What kind of failure it is, so that the runtime can decide what to do next without reading prose. */
export type Kind = "invalid-input" | "denied" | "not-found" | "conflict" | "unavailable" | "failed";

/** What happens to a call whose result was lost in a crash: `checkable` is asked about. Undeclared is `once`: never called again. */
export type Effect = "pure" | "idempotent" | "checkable" | "once";

/** A failure the model is meant to read: one sentence, without a full stop, that says what to do instead. */
export class Failure extends Error {
  constructor(kind: Kind, message: string, retryAfterMs?: number | null);
  readonly kind: Kind;
  readonly retryAfterMs: number | null;
}

type Type = "string" | "integer" | "number" | "boolean" | "null" | "array" | "object";

/** JSON Schema, as far as types follow from it. More can be written, and the host checks it. */
export interface Schema {
  /** What may be nothing is `["string", "null"]`. */
  readonly type?: Type | readonly Type[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

type RequiredOf<S> = S extends { required: readonly (infer Name)[] } ? Name : never;

/** The type of what fits a schema. */
export type Of<S> = S extends { enum: readonly (infer Value)[] }
  ? Value
  : S extends { anyOf: readonly (infer One)[] }
    ? Of<One>
    : S extends { type: readonly (infer One)[] }
      ? Typed<One, S>
      : S extends { type: infer One }
        ? Typed<One, S>
        : S extends { properties: unknown }
          ? Typed<"object", S>
          : S extends { items: unknown }
            ? Typed<"array", S>
            : unknown;

type Typed<T, S> = T extends "string"
  ? string
  : T extends "integer" | "number"
    ? number
    : T extends "boolean"
      ? boolean
      : T extends "null"
        ? null
        : T extends "array"
          ? S extends { items: infer I }
            ? Of<I>[]
            : unknown[]
          : S extends { properties: infer P }
            ? { [K in keyof P as K extends RequiredOf<S> ? K : never]: Of<P[K]> } & {
                [K in keyof P as K extends RequiredOf<S> ? never : K]?: Of<P[K]>;
              }
            : { [name: string]: unknown };

/** What `define` makes: the functions of the contract, and the one that was given, for tests. */
export interface Tool<Input, Output> {
  describe(): string;
  call(text: string): string;
  didItHappen(effectId: string): string | null;
  run(input: Input): Output;
}

/** Makes the export `tool`. An object in a schema is closed unless it says otherwise. */
export function define<const I extends Schema, const O extends Schema>(tool: {
  /** 1 to 64 of a to z, 0 to 9, _ and -. */
  name: string;
  version: string;
  /** For the model: when to use it, and one example. */
  description: string;
  effect?: Effect;
  /** What each capability is needed for, for those who grant it: `{ http: "reads api.example.com" }`. */
  wants?: { [capability: string]: string };
  input: I;
  output: O;
  call(input: Of<I>): Of<O>;
  /** Of a `checkable` tool: what a call gave, by its effect id, or null if it did not happen. */
  didItHappen?(effectId: string): Of<O> | null;
}): Tool<Of<I>, Of<O>>;
