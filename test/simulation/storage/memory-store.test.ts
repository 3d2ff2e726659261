import { createVirtualClock } from "../../../src/base/clock.ts";
import { storeSuite } from "../../../src/store/store.suite.ts";
import { createMemoryDisk, createMemoryStore } from "./memory-store.ts";

// The simulation is worth as much as its store: it must pass what the real one passes.
storeSuite("memory", async () => {
  const disk = createMemoryDisk();
  const open = () =>
    createMemoryStore({
      disk,
      clock: createVirtualClock(),
      delayMs: () => 0,
      isGone: () => false,
    });
  const store = open();
  return {
    store,
    reopen: async () => {
      await store.close();
      return open();
    },
    dispose: () => store.close(),
  };
});
