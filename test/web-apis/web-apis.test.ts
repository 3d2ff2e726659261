import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startServer, type TestServer } from "../e2e/reactor.ts";
import { functionFiles, type ProbedRuntime, probedRuntimes } from "../escapes/probed-runtimes.ts";
import { openOrigin } from "./origin.ts";
import { runOutside } from "./run-outside.ts";
import { wantedDifferences } from "./wanted-differences.ts";

/** What a probe found that it can use, and what the important parts did. */
interface Found {
  readonly surface: readonly string[];
  readonly behaviours: Readonly<Record<string, unknown>>;
}

const hasSandbox = Bun.which("bwrap") !== null;
const present = probedRuntimes.filter(({ binary }) => binary !== undefined);

/** Behaviours that end with an error outside too: everywhere, on some versions or for users without an account. */
const failing = [
  "getuser",
  "pwd",
  "node:os userInfo",
  "TextDecoder that is strict",
  "structuredClone of a function",
  "fetch that is aborted",
  "fetch of an unknown scheme",
  "node:sqlite",
];

function hasFailed(result: unknown): boolean {
  return /^(?:throws|raises|no end)/.test(String(result));
}

async function findInside(server: TestServer, kind: ProbedRuntime, origin: string): Promise<Found> {
  const { name, runtime, isolation, language } = kind;
  const files = functionFiles(join(import.meta.dirname, "functions", language));
  const entrypoint = language === "python" ? "main.py" : "index.ts";
  const manifest = { name, runtime, isolation, entrypoint, access: "public" };
  files.set("reactor.json", Buffer.from(JSON.stringify(manifest)));
  await server.client.createFunction({ name, runtime, isolation });
  const { status, failure } = await server.client.deploy(name, { files, promote: true });
  if (status !== "ready") throw new Error(JSON.stringify(failure));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ origin });
  const response = await server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(text);
}

/** What is not the same, with both sides; names of the surface are one when a wanted difference begins them. */
function differences(kind: ProbedRuntime, inside: Found, outside: Found): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const name of Object.keys({ ...inside.behaviours, ...outside.behaviours })) {
    const [one, other] = [inside.behaviours[name], outside.behaviours[name]];
    if (JSON.stringify(one) !== JSON.stringify(other)) found.set(name, { one, other });
  }
  const wanted = wantedDifferences.filter(({ on }) => on.includes(kind.name));
  const [own, bare] = [new Set(inside.surface), new Set(outside.surface)];
  for (const name of [...own, ...bare]) {
    if (own.has(name) && bare.has(name)) continue;
    const known = wanted.find(({ what }) => name.startsWith(what))?.what;
    found.set(known ?? name, bare.has(name) ? "lost" : "added");
  }
  return found;
}

describe.skipIf(!hasSandbox)("what a function can use in the sandbox (needs bubblewrap)", () => {
  const { origin, close } = openOrigin();
  const servers: TestServer[] = [];
  const found = new Map<string, readonly [inside: Found, outside: Found]>();
  const isOther = ({ env }: ProbedRuntime): boolean => Object.keys(env).length > 0;

  beforeAll(async () => {
    const usual = present.filter((kind) => !isOther(kind));
    for (const kinds of [usual, ...present.filter(isOther).map((kind) => [kind])]) {
      const allow = new URL(origin).host;
      const env = { REACTOR_EGRESS_PRIVATE_ALLOW: allow, ...kinds[0]?.env };
      const server = await startServer({ runtimes: "all", env });
      servers.push(server);
      for (const kind of kinds) {
        const both = [findInside(server, kind, origin), runOutside(kind, origin)] as const;
        found.set(kind.name, (await Promise.all(both)) as [Found, Found]);
      }
    }
  }, 180_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
    await close();
  });

  describe.each(probedRuntimes.map((kind) => [kind.title, kind] as const))("on %s", (_, kind) => {
    const isMissing = kind.binary === undefined;
    const both = (): readonly [Found, Found] => found.get(kind.name) as [Found, Found];

    test.skipIf(isMissing)("is what it can use outside, but for the table of differences", () => {
      const seen = differences(kind, ...both());
      const wanted = wantedDifferences.filter(({ on }) => on.includes(kind.name));
      const known = new Set(wanted.map(({ what }) => what));
      expect(Object.fromEntries([...seen].filter(([name]) => !known.has(name)))).toEqual({});
      const [, outside] = both();
      const stale = [...known].filter(
        (name) => !seen.has(name) && !hasFailed(outside.behaviours[name]),
      );
      expect(stale).toEqual([]);
    });

    test.skipIf(isMissing)("is much, and works outside", () => {
      const [, outside] = both();
      expect(outside.surface.length).toBeGreaterThan(3_000);
      const broken = Object.entries(outside.behaviours).filter(
        ([name, result]) => hasFailed(result) && !failing.includes(name),
      );
      expect(broken).toEqual([]);
    });
  });
});
