import type { Isolation } from "../../domain/manifest.ts";
import type { EgressRelayOptions } from "../process/egress-relay.ts";
import {
  type ClientCase,
  clientSource,
  clientSuite,
  commonCases,
  commonWays,
} from "../suite/client-suite.harness.ts";
import { createTestDriver, createTestWorkerDriver } from "./test-driver.harness.ts";

const ways = `${commonWays}
  WebSocket: ({ host, port }) => new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://" + host + ":" + port + "/");
    socket.onopen = () => socket.send("message");
    socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
    socket.onerror = (event) => reject(new Error(event.message));
  }),
  EventSource: ({ host, port }) => new Promise((resolve, reject) => {
    const events = new EventSource("http://" + host + ":" + port + "/");
    events.onmessage = ({ data }) => { resolve(data); events.close(); };
    events.onerror = () => { reject(new Error("an error event")); events.close(); };
  }),
  "Deno.connect": async ({ host, port }) => {
    const connection = await Deno.connect({ hostname: host, port });
    await connection.write(new TextEncoder().encode("*1\\r\\n$4\\r\\nPING\\r\\n"));
    const answer = new Uint8Array(7);
    await connection.read(answer);
    connection.close();
    return new TextDecoder().decode(answer);
  },
  "lookup of node:dns, imported by name": ({ host }) => new Promise((resolve, reject) => lookup(host, (error, address) => error ? reject(error) : resolve(address))),
  "Deno.resolveDns": ({ host }) => Deno.resolveDns(host, "A"),
  "Deno.resolveDns of MX": ({ host }) => Deno.resolveDns(host, "MX"),
`;

const denied =
  /^egress_denied: Egress to "private\.test(?::7000)?" is denied: .+ in egress\.private_allow$/;
const unsupported = /^egress_unsupported: Cannot look up MX records of "private\.test"/;

const cases: readonly ClientCase[] = [
  // Deno trusts no certificate that is its own authority, as that of the test is.
  ...commonCases.filter(({ way }) => way !== "fetch of https"),
  { way: "fetch of https", server: "none", gives: undefined, denied },
  // Deno fixes what its own modules export by name before anything can be routed.
  {
    way: "lookup of node:dns, imported by name",
    server: "none",
    gives: undefined,
    denied: /^EAI_AGAIN/,
  },
  // Deno's event says the status and no reason; the log has it.
  { way: "WebSocket", server: "http", gives: "open message", denied: /Invalid status code: 403/ },
  { way: "Deno.connect", server: "redis", gives: "+PONG\r\n", denied },
  { way: "Deno.resolveDns", server: "none", gives: ["127.0.0.1"], denied },
  { way: "Deno.resolveDns of MX", server: "none", gives: undefined, denied: unsupported },
];

/** Its event says nothing; the log does. A worker's has no way to its own proxy. */
const eventSource = {
  process: { way: "EventSource", server: "http", gives: "open event", denied: /an error event/ },
  worker: {
    way: "EventSource",
    server: "none",
    gives: undefined,
    denied: /use isolation "process"/,
  },
} as const satisfies Record<string, ClientCase>;

type Egress = Partial<Omit<EgressRelayOptions, "clock">>;
const makers = {
  process: (egress: Egress) => createTestDriver({ blanksMax: 0, egress }),
  worker: (egress: Egress) => createTestWorkerDriver({ blanksMax: 0, egress }),
};

for (const isolation of ["process", "worker"] as const satisfies readonly Isolation[]) {
  clientSuite(`a Deno ${isolation}`, {
    runtime: "deno",
    isolation,
    make: makers[isolation],
    source: clientSource("(url) => fetch(url)", ways),
    cases: [...cases, eventSource[isolation]],
  });
}
