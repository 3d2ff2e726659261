import { expect, test } from "bun:test";
import { fakeDeployment, fakeFunction } from "../../fake-resources.ts";
import { createFakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const get = "GET /api/v1/functions/hello";

test("functions get shows the tier by number and name", async () => {
  const server = createFakeServer({ [get]: () => Response.json(fakeFunction()) });
  const { stdout } = await runInTerminal(["functions", "get", "hello"], { server });
  expect(stdout).toMatch(/^tier +1 \(sandbox\)$/m);
});

test("functions get and list say that a demanded tier is not met, and what comes of it", async () => {
  const view = fakeFunction({ tier: { level: 0, name: "process" }, min_tier: 2 });
  const server = createFakeServer({
    [get]: () => Response.json(view),
    "GET /api/v1/functions": () => Response.json({ items: [view], next_cursor: null }),
  });
  const warned = "0 (process), min_tier 2 is not met: invocations answer 503";
  const shown = await runInTerminal(["functions", "get", "hello"], { server });
  expect(shown.stdout).toContain(warned);
  const listed = await runInTerminal(["functions", "list"], { server });
  expect(listed.stdout).toContain(warned);
});

test("functions get shows a dash where the server cannot run the function", async () => {
  const view = fakeFunction({ tier: null });
  const server = createFakeServer({ [get]: () => Response.json(view) });
  const { stdout } = await runInTerminal(["functions", "get", "hello"], { server });
  expect(stdout).toMatch(/^tier +-$/m);
});

test("functions deployments get shows the tier", async () => {
  const server = createFakeServer({
    [`${get}/deployments/1`]: () => Response.json(fakeDeployment()),
  });
  const argv = ["functions", "deployments", "get", "hello", "1"];
  expect((await runInTerminal(argv, { server })).stdout).toMatch(/^tier +1 \(sandbox\)$/m);
});
