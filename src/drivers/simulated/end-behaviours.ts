import { createDeferred } from "../../base/deferred.ts";
import type { SimulatedBehaviour } from "./behaviour.ts";

const never = new Promise<never>(() => {});
const laterMs = 150;

/** Every way in which a request of the suite can end its instance. */
const waysToEnd: SimulatedBehaviour = (guest) => {
  let waiting = 0;
  const watchers: { n: number; resolve: () => void }[] = [];
  const look = (): void => {
    for (const watcher of watchers) if (waiting >= watcher.n) watcher.resolve();
  };
  const limitMb = guest.spec.manifest.limits.memoryMb.value;
  return {
    shape: "fetch",
    async fetch({ url }) {
      switch (url.pathname) {
        case "/waits":
          waiting += 1;
          look();
          return never;
        case "/waiting":
          await new Promise<void>((resolve) => {
            watchers.push({ n: Number(url.searchParams.get("n")), resolve });
            look();
          });
          return { body: "waiting" };
        case "/exit":
          return guest.end({ reason: "exited", code: Number(url.searchParams.get("code")) });
        case "/abort":
          return guest.end({ reason: "signal", signal: "SIGABRT" });
        case "/timer":
          return guest.end({ reason: "uncaught", message: "Error: late failure" });
        case "/rejection":
          return guest.end({ reason: "uncaught", message: "Error: forgotten rejection" });
        case "/breach":
          return guest.end({ reason: "protocol", message: "Frame type 255 is unknown" });
        case "/loop":
          return guest.spin();
        case "/memory":
          return guest.end({ reason: "memory", limitMb, peakMb: limitMb + 3 });
      }
      return { body: "alive" };
    },
  };
};

const processesMax = 256;

/** A module that goes over every limit, and comes as far as it is let. */
const limits: SimulatedBehaviour = (guest) => {
  const { spec, holdsLimits } = guest;
  const { memoryMb, vcpu = 1 } = spec.manifest.limits;
  const limitMb = memoryMb.value;
  return {
    shape: "fetch",
    async fetch({ url }) {
      switch (url.pathname) {
        case "/forks":
          if (!holdsLimits) return { body: "400" };
          guest.log("warn", `limit of ${processesMax} processes and threads, 256`, "platform");
          return { body: String(processesMax - 10) };
        case "/overrun":
          return guest.end(
            holdsLimits
              ? { reason: "processes", limit: processesMax, peak: processesMax }
              : { reason: "exited", code: 3 },
          );
        case "/files":
          return holdsLimits
            ? guest.end({ reason: "memory", limitMb, peakMb: limitMb + 3 })
            : { body: "filled" };
        case "/spin":
          return { body: String(holdsLimits ? vcpu : 1) };
      }
      return { body: "alive" };
    },
  };
};

const gate: SimulatedBehaviour = ({ clock }) => {
  const opened = createDeferred<void>();
  const entered = createDeferred<void>();
  async function* later(): AsyncGenerator<Uint8Array, void, void> {
    yield Buffer.from("first ");
    await clock.sleep(laterMs);
    yield Buffer.from("last");
  }
  return {
    shape: "fetch",
    async fetch({ url }) {
      switch (url.pathname) {
        case "/gated":
          entered.resolve();
          await opened.promise;
          return { body: "let through" };
        case "/waits":
          entered.resolve();
          return never;
        case "/entered":
          await entered.promise;
          return { body: "entered" };
        case "/open":
          opened.resolve();
          return { body: "opened" };
        case "/later":
          entered.resolve();
          return { body: later() };
      }
      return { body: "alive" };
    },
  };
};

const importFailure: SimulatedBehaviour = (guest) => {
  guest.log("info", "about to fail");
  throw new Error("planned import failure");
};

/** How the simulated driver acts the scenarios that end or never begin. */
export const endBehaviours: Readonly<Record<string, SimulatedBehaviour>> = {
  "syntax-error": () => {
    throw new SyntaxError("Unexpected token '{'");
  },
  "no-export": () => {
    throw new Error('Module "index.js" exports no handler: needs `export default { fetch }`');
  },
  "throws-at-import": importFailure,
  "dies-at-import": importFailure,
  "never-loads": () => never,
  "loops-at-import": ({ spin }) => spin(),
  "exits-at-import": (guest) => {
    guest.log("info", "leaving");
    return guest.end({ reason: "exited", code: 7 });
  },
  "ways-to-end": waysToEnd,
  limits,
  gate,
  "exits-on-request": ({ end }) => ({
    shape: "fetch",
    fetch: () => end({ reason: "exited", code: 5 }),
  }),
};
