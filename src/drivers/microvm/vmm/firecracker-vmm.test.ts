import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { systemRandom } from "../../../base/random.ts";
import { SharedGroups } from "../../process/cgroup/shared-groups.ts";
import { findBubblewrap } from "../../process/sandbox-probe.ts";
import { firecrackerVcpu } from "./firecracker-calls.ts";
import { createFirecrackerVmm } from "./firecracker-vmm.ts";
import type { Machine, Vmm } from "./machine.ts";
import { templateFiles } from "./template-files.ts";
import description from "./testing/firecracker-api.json" with { type: "json" };
import { makeTestFolder, removeTestFolder, slotsLeft } from "./testing/open-machines.ts";
import { VmmHost } from "./vmm-host.ts";

const canRun = findBubblewrap() !== undefined && process.arch === "x64";
const limitMs = 60_000;
const never = new AbortController().signal;

interface Property {
  readonly type?: string;
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Definition {
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, Property>>;
}
const definitions: Readonly<Record<string, Definition>> = description.definitions;
const paths: Readonly<Record<string, Readonly<Record<string, { body: string; success: number }>>>> =
  description.paths;

/** What is wrong with a request by the published description; empty when nothing is. */
function offences(line: string): string[] {
  const [, method = "", path = "", body = ""] = /^(\S+) (\S+) (.*)$/.exec(line) ?? [];
  const known = path.replace(/^\/drives\/[a-z0-9_]+$/, "/drives/{drive_id}");
  const operation = paths[known]?.[method.toLowerCase()];
  if (operation === undefined) return [`${method} ${path} is no operation`];
  return offencesIn(operation.body, JSON.parse(body));
}

function offencesIn(name: string, value: unknown): string[] {
  const definition = definitions[name];
  if (definition === undefined) return [`${name} is no definition`];
  if (typeof value !== "object" || value === null) return [`${name} is no object`];
  const absent = (definition.required ?? []).filter((key) => !(key in value));
  return [
    ...absent.map((key) => `${name}.${key} is missing`),
    ...Object.entries(value).flatMap(([key, each]) => {
      const property = definition.properties[key];
      return property === undefined
        ? [`${name}.${key} is unknown`]
        : offencesOf(`${name}.${key}`, property, each);
    }),
  ];
}

function offencesOf(name: string, property: Property, value: unknown): string[] {
  if (property.$ref !== undefined) return offencesIn(property.$ref, value);
  const type = Number.isInteger(value) ? "integer" : typeof value;
  if (type !== property.type) return [`${name} is ${type}, must be ${property.type}`];
  if (property.enum !== undefined && !property.enum.includes(String(value))) {
    return [`${name} is none of ${property.enum.join(", ")}`];
  }
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = property;
  const isOutside = typeof value === "number" && (value < minimum || value > maximum);
  return isOutside ? [`${name} is out of bounds`] : [];
}

/** Asks a VMM at a real socket; there is no Firecracker here, and no working KVM. */
describe.if(canRun)("Firecracker's API, served by a fake at a Unix socket in the sandbox", () => {
  const folder = makeTestFolder();
  const files = templateFiles(join(folder, "data"));
  const image = {
    id: "image",
    kernelPath: join(folder, "data/kernel"),
    plainKernelPath: join(folder, "data/kernel"),
    initramfsPath: join(folder, "data/initramfs"),
    rootPath: join(folder, "data/root"),
    kernelArgs: "console=ttyS0 panic=-1",
  };
  let host: VmmHost;
  let vmm: Vmm;

  beforeAll(async () => {
    mkdirSync(join(folder, "data"), { mode: 0o700 });
    for (const path of [image.kernelPath, image.initramfsPath, image.rootPath]) {
      writeFileSync(path, "");
    }
    for (const path of [files.ramPath, files.statePath]) writeFileSync(path, "");
    const runDir = join(folder, "run");
    const binaryPath = join(folder, "firecracker");
    copyFileSync(join(import.meta.dirname, "testing/fake-firecracker.pl"), binaryPath);
    chmodSync(binaryPath, 0o755);
    host = await VmmHost.open({
      runDir,
      name: "microvm",
      binaryPath,
      groups: new SharedGroups({ runDir, clock: systemClock }),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    const kvm = { path: "/dev/null", gid: undefined };
    vmm = createFirecrackerVmm({ host, binaryPath, version: "1.17.0", kvm, clock: systemClock });
  });

  afterAll(async () => {
    await host.close();
    removeTestFolder(folder);
  });

  const shape = (memoryMb = 256, vcpu = 3) => ({ image, memoryMb, vcpu });

  /** The first `count` requests. They are printed before they are answered, and arrive beside that. */
  async function requests(machine: Machine, count: number): Promise<string[]> {
    for (;;) {
      const lines = machine.consoleTail().split("\n").slice(0, -1);
      if (lines.length >= count) return lines;
      await Bun.sleep(1);
    }
  }

  test(
    "a machine is described and started, and its ports reach the host",
    async () => {
      const machine = await vmm.boot(shape(), { signal: never });
      const wire = await machine.ports["reactor.wire"];
      const [word] = (await once(wire, "data")) as [Buffer];
      expect(word.toString()).toBe("port 1024\n");
      const asked = await requests(machine, 7);
      expect(asked.flatMap(offences)).toEqual([]);
      expect(asked.map((line) => line.split(" ", 2).join(" "))).toEqual([
        "PUT /machine-config",
        "PUT /boot-source",
        "PUT /drives/root",
        "PUT /vsock",
        "PUT /balloon",
        "PUT /entropy",
        "PUT /actions",
      ]);
      expect(asked[0]).toContain('"vcpu_count":4,"mem_size_mib":256');
      wire.destroy();
      expect(await machine.stop()).toEqual({ reason: "stopped" });
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a snapshot is of a paused machine, and a clone is restored from it with the same paths",
    async () => {
      const template = await vmm.boot(shape(), { into: files, signal: never });
      await template.pause();
      await template.snapshot();
      const asked = await requests(template, 9);
      expect(asked.flatMap(offences)).toEqual([]);
      const created = JSON.parse(asked.at(-1)?.replace(/^PUT \/snapshot\/create /, "") ?? "");
      await template.stop();
      const clone = await vmm.restore(shape(), { from: files, signal: never });
      const [load = "", ...rest] = await requests(clone, 1);
      expect(rest).toEqual([]);
      expect(offences(load)).toEqual([]);
      expect(JSON.parse(load.replace(/^PUT \/snapshot\/load /, ""))).toEqual({
        snapshot_path: created.snapshot_path,
        mem_backend: { backend_type: "File", backend_path: created.mem_file_path },
        resume_vm: true,
      });
      await clone.stop();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "what Firecracker refuses is said with its own words, and leaves no machine",
    async () => {
      const refused = { ...shape(), image: { ...image, kernelArgs: "refuse-me" } };
      const error: unknown = await vmm
        .boot(refused, { signal: never })
        .catch((each: unknown) => each);
      expect(error).toMatchObject({
        failure: "boot",
        message: expect.stringContaining(
          "Firecracker answered PUT /boot-source with 400: The request is refused.",
        ),
      });
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "kill -9 of Firecracker ends its machine",
    async () => {
      const machine = await vmm.boot(shape(), { signal: never });
      process.kill(machine.process.pids().at(-1) ?? 0, "SIGKILL");
      expect(await machine.ended).toEqual({ reason: "killed", signal: "SIGKILL" });
      const error: unknown = await machine.pause().catch((each: unknown) => each);
      expect(error).toMatchObject({ failure: "ended" });
      machine.release();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test("an image without a plain kernel is refused", async () => {
    const { plainKernelPath: _none, ...other } = image;
    const error: unknown = await vmm
      .boot({ ...shape(), image: other }, { signal: never })
      .catch((each: unknown) => each);
    expect(error).toMatchObject({
      failure: "boot",
      message: expect.stringContaining("plain kernel"),
    });
  });
});

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [31, 32],
  [32, 32],
])("%i processors are %i in Firecracker, which takes one or an even number", (asked, given) => {
  expect(firecrackerVcpu(asked)).toBe(given);
});
