/** A fault that the server must survive, and what shows it. */
export interface Fault {
  readonly fault: string;
  readonly mustHold: string;
  /** `path › name` as in SPECIFICATION.md. */
  readonly tests: readonly string[];
  /** A bounded script that goes further, e.g. `npm run soak -- --only kills`. */
  readonly script?: string;
  /** What of it is not tried yet, and why. */
  readonly notYet?: string;
}

const exits = "src/drivers/suite/exit-cases.ts";

export const faults: readonly Fault[] = [
  {
    fault: "kill -9 of the server in the middle of a deploy, promote, rollback or set of a secret",
    mustHold: "old or new, never half; what was acknowledged is there",
    tests: [
      "test/faults/kill.test.ts › as the server enters a system call of a change ($names) leaves it whole or absent",
      "test/faults/rotation.test.ts › in the middle of a rotation of the data key leaves a server whose secrets open",
      "src/store/sqlite/open-sqlite-store.test.ts › kill -9 at any point keeps every acknowledged write whole, and no other one half",
      "soak/soak.test.ts › a sample of the kills: nothing acknowledged is lost, nothing half, nothing left",
    ],
    script: "npm run soak -- --only kills",
  },
  {
    fault: "kill -9 of the server in the middle of invocations",
    mustHold: "connections break, no answer looks whole; what was queued runs again",
    tests: [
      "test/faults/server-end.test.ts › kill -9 in the middle of invocations breaks their connections: none gets an answer that looks whole",
      "test/e2e/server.test.ts › after kill -9 no instance is left, a new server serves the deployed function by itself, and after it no cgroup is left",
      "soak/soak.test.ts › a sample of queued work under kills: all of it ends, nothing is lost, what ran twice knew it",
    ],
    script: "npm run soak -- --only async",
  },
  {
    fault: "an instance crashes, exits with 0, aborts, or throws in a timer",
    mustHold: "the typed exit, the next call works",
    tests: [
      `${exits} › process.exit(0) amid a request is typed as exited with code 0`,
      `${exits} › an abort is typed as a signal`,
      `${exits} › an exception in a timer is typed as uncaught with its message`,
      `${exits} › a kill from outside is typed as SIGKILL`,
      "test/e2e/handlers.test.ts › a handler that exits the process is 500 function_crashed with the typed exit",
    ],
  },
  {
    fault: "out of memory on the heap, in buffers, in WebAssembly, in /tmp",
    mustHold: "the typed exit with limit and peak; neighbours lose nothing",
    tests: [
      "test/faults/out-of-memory.test.ts › memory in %s over the limit is 500 with limit and peak; the neighbour and the next call work",
      "test/faults/out-of-memory.test.ts › a full /tmp is the function's own error, and goes with its instance",
      `${exits} › memory over its limit is typed with the limit and the peak`,
      "test/e2e/deno-workers.test.ts › when a pod dies of memory, calls in flight get the typed error and its functions are back",
    ],
  },
  {
    fault: "endless loops",
    mustHold: "504 at the limit, the instance is replaced",
    tests: [
      "test/e2e/handlers.test.ts › a handler that loops is 504 and its instance is replaced",
      `${exits} › an infinite loop makes responds() false, and stop() ends it as unresponsive`,
      "src/serving/stuck-instance.test.ts › the request that timed out gets 504, the others 502 with the reason, and it is replaced",
    ],
  },
  {
    fault: "a full disk, EIO, short writes, failed syncs at the N-th call",
    mustHold: "no acknowledgement without durability; reads and warm invocations go on",
    tests: [
      "test/faults/disk-faults.test.ts › whichever %s of the store fails, what is acknowledged is there and the rest is not",
      "test/faults/disk-faults.test.ts › %s: nothing is acknowledged, reads and invocations go on, and it heals",
      "test/faults/short-writes.test.ts › %i bytes into a change of the store is no acknowledgement, and nothing of it is left",
      "test/faults/short-writes.test.ts › into a bundle refuses the deploy and leaves nothing",
      "test/faults/disk-faults.test.ts › a bundle whose %s is refused and leaves nothing",
      "test/faults/disk-faults.test.ts › a change whose sync failed is not there after kill -9 either",
      "test/faults/disk-faults.test.ts › a data folder of 1 MiB that fills up is 507, invocations go on, and room heals it (needs root)",
      "test/faults/store-sync.test.ts › stops writes until everything was written and synced anew, and not before",
      "src/blobs/directory/open-directory-blob-store.test.ts › put() is storage_full, leaves nothing behind, and small blobs still fit",
    ],
    script: "npm run soak -- --only faults",
  },
  {
    fault: "a database that another process locks",
    mustHold: "a bounded wait, then 503; the rest goes on",
    tests: [
      "test/faults/locked-database.test.ts › a database that another process locks: a change waits for a bounded time and is 503, the rest goes on, and it heals",
      "src/store/sqlite/open-sqlite-store.test.ts › a database locked by another process is a bounded wait, without blocking, then 503",
    ],
  },
  {
    fault: "a truncated write-ahead log, a flipped page, a lost or emptied store",
    mustHold: "refused with a repair hint, never reset in silence",
    tests: [
      "test/e2e/recovery.test.ts › a damaged store is refused at start with what was found and what to do, never reset:",
      "test/e2e/recovery.test.ts › a log that lost stored changes is refused; as kill -9 left it, it starts",
      "src/store/sqlite/damage.test.ts › a page flipped anywhere is refused, or answers as before, and never answers otherwise",
      "src/store/sqlite/damage.test.ts › cut at any place before its last stored frame is refused",
      "src/store/sqlite/damage.test.ts › damage that shows at run time is 503 and told loudly, and other reads go on",
    ],
  },
  {
    fault: "a missing or flipped bundle",
    mustHold: "never promoted; warm instances serve, cold starts say what to do",
    tests: [
      "test/e2e/archives.test.ts › is not promoted by any way, and the previous version goes on serving",
      "test/e2e/archives.test.ts › under the live version: a warm instance serves, a cold one says what to do, the sound file heals it",
    ],
  },
  {
    fault: "the wall clock jumps",
    mustHold:
      "timers, ids, followed logs and promotions do not notice, a schedule's tick comes once",
    tests: [
      "src/domain/schedule.test.ts › a clock that jumped back brings no tick twice",
      "src/control/queue/scheduler.test.ts › a kill before or after the tick's commit brings it once all the same",
      "src/base/ids.test.ts › ids keep rising when the wall clock jumps back",
      "src/control/blob-collector.test.ts › a wall clock that jumps a year ahead makes nothing old",
    ],
    script: "npm run soak -- --only clock",
  },
  {
    fault: "descriptors run out",
    mustHold: "who is there is served, who comes waits or is refused, and it heals",
    tests: [
      "test/faults/exhaustion.test.ts › that run out cost the clients beyond them, not those that are there, and it heals",
    ],
  },
  {
    fault: "processes cannot be started",
    mustHold: "a start fails by name, warm instances go on, and it heals",
    tests: [
      "test/faults/exhaustion.test.ts › that cannot be started fail a cold call by name, warm ones go on, and it heals",
    ],
  },
  {
    fault: "a client goes in the middle of a stream, or of its upload",
    mustHold: "the signal is aborted within 100 ms, the slot is free again",
    tests: [
      "test/faults/client-gone.test.ts › a client that goes in the middle of a stream: its signal is aborted within 100 ms and the slot is free",
      "test/e2e/handlers.test.ts › a client that leaves aborts request.signal and frees the slot",
      "test/e2e/edge-slow.test.ts › a reader that stops stops the function, and its leaving ends it",
      "soak/soak.test.ts › a sample of the load: every answer is right, and descriptors, processes and folders are flat",
    ],
    script: "npm run soak -- --only load",
  },
  {
    fault: "huge headers, URLs and bodies",
    mustHold: "431, 414, 413",
    tests: [
      "src/gateway/connections.test.ts › ${name} is ${status} and reaches no function",
      "test/e2e/handlers.test.ts › a body over max_body_in_mb is 413, announced or streamed",
      "test/e2e/edge-slow.test.ts › a body without an end is refused on every way in that takes one, with a key and without",
    ],
  },
  {
    fault: "SIGTERM with 100 requests in flight",
    mustHold: "drained, none cut",
    tests: [
      "test/faults/server-end.test.ts › SIGTERM with 100 requests in flight drains them all: none is cut, the server ends with 0",
    ],
  },
  {
    fault: "two servers on one data folder",
    mustHold: "the second is refused",
    tests: [
      "test/e2e/server.test.ts › a second server on the same data folder is refused with the first one's process id",
      "src/store/data-lock.test.ts › of many that try at once exactly one gets the folder",
    ],
  },
  {
    fault: "data of a newer or older format",
    mustHold: "newer is refused, older is migrated whole or not at all",
    tests: [
      "test/e2e/recovery.test.ts › data of a newer format are refused, naming the Reactor that made them; doctor says the same",
      "test/faults/migration.test.ts › at any sync of a migration leaves the old format or the new, whole",
    ],
  },
];
