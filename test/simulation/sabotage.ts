import type { Journal } from "../../src/journal/journal.ts";
import type { Store } from "../../src/store/store.ts";

/** Ways to break what the product stands on, to see that the checks notice. */
export const sabotages = [
  /** Every 20th write is acknowledged and never happened. */
  "lost commit",
  /** Every 20th write loses its audit row. */
  "half commit",
  /** Every 10th plan does not reach serving. */
  "stale plan",
  /** Every 10th invocation is recorded twice. */
  "double record",
  /** Every 10th log line shows what it should mask. */
  "bare secret",
] as const;
export type Sabotage = (typeof sabotages)[number];

/** Counts calls; true at every n-th. */
export function every(n: number): () => boolean {
  let calls = 0;
  return () => ++calls % n === 0;
}

/** The store as the sabotage leaves it. */
export function sabotagedStore(store: Store, sabotage: Sabotage | undefined): Store {
  const due = every(20);
  if (sabotage !== "lost commit" && sabotage !== "half commit") return store;
  return {
    ...store,
    async write(work) {
      if (!due()) return store.write(work);
      if (sabotage === "half commit") {
        return store.write((writer) => work({ ...writer, insertAudit: () => Promise.resolve() }));
      }
      const forgotten = new Error("the sabotage rolls it back");
      let result: Awaited<ReturnType<typeof work>> | undefined;
      try {
        await store.write(async (writer) => {
          result = await work(writer);
          throw forgotten;
        });
      } catch (error) {
        if (error !== forgotten) throw error;
      }
      return result as Awaited<ReturnType<typeof work>>;
    },
  };
}

/** The journal as the sabotage leaves it. */
export function sabotagedJournal(
  journal: Journal,
  sabotage: Sabotage | undefined,
  secret: string,
): Journal {
  const due = every(10);
  return {
    ...journal,
    record(invocation) {
      journal.record(invocation);
      if (sabotage === "double record" && due()) journal.record(invocation);
    },
    log(line) {
      const bare = sabotage === "bare secret" && due();
      journal.log(bare ? { ...line, message: `${line.message} ${secret}` } : line);
    },
  };
}
