/** A promise with its resolvers at hand. Settles once; later calls do nothing. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Creates a pending deferred. */
export function createDeferred<T>(): Deferred<T> {
  return Promise.withResolvers<T>();
}
