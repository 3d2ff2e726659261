import { afterAll, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../../base/clock.ts";
import { runInTerminal } from "../../cli/run-in-terminal.ts";
import type { DriverProbe } from "../../drivers/driver.ts";
import { createDoctorCommand } from "./doctor-command.ts";
import type { Finding } from "./finding.ts";

const root = await mkdtemp(path.join(tmpdir(), "reactor-doctor-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const probe: DriverProbe = {
  available: true,
  version: "1.4.5",
  tier: 1,
  enforces: {
    memory: "watchdog",
    cpu: "none",
    processes: "none",
    wallClock: "hard",
    filesystem: "hard",
    network: "hard",
  },
  findings: ["bubblewrap 0.8.0 at /usr/bin/bwrap"],
  remedies: [],
};

interface Report {
  readonly works: boolean;
  readonly findings: readonly Finding[];
}

async function doctor(
  argv: readonly string[] = [],
  options: { probe?: Partial<DriverProbe>; dataDir?: string } = {},
): Promise<{ code: number; report: Report; of: (name: string) => Finding | undefined }> {
  const command = createDoctorCommand({
    probeDrivers: () => Promise.resolve([{ name: "bun", probe: { ...probe, ...options.probe } }]),
  });
  const dataDir = options.dataDir ?? path.join(root, "data");
  const { code, stdout } = await runInTerminal(
    ["doctor", "--json", "--listen", "127.0.0.1:0", "--data-dir", dataDir, ...argv],
    { cwd: root, env: { PATH: "/usr/bin:/bin" }, clock: systemClock, localCommands: [command] },
  );
  const report: Report = JSON.parse(stdout);
  return { code, report, of: (name) => report.findings.find((finding) => finding.name === name) };
}

describe("reactor doctor", () => {
  test("--json lists every check with state, what was found and what it means", async () => {
    const { code, report } = await doctor();
    expect(code).toBe(0);
    expect(report.works).toBe(true);
    const hasPostgres = report.findings.some(
      ({ name, state }) => name === "postgresql" && state === "ok",
    );
    expect(report.findings.map((finding) => finding.name)).toEqual([
      "settings",
      "engine",
      "system",
      "runtime bun",
      "runtimes",
      "bubblewrap",
      "user namespaces",
      "cgroups",
      "data folder",
      "disk space",
      "store",
      "data key",
      "port",
      "memory",
      "descriptors",
      "postgresql",
      // Nothing to look for where there is no PostgreSQL.
      ...(hasPostgres ? ["pg_dump"] : []),
      "qemu",
      "kvm",
      "image tools",
      "microVM kernel",
      "microVM images",
    ]);
    for (const finding of report.findings) {
      expect(finding.found.length).toBeGreaterThan(0);
      expect(finding.means.length).toBeGreaterThan(0);
      expect(["ok", "warn", "missing"]).toContain(finding.state);
      if (finding.state === "missing") expect(finding.remedy).toBeString();
    }
  });

  test("changes nothing: no data folder and no key appear", async () => {
    const dataDir = path.join(root, "never-made");
    const { of } = await doctor([], { dataDir });
    expect(of("data folder")).toMatchObject({ state: "ok", means: "it is made on first start" });
    expect(of("data key")).toMatchObject({ state: "ok", means: "it is made on first start" });
    expect(await readdir(root)).not.toContain("never-made");
  });

  test("for people prints a line per check with its remedy, coloured on a terminal only", async () => {
    const remedies = ["apt-get install bubblewrap"];
    const command = createDoctorCommand({
      probeDrivers: () =>
        Promise.resolve([{ name: "bun", probe: { ...probe, tier: 0, remedies } }]),
    });
    const run = (tty: boolean) =>
      runInTerminal(["doctor", "--listen", "127.0.0.1:0"], {
        cwd: root,
        env: {},
        localCommands: [command],
        tty,
      });
    const plain = await run(false);
    expect(plain.code).toBe(0);
    expect(plain.stdout).toMatch(/^warn +runtime bun +1\.4\.5; bubblewrap 0\.8\.0/m);
    expect(plain.stdout).toMatch(
      /^ +functions run at tier 0; enforced: memory watchdog, cpu none, processes none, wall clock hard/m,
    );
    expect(plain.stdout).toMatch(/^ +try: apt-get install bubblewrap$/m);
    expect(plain.stderr).toContain("Reactor works here.");
    expect((await run(true)).stdout).toContain("\u001b[");
  });

  test("exits with 1 when no runtime works", async () => {
    const remedies = ["npm ci"];
    const { code, report, of } = await doctor([], { probe: { available: false, remedies } });
    expect(code).toBe(1);
    expect(report.works).toBe(false);
    expect(of("runtime bun")).toMatchObject({ state: "missing", remedy: "npm ci" });
    expect(of("runtimes")).toMatchObject({ state: "missing", essential: true });
  });

  test("exits with 1 when the settings cannot be used, and still checks the rest", async () => {
    const { code, of } = await doctor(["--log-level", "loud"]);
    expect(code).toBe(1);
    expect(of("settings")).toMatchObject({ state: "missing", remedy: "reactor config" });
    expect(of("engine")?.state).toBe("ok");
  });

  test("exits with 1 when the data key is open to other users", async () => {
    const dataDir = path.join(root, "open-key");
    await mkdir(dataDir);
    await writeFile(path.join(dataDir, "data.key"), Buffer.alloc(32, 1).toString("base64"));
    await chmod(path.join(dataDir, "data.key"), 0o644);
    const { code, of } = await doctor([], { dataDir });
    expect(code).toBe(1);
    expect(of("data key")?.remedy).toContain("chmod 600");
  });

  test("exits with 1 when the data folder is a file, and warns when others may write to it", async () => {
    const file = path.join(root, "file");
    await writeFile(file, "");
    expect(await doctor([], { dataDir: file })).toMatchObject({ code: 1 });
    const open = path.join(root, "open");
    await mkdir(open);
    await chmod(open, 0o777);
    const { code, of } = await doctor([], { dataDir: open });
    expect(code).toBe(0);
    expect(of("data folder")).toMatchObject({ state: "warn", remedy: `chmod 700 ${open}` });
  });

  test("says which process holds the port", async () => {
    const server = createServer((socket) => socket.end("220 not http\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { code, of } = await doctor(["--listen", `127.0.0.1:${port}`]);
      expect(code).toBe(1);
      expect(of("port")?.found).toContain(`127.0.0.1:${port} is in use by `);
      expect(of("port")?.found).toContain(`(pid ${process.pid})`);
    } finally {
      server.close();
    }
  });

  test("knows its own server on the port", async () => {
    const health = JSON.stringify({ status: "ok", version: "0.1.0", runtimes: { bun: true } });
    const server = createHttpServer((_, response) => {
      response.setHeader("content-type", "application/json").end(health);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { code, of } = await doctor(["--listen", `127.0.0.1:${port}`]);
      expect(code).toBe(0);
      expect(of("port")).toMatchObject({ state: "ok", means: "the server is running" });
      expect(of("port")?.found).toContain("Reactor 0.1.0 answers");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("exits with 1 for an address that this machine does not have", async () => {
    const { code, of } = await doctor(["--listen", "192.0.2.1:8080"]);
    expect(code).toBe(1);
    expect(of("port")?.found).toContain("this machine has no such address");
  });
});
