import { afterAll } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { bunRuntime } from "../bun/bun-runtime.ts";
import { findBunBinary } from "../bun/find-bun-binary.ts";
import type { Driver } from "../driver.ts";
import { findNodeBinary } from "../node/find-node-binary.ts";
import { nodeRuntime } from "../node/node-runtime.ts";
import { SharedGroups } from "../process/cgroup/shared-groups.ts";
import { repository } from "../process/testing/open-test-driver.ts";
import { findPython } from "../python/find-python.ts";
import { libraryFolders } from "../python/library-folders.ts";
import { pythonRuntime } from "../python/python-runtime.ts";
import type { DriverHarness } from "../suite/case-context.ts";
import { createMicrovmDriver, type MicrovmDriverOptions } from "./driver.ts";
import type { ImageSource } from "./images/image-source.ts";
import { testImageFolder } from "./images/test-images.harness.ts";
import type { MachineSource } from "./microvm-host.ts";
import { RuntimeMachines } from "./runtime-machines.ts";
import { SharedMachines } from "./shared-machines.ts";

export type MicrovmRuntime = MicrovmDriverOptions["runtime"];

const sources: Readonly<Record<MicrovmRuntime, () => Promise<ImageSource>>> = {
  bun: async () => {
    const places = { setting: undefined, packageRoots: [repository], searchPath: undefined };
    return { runtime: bunRuntime({ runtimeBinary: findBunBinary(places) }), folders: [] };
  },
  node: async () => {
    const places = { setting: undefined, packageRoots: [repository], searchPath: undefined };
    return { runtime: nodeRuntime({ runtimeBinary: findNodeBinary(places) }), folders: [] };
  },
  python: async () => {
    const installation = findPython({ setting: undefined, searchPath: undefined });
    return { runtime: pythonRuntime(installation), folders: await libraryFolders(installation) };
  },
};

/** Drivers of one runtime for the tests of one file, which share its machines, image and templates. */
export interface TestMicrovms {
  create(options?: Partial<MicrovmDriverOptions>): Driver;
  /** For the conformance suite; the folder is this file's own. */
  harness(own?: Pick<DriverHarness, "breach">): DriverHarness;
  /** Every file of every template that there is. */
  templateFiles(): readonly string[];
}

/** Opens them; all is closed after the file's last test. Images and templates stay for the next run. */
export function openTestMicrovms(runtime: MicrovmRuntime): TestMicrovms {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  // Machines run as other users, who must be able to pass.
  chmodSync(folder, 0o755);
  const runDir = join(folder, "run");
  const machines = new SharedMachines({
    runDir,
    folder: testImageFolder,
    groups: new SharedGroups({ runDir, clock: systemClock }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const kept = new RuntimeMachines({
    runtime,
    machines,
    folder: testImageFolder,
    source: sources[runtime],
    clock: systemClock,
  });
  // Checking an image and a template reads every byte of them, which is enough once a file.
  const source: MachineSource = {
    probe: () => kept.probe(),
    ensure: (size, signal) => kept.ensure(size, signal),
    clone: (size, signal) => kept.clone(size, signal),
    close: () => Promise.resolve(),
  };
  afterAll(async () => {
    await kept.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const create: TestMicrovms["create"] = (options = {}) =>
    createMicrovmDriver({
      runtime,
      source,
      blanksMax: 1,
      startConcurrency: 2,
      dev: false,
      clock: systemClock,
      random: systemRandom,
      ids: createIds(systemClock, systemRandom),
      log: silentLog,
      ...options,
    });
  return {
    create,
    harness(own = {}) {
      const driver = create();
      return {
        driver,
        folders: [join(runDir, "microvm", "i")],
        close: () => driver.close(),
        ...own,
      };
    },
    templateFiles() {
      const templates = join(testImageFolder, "templates");
      return readdirSync(templates).flatMap((name) =>
        readdirSync(join(templates, name)).map((file) => join(templates, name, file)),
      );
    },
  };
}
