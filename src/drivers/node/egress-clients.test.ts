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

for (const { name, runtimeBinary } of nodeBinaries) {
  clientSuite(name, {
    runtime: "node",
    make: (egress) => createTestDriver({ runtimeBinary, blanksMax: 0, egress }),
    source: clientSource(secureFetch, ways),
    cases,
  });
}
