import { expect, test } from "bun:test";
import { join } from "node:path";
import { packageRoot } from "./package-root.ts";

test("a command line loads neither the server nor the store before a command asks for it", () => {
  const listed = Bun.spawnSync([
    join(packageRoot, "bin/reactor-bun"),
    "-e",
    `await import(${JSON.stringify(join(import.meta.dirname, "local-commands.ts"))});
     console.log(JSON.stringify(Object.keys(require.cache)));`,
  ]);
  const files: readonly string[] = JSON.parse(listed.stdout.toString());
  const loaded = (part: string): boolean => files.some((file) => file.includes(part));
  expect(loaded("src/server/serve-command.ts")).toBe(true);
  const heavy = [
    "src/server/start-server.ts",
    "src/server/drivers.ts",
    "src/store/",
    "src/control/",
  ];
  const packages = ["kysely", "zod", "hono", "pg", "pino"].map((name) => `node_modules/${name}/`);
  expect([...heavy, ...packages].filter(loaded)).toEqual([]);
});
