import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import net from "node:net";
import { join } from "node:path";
import { processesWith } from "../e2e/reactor.ts";
import type { Attempt } from "./functions/javascript/attempt.ts";
import { canary, type Host, openHost, setSecret } from "./open-host.ts";
import { functionFiles, type ProbedRuntime, probedRuntimes } from "./probed-runtimes.ts";

interface Report {
  readonly attempts: readonly Attempt[];
  /** Where it listens on its loopback address. */
  readonly listeningPort: number;
}

const hasSandbox = Bun.which("bwrap") !== null;
const present = probedRuntimes.filter(({ binary }) => binary !== undefined);

/** Deploys the probe as a function of the kind, with a secret of its own, and runs it once. */
async function probe(host: Host, kind: ProbedRuntime): Promise<Report> {
  const { name, runtime, isolation, language } = kind;
  const { server, aims } = host;
  await server.client.createFunction({ name, runtime, isolation });
  await setSecret(server, name, "OWN", canary("own"));
  const files = functionFiles(join(import.meta.dirname, "functions", language));
  const entrypoint = language === "python" ? "main.py" : "index.ts";
  const manifest = { name, runtime, isolation, entrypoint, access: "public" };
  files.set("reactor.json", Buffer.from(JSON.stringify(manifest)));
  const { status, failure } = await server.client.deploy(name, { files, promote: true });
  if (status !== "ready") throw new Error(JSON.stringify(failure));
  const body = JSON.stringify({ ...aims, scratch: `${aims.scratch}-${name}` });
  const headers = { "content-type": "application/json" };
  const response = await server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(text);
}

function named(report: Report, outcome: Attempt["outcome"]): string[] {
  return report.attempts
    .filter((attempt) => attempt.outcome === outcome)
    .map(({ name, detail }) => `${name} (${detail})`);
}

/** What the host hears when it connects to a function's port. */
async function heardAt(port: number): Promise<string> {
  const socket = net.connect({ host: "127.0.0.1", port });
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  // Nobody listens; that it closes follows.
  socket.on("error", () => socket.destroy());
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

/** Has the probe send itself the signal by which runtimes open their inspector. */
async function signalled({ server }: Host, { name }: ProbedRuntime): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ signal: "SIGUSR1" });
  const response = await server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
  return response.json();
}

/** Reports of all kinds of a server, by name; the probes run beside each other. */
async function probeAll(host: Host, kinds: readonly ProbedRuntime[]): Promise<Map<string, Report>> {
  const made = kinds.map(async (kind) => [kind.name, await probe(host, kind)] as const);
  return new Map(await Promise.all(made));
}

