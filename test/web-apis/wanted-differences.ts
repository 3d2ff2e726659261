/** Something that is not the same in a function as outside, with why that is so. */
export interface WantedDifference {
  /** Names of the kinds that have it. */
  readonly on: readonly string[];
  /** A behaviour, or the beginning of names of the surface. */
  readonly what: string;
  readonly because: string;
}

const nodes = ["node", "newest-node"];
const denos = ["deno", "deno-worker"];
const javascript = ["bun", ...nodes, ...denos];

const ownName = "the sandbox has a name of its own";
const noAccounts = "the sandbox has no /etc/passwd";
const noNetlink = "sockets that ask the kernel about the network are refused";
const netOnly = "Deno functions have the permission net and nothing else (decision 20)";
const loopbackDenied = "loopback is denied by the relay, to which the function's requests go";
const decodedBody = "headers of a body that was decoded are dropped, as Deno does";

/** Every difference that is wanted; one that is no more fails the test, like one that is not here. */
export const wantedDifferences: readonly WantedDifference[] = [
  { on: ["bun", ...nodes], what: "node:os hostname", because: ownName },
  { on: nodes, what: "node:os userInfo", because: noAccounts },
  { on: ["bun", ...nodes], what: "node:os networkInterfaces", because: noNetlink },
  { on: javascript, what: "a server of its own", because: loopbackDenied },
  { on: ["bun", ...nodes], what: "fetch of something packed", because: decodedBody },
  { on: denos, what: "node:os", because: netOnly },
  { on: denos, what: "node:os hostname", because: netOnly },
  { on: denos, what: "node:os userInfo", because: netOnly },
  { on: denos, what: "node:os networkInterfaces", because: netOnly },
  { on: denos, what: "node:fs", because: netOnly },
  { on: denos, what: "node:child_process", because: netOnly },
  {
    on: ["deno-worker"],
    what: "EventSource",
    because: "it takes no client, so it would find no way out of a shared pod (decision 21)",
  },
  { on: ["deno-worker"], what: "globalThis.EventSource.", because: "as above" },
  { on: ["python"], what: "gethostname", because: ownName },
  { on: ["python"], what: "getuser", because: noAccounts },
  { on: ["python"], what: "pwd", because: noAccounts },
  { on: ["python"], what: "interfaces", because: noNetlink },
  { on: ["python"], what: "signal", because: "a handler that is not async runs in a thread" },
];
