import { availableParallelism, release } from "node:os";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const nodeMajorMin = 24;

function engineFinding(versions: Machine["versions"]): Finding {
  const { bun, node } = versions;
  if (bun !== undefined) {
    return {
      name: "engine",
      state: "ok",
      found: `Bun ${bun}`,
      means: "the default engine",
      essential: true,
    };
  }
  const enough = Number(node?.split(".")[0]) >= nodeMajorMin;
  return {
    name: "engine",
    state: enough ? "ok" : "missing",
    found: `Node.js ${node ?? "of unknown version"}`,
    means: enough
      ? "works; Bun has the better tail latency"
      : `too old, ${nodeMajorMin} is the oldest that works`,
    ...(enough
      ? {}
      : { remedy: "unset REACTOR_ENGINE, so that Reactor runs on the Bun that npm ci brought" }),
    essential: true,
  };
}

/** The engine that runs this very command, and the system below it. */
export function checkEngine(machine: Machine): Promise<readonly Finding[]> {
  const linux = process.platform === "linux";
  return Promise.resolve([
    engineFinding(machine.versions),
    {
      name: "system",
      state: linux ? "ok" : "warn",
      found: `${process.platform} ${release()} ${process.arch}, ${availableParallelism()} cores`,
      means: linux
        ? "instances can be sandboxed"
        : "sandboxes need Linux: instances run unprotected",
      ...(linux ? {} : { remedy: "run the server on Linux" }),
    },
  ]);
}
