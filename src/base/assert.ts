/** Throws when a condition that only a bug can break does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** Marks a branch that the types prove unreachable; throws when a bug reaches it. */
export function unreachable(value: never): never {
  throw new Error(`Assertion failed: unreachable value ${JSON.stringify(value)}`);
}