describe.skipIf(!hasSandbox).each([
  ["the highest tier here", "auto"],
  ["tier 1", "basic"],
] as const)(
  "a probe that tries to get out of the sandbox at %s (needs bubblewrap)",
  (_tier, sandbox) => {
    const hosts: Host[] = [];
    const reports = new Map<string, Report>();
    const hostOf = new Map<string, Host>();
    const isOther = ({ env }: ProbedRuntime): boolean => Object.keys(env).length > 0;

    beforeAll(async () => {
      const usual = present.filter((kind) => !isOther(kind));
      for (const kinds of [usual, ...present.filter(isOther).map((kind) => [kind])]) {
        const host = await openHost({ sandbox, env: kinds[0]?.env ?? {} });
        hosts.push(host);
        for (const [name, report] of await probeAll(host, kinds)) {
          reports.set(name, report);
          hostOf.set(name, host);
        }
      }
    }, 120_000);

    afterAll(async () => {
      for (const host of hosts) await host.close();
    });

    test("runs at tier 1 and above", async () => {
      for (const { server } of hosts) {
        const { runtimes } = await server.client.system();
        // A machine of its own is no part of what is tried here; it has a tier whatever the sandbox is.
        for (const { available, tier, name } of runtimes) {
          if (!available || name.endsWith(" microvm")) continue;
          if (sandbox === "basic") expect(tier).toBe(1);
          else expect(tier).toBeGreaterThanOrEqual(1);
        }
      }
    });

    describe.each(probedRuntimes.map((kind) => [kind.title, kind] as const))("on %s", (_, kind) => {
      const isMissing = kind.binary === undefined;
      const own = (): Report => reports.get(kind.name) as Report;

      test.skipIf(isMissing)("tries at least 60 escapes, and none succeeds", () => {
        expect(named(own(), "escaped")).toEqual([]);
        expect(named(own(), "broken")).toEqual([]);
        const tried = new Set(
          own().attempts.flatMap(({ name, outcome }) => (outcome === "refused" ? [name] : [])),
        );
        expect(tried.size).toBeGreaterThanOrEqual(60);
      });

      test.skipIf(isMissing)("tries what every other runtime tries", () => {
        const names = (report: Report): string[] =>
          report.attempts.map(({ name }) => name).toSorted();
        for (const other of reports.values()) expect(names(own())).toEqual(names(other));
      });

      test.skipIf(isMissing)("asks the kernel itself, and searches its own memory", () => {
        const detail = (name: string): string =>
          own().attempts.find((attempt) => attempt.name === name)?.detail ?? "not tried";
        const memory = detail("finds what is not its own in its own memory");
        if (kind.runtime === "deno") {
          // Deno lends no library, runs no program and reads no file.
          expect(detail("mount a file system")).toMatch(
            /^Deno.dlopen: NotCapable.*perl: NotCapable/,
          );
          expect(memory).toContain("NotCapable");
        } else {
          expect(detail("mount a file system")).toMatch(/^(?:\S+: EPERM(?:; )?)+$/);
          expect(memory).toContain("its own is there");
        }
      });

      test.skipIf(isMissing)("listens where the host does not hear it", async () => {
        expect(await heardAt(own().listeningPort)).not.toContain("reactor-canary-own");
      });
    });

    test.each(present.map((kind) => [kind.title, kind] as const))(
      "opens no inspector by SIGUSR1 on %s",
      async (_, kind) => {
        const answer = await signalled(hostOf.get(kind.name) as Host, kind);
        // What has no handler for it dies of it.
        const ended = {
          error: { code: "function_crashed", details: { exit: { code: 128 + 10 } } },
        };
        const expected = { node: { opened: [] }, deno: { refused: "NotCapable" } };
        expect(answer).toMatchObject({ bun: ended, python: ended, ...expected }[kind.runtime]);
      },
    );

    test("leaves the host as it was", async () => {
      for (const host of hosts) expect(await host.harm()).toEqual([]);
    });

    test("leaves no process behind when its server has ended", async () => {
      const marks = hosts.map(({ aims }) => `${aims.processMarker}-left`);
      const before = await Promise.all(marks.map(processesWith));
      expect(before.flat().length).toBeGreaterThan(0);
      for (const host of hosts.splice(0)) await host.close();
      for (const mark of marks) expect(await processesWith(mark)).toEqual([]);
    });
  },
);

/** What an unsandboxed function gets on every machine, so that the probe is known to notice. */
const open = {
  always: [
    "connects to an abstract Unix socket of another function",
    "connects to an abstract Unix socket of the host",
    "reaches a service on the host's loopback",
    "reaches another function's service",
    "reaches the admin API",
    "reaches the admin API by name",
    "sends datagrams to the host",
  ],
  withFiles: [
    "attach the host's shared memory",
    "climbs out of its folders by dots",
    "connects to a Unix socket of the host",
    "open a socket of netlink",
    "reads a public file of the host",
    "reads by a symbolic link",
    "reads the accounts of the machine",
    "reads the host's shared memory",
    "reads the temporary files of another function",
    "sees processes of the host",
    "sees the host's temporary folder",
    "sees the machine in /sys",
    "sees the run folder of the server",
    "writes a file of the host",
  ],
} as const;

describe("the same probe without a sandbox", () => {
  const kinds = present.filter(({ env }) => Object.keys(env).length === 0);
  let host: Host;
  let reports: Map<string, Report>;

  beforeAll(async () => {
    host = await openHost({ sandbox: "off" });
    reports = await probeAll(host, kinds);
  }, 120_000);

  afterAll(() => host.close());

  test.each(kinds.map((kind) => [kind.title, kind] as const))("gets out on %s", async (_, kind) => {
    const report = reports.get(kind.name) as Report;
    const got = named(report, "escaped").map((text) => text.replace(/ \([^]*$/, ""));
    const expected = [...open.always, ...(kind.runtime === "deno" ? [] : open.withFiles)];
    expect(expected.filter((name) => !got.includes(name))).toEqual([]);
    expect(named(report, "broken")).toEqual([]);
    expect(await heardAt(report.listeningPort)).toContain("reactor-canary-own");
  });

  test("changes the host", async () => {
    const harm = await host.harm();
    expect(harm).toContain("a file changed");
    expect(harm.join()).toMatch(/\d connections/);
  });
});
