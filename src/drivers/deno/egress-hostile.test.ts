import { hostileSource, hostileSuite } from "../suite/hostile-suite.harness.ts";
import { createTestDriver, createTestWorkerDriver } from "./test-driver.harness.ts";

const ways = `
  "Deno.connect": async (url) => {
    const { host, port } = partsOf(url);
    const connection = await Deno.connect({ hostname: host, port });
    await connection.write(new TextEncoder().encode(question(host)));
    return new Response(connection.readable).text();
  },
`;

const common = {
  runtime: "deno",
  source: hostileSource(ways),
  ways: ["fetch", "node:http", "node:net", "Deno.connect"],
} as const;

hostileSuite("a Deno process", {
  ...common,
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
  hasProxy: true,
});

hostileSuite("a Deno worker", {
  ...common,
  isolation: "worker",
  make: (egress) => createTestWorkerDriver({ blanksMax: 0, egress }),
  // Its own wants a password; worker-egress.test.ts tries it.
  hasProxy: false,
});
