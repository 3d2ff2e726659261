import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../src/base/digest.ts";
import { createClient } from "../../src/client/client.ts";
import type { TestServer } from "../e2e/reactor.ts";

const json = { "content-type": "application/json" };

/** What of a server's state the changes of this table touch, as the API and the functions show it. */
export interface World {
  readonly functions: readonly string[];
  readonly production: number | undefined;
  readonly deployments: readonly string[];
  readonly aliases: readonly string[];
  readonly answer: string;
  readonly keys: readonly string[];
  readonly victimWorks: boolean;
  readonly projects: readonly string[];
  /** What the function of another project answers, or the status of a refusal. */
  readonly shopAnswer: string;
  /** Files of data keys: the current one, former ones, and one that waits for a rotation's end. */
  readonly dataKeyFiles: readonly string[];
  readonly dataKey: string;
}

/** A change that the world is asked to make while the server is being killed. */
export interface Change {
  /** Whether the answer is what an acknowledgement looks like. */
  run(server: TestServer): Promise<boolean>;
  /** Whether the world shows all of the change. */
  isDone(world: World): boolean;
  /** Also allowed after a kill: an interrupted deploy leaves a failed revision behind. */
  isHarmless?(before: World, after: World): boolean;
}

const source = (version: number): string =>
  `export default { fetch: () => new Response("${version} " + process.env.COLOR + " " + process.env.TOKEN) };`;

/** Fills a fresh server with something of everything. */
export async function prepareWorld(server: TestServer): Promise<void> {
  await server.deploy("base", source(1));
  await call(server, "PUT", "functions/base/env/COLOR", { value: "old" });
  await call(server, "PUT", "functions/base/env/TOKEN", { value: "old-token", secret: true });
  await server.deploy("base", source(2));
  await server.deploy("gone", source(1));
  await call(server, "DELETE", "functions/gone");
  await server.deploy("doomed", source(1));
  await server.client.createProject("shop");
  const shop = createClient({ url: server.url, key: server.key, project: "shop" });
  await shop.setProjectEnv({ key: "TOKEN", value: "of the shop", secret: true });
  const sell = `export default { fetch: () => new Response(process.env.TOKEN) };`;
  const files = new Map([
    ["index.ts", Buffer.from(sell)],
    ["reactor.json", Buffer.from(JSON.stringify({ name: "sell", access: "public" }))],
  ]);
  await shop.deploy("sell", { files, promote: true, createFunction: true });
  const made = await call(server, "POST", "keys", { name: "victim", scopes: ["functions:*:logs"] });
  if (!made) throw new Error("Cannot prepare the world: the key was refused");
}

/** Reads the world, and what makes no sense in it. */
export async function readWorld(server: TestServer): Promise<World> {
  const { client } = server;
  const functions = (await client.listFunctions()).items.map((item) => item.name).toSorted();
  const deployments = (await client.listDeployments("base")).items;
  const aliases = await client.listAliases("base");
  const base = await client.getFunction("base");
  const keys = (await listKeys(server)).filter((key) => key.revoked_at === null);
  return {
    functions,
    production: base.production?.revision,
    deployments: deployments.map((item) => `${item.revision} ${item.status}`),
    aliases: aliases.map(({ name, targets }) => `${name} ${JSON.stringify(targets)}`),
    answer: await (await server.fetch("/fn/v1/base")).text(),
    keys: keys.map((key) => key.name).toSorted(),
    victimWorks: keys.some((key) => key.name === "victim"),
    projects: (await client.listProjects()).map(({ name }) => name),
    shopAnswer: await textOrStatus(await server.fetch("/fn/v1/shop:sell")),
    dataKey: sha256Hex(await readFile(join(server.dataDir, "data.key"))),
    dataKeyFiles: (await readdir(server.dataDir)).filter((name) => name.startsWith("data.key")),
  };
}

