/** Runs pieces of work with the same key one after another, in the order they came. */
export type KeyedTurns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export function createKeyedTurns(): KeyedTurns {
  const tails = new Map<string, Promise<void>>();
  return async (key, work) => {
    const before = tails.get(key);
    const turn = Promise.withResolvers<void>();
    tails.set(key, turn.promise);
    try {
      await before;
      return await work();
    } finally {
      turn.resolve();
      if (tails.get(key) === turn.promise) tails.delete(key);
    }
  };
}
