import { createDeferred } from "../../base/deferred.ts";
import type { LogLine } from "../../domain/invocation.ts";
import type { SimulatedBehaviour } from "./behaviour.ts";

const linesPerRequest = 5;

const sources: Readonly<Record<string, LogLine["source"]>> = {
  "/console": "log",
  "/ctx": "log",
  "/stdout": "stdout",
  "/stderr": "stderr",
};

const chatty: SimulatedBehaviour = ({ clock, log }) => {
  log("info", "module loaded");
  return {
    shape: "fetch",
    async fetch({ url, head, log }) {
      for (let i = 0; i < linesPerRequest; i++) {
        log("info", `line ${i} of ${head.requestId}`, sources[url.pathname]);
        await clock.sleep(1);
      }
      return { body: "said" };
    },
  };
};

const afterthought: SimulatedBehaviour = () => {
  const released = createDeferred<void>();
  return {
    shape: "fetch",
    fetch({ url, log }) {
      if (url.pathname === "/release") released.resolve();
      else void released.promise.then(() => log("info", "afterthought"));
      return { body: url.pathname === "/release" ? "ok" : "answered" };
    },
  };
};

/** How the simulated driver acts the scenarios about logs. */
export const logBehaviours: Readonly<Record<string, SimulatedBehaviour>> = {
  chatty,
  afterthought,
  levels: () => ({
    shape: "fetch",
    fetch({ log }) {
      log("debug", "d");
      log("info", "i");
      log("warn", "w");
      log("error", "e");
      log("warn", "cw");
      log("error", "ce");
      return { body: "said" };
    },
  }),
  "raw-write": () => ({
    shape: "fetch",
    fetch({ log }) {
      log("info", "raw line", "stdout");
      log("error", "raw error", "stderr");
      return { body: "written" };
    },
  }),
  "last-words": ({ end }) => ({
    shape: "fetch",
    fetch({ log }) {
      log("info", "last words");
      return end({ reason: "exited", code: 3 });
    },
  }),
  flood: () => ({
    shape: "fetch",
    fetch({ url, log }) {
      const lines = Number(url.searchParams.get("lines"));
      for (let i = 0; i < lines; i++) log("info", `flood line ${i} ${"x".repeat(400)}`);
      return { body: "flooded" };
    },
  }),
  "long-line": () => ({
    shape: "fetch",
    fetch({ log }) {
      log("info", "x".repeat(4 * 1024 * 1024));
      return { body: "said" };
    },
  }),
};