/** Every change of more than one step. */
export const changes: Readonly<Record<string, Change>> = {
  "functions.create": {
    run: (server) => call(server, "POST", "functions", { name: "made" }),
    isDone: (world) => world.functions.includes("made"),
  },
  "deployments.create": {
    run: async (server) => {
      const files = new Map([
        ["index.ts", Buffer.from(source(3))],
        ["reactor.json", Buffer.from(JSON.stringify({ name: "base", access: "public" }))],
      ]);
      const made = await server.client.deploy("base", { files, promote: true });
      return made.status === "ready";
    },
    isDone: (world) => world.answer.startsWith("3 ") && world.production === 3,
    isHarmless: (before, after) => {
      const rest = { ...after, deployments: after.deployments.filter((row) => row !== "3 failed") };
      return JSON.stringify(rest) === JSON.stringify(before);
    },
  },
  "functions.promote": {
    run: async (server) => {
      const first = await server.client.getDeployment("base", 1);
      return call(server, "POST", "functions/base/promote", { deployment_id: first.id });
    },
    isDone: (world) => world.production === 1 && world.answer.startsWith("1 "),
  },
  "functions.rollback": {
    run: (server) => call(server, "POST", "functions/base/rollback", {}),
    isDone: (world) => world.production === 1 && world.answer.startsWith("1 "),
  },
  "aliases.set": {
    run: (server) =>
      call(server, "PUT", "functions/base/aliases/staging", {
        targets: [
          { revision: 1, weight: 40 },
          { revision: 2, weight: 60 },
        ],
      }),
    isDone: (world) => world.aliases.some((alias) => alias.startsWith("staging")),
  },
  "env.set": {
    run: (server) => call(server, "PUT", "functions/base/env/COLOR", { value: "new" }),
    isDone: (world) => world.answer.includes(" new "),
  },
  "env.set secret": {
    run: (server) =>
      call(server, "PUT", "functions/base/env/TOKEN", { value: "new-token", secret: true }),
    isDone: (world) => world.answer.endsWith(" new-token"),
  },
  "functions.delete": {
    run: (server) => call(server, "DELETE", "functions/doomed"),
    isDone: (world) => !world.functions.includes("doomed"),
  },
  "functions.restore": {
    run: (server) => call(server, "POST", "functions/gone/restore"),
    isDone: (world) => world.functions.includes("gone"),
  },
  "keys.create": {
    run: (server) => call(server, "POST", "keys", { name: "made", scopes: ["functions:*:logs"] }),
    isDone: (world) => world.keys.includes("made"),
  },
  "keys.revoke": {
    run: async (server) => {
      const victim = (await listKeys(server)).find((key) => key.name === "victim");
      return call(server, "DELETE", `keys/${victim?.id}`);
    },
    isDone: (world) => !world.victimWorks,
  },
  "projects.delete": {
    run: (server) => call(server, "DELETE", "projects/shop?force=true"),
    isDone: ({ projects, shopAnswer }) => !projects.includes("shop") && shopAnswer === "404",
  },
  "secrets.rotateKey": {
    run: (server) => call(server, "POST", "secrets/rotate-key"),
    // Whatever was reached, the function still gets the secret.
    isDone: ({ dataKeyFiles, answer }) =>
      dataKeyFiles.length === 2 &&
      !dataKeyFiles.includes("data.key.next") &&
      answer.endsWith(" old-token"),
  },
};

async function textOrStatus(response: Response): Promise<string> {
  const text = await response.text();
  return response.ok ? text : String(response.status);
}

async function call(
  server: TestServer,
  method: string,
  path: string,
  body?: unknown,
): Promise<boolean> {
  const response = await fetch(`${server.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${server.key}`, ...(body === undefined ? {} : json) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.ok;
}

interface ListedKey {
  readonly id: string;
  readonly name: string;
  readonly revoked_at: string | null;
}

async function listKeys(server: TestServer): Promise<readonly ListedKey[]> {
  const headers = { authorization: `Bearer ${server.key}` };
  const response = await fetch(`${server.url}/api/v1/keys`, { headers });
  const { items } = (await response.json()) as { items: readonly ListedKey[] };
  return items;
}
