/** A guest module of the suite: real drivers run `source`, the simulated one acts by `name`. */
export interface Scenario {
  readonly name: string;
  readonly source: string;
}

/** Source of `deferred()` for scenarios: `Promise.withResolvers` is not in every runtime yet. */
export const deferred = `const deferred = () => {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
};`;

const marker = /\/\/! scenario: ([a-z0-9-]+)/;

/**
 * Names a module's text. The name travels in a legal comment on its first line, since bundlers drop
 * other comments.
 */
export function scenario(name: string, source: string): Scenario {
  return { name, source: `//! scenario: ${name}\n${source}` };
}

/** The scenario that a module names, or undefined. */
export function scenarioName(code: Uint8Array): string | undefined {
  return marker.exec(Buffer.from(code.buffer, code.byteOffset, code.length).toString("utf8"))?.[1];
}
