import {
  type ClientCase,
  clientSource,
  clientSuite,
  commonCases,
  commonWays,
} from "../suite/client-suite.harness.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

// Node's fetch takes certificates from its environment alone.
const secureFetch = `async (url) => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try { return await fetch(url); } finally { delete process.env.NODE_TLS_REJECT_UNAUTHORIZED; }
}`;

const ways = `${commonWays}
  WebSocket: ({ host, port }) => new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://" + host + ":" + port + "/");
    socket.onopen = () => socket.send("message");
    socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
    socket.onerror = (event) => reject(new Error("an error event"));
  }),
  "lookup of node:dns, imported by name": ({ host }) => new Promise((resolve, reject) => lookup(host, (error, address) => error ? reject(error) : resolve(address))),
`;

const cases: readonly ClientCase[] = [
  ...commonCases,
  {
    way: "lookup of node:dns, imported by name",
    server: "none",
    gives: "127.0.0.1",
    denied: /^egress_denied/,
  },
];

const webSocket: ClientCase = {
  way: "WebSocket",
  server: "http",
  gives: "open message",
  denied: /an error event/,
};

for (const { name, runtimeBinary } of nodeBinaries) {
  clientSuite(name, {
    runtime: "node",
    make: (egress) => createTestDriver({ runtimeBinary, blanksMax: 0, egress }),
    source: clientSource(secureFetch, ways),
    // Node has it since version 22; its event says nothing, the log does.
    cases: name === "newest node" ? [...cases, webSocket] : cases,
  });
}
