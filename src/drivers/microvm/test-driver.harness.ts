import { afterAll, beforeAll } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
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
import type { DriverHarness } from "../suite/driver-harness.ts";
import { createMicrovmDriver, type MicrovmDriverOptions } from "./driver.ts";
import { ControlPort } from "./control-port.ts";
import { warmTemplate } from "./warm-template.ts";
import type { ImageSource } from "./images/image-source.ts";
import {
  buildTestImage,
  openOwnFolder,
  testImageFolder,
  testTemplateBytesMax,
} from "./images/test-images.harness.ts";
import type { MachineSize } from "./machine-size.ts";
import type { MachineSource } from "./machine-source.ts";
import { RuntimeMachines } from "./runtime-machines.ts";
import { SharedMachines } from "./shared-machines.ts";
import type { TemplateSpec } from "./vmm/templates.ts";

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

const imageMsMax = 180_000;

/** Drivers of one runtime for the tests of one file, which share its machines, image and templates. */
export interface TestMicrovms {
  create(options?: Partial<MicrovmDriverOptions>): Driver;
  /** For the conformance suite; the folder is this file's own. */
  harness(
    own?: Pick<DriverHarness, "breach">,
    options?: Partial<MicrovmDriverOptions>,
  ): DriverHarness;
  /** Where machines come from whose kernel is told more than the image says. */
  sourceWith(kernelArgs: string): MachineSource;
  /** Every file of every template that there is. */
  templateFiles(): readonly string[];
}

/**
 * Opens them; all is closed after the file's last test. Images stay for the next run, and so do templates
 * unless the file has its own: servers remove the snapshots of deployments that they do not know.
 */
export function openTestMicrovms(
  runtime: MicrovmRuntime,
  { ownTemplates = false }: { readonly ownTemplates?: boolean } = {},
): TestMicrovms {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  // Machines run as other users, who must be able to pass.
  chmodSync(folder, 0o755);
  const runDir = join(folder, "run");
  const kept = ownTemplates ? join(folder, "microvm") : testImageFolder;
  if (ownTemplates) openOwnFolder(kept);
  const machines = new SharedMachines({
    runDir,
    folder: kept,
    templateBytesMax: testTemplateBytesMax,
    groups: new SharedGroups({ runDir, clock: systemClock }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  const runtimeMachines = new RuntimeMachines({
    runtime,
    machines,
    folder: kept,
    source: sources[runtime],
    clock: systemClock,
  });
  // Checking an image and a template reads every byte of them, which is enough once a file.
  const source: MachineSource = {
    probe: () => runtimeMachines.probe(),
    ensure: (size, signal) => runtimeMachines.ensure(size, signal),
    clone: (size, signal) => runtimeMachines.clone(size, signal),
    ensureLoaded: (request, signal) => runtimeMachines.ensureLoaded(request, signal),
    cloneLoaded: (request, signal) => runtimeMachines.cloneLoaded(request, signal),
    removeLoaded: (isKept) => runtimeMachines.removeLoaded(isKept),
    close: () => Promise.resolve(),
  };
  // Else the first test that needs an image waits for it, and a probe before it finds none.
  beforeAll(async () => {
    await buildTestImage(await sources[runtime]());
  }, imageMsMax);
  afterAll(async () => {
    await runtimeMachines.close();
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
    harness(own = {}, options = {}) {
      const driver = create(options);
      return {
        driver,
        folders: [join(runDir, "microvm", "i")],
        close: () => driver.close(),
        ...own,
      };
    },
    sourceWith: (kernelArgs) => toldMore(source, { runtime, machines, kernelArgs }),
    templateFiles() {
      const templates = join(kept, "templates");
      return readdirSync(templates).flatMap((name) =>
        readdirSync(join(templates, name)).map((file) => join(templates, name, file)),
      );
    },
  };
}

interface ToldMore {
  readonly runtime: MicrovmRuntime;
  readonly machines: SharedMachines;
  readonly kernelArgs: string;
}

/** A source of machines of the same image, whose kernel is told more. */
function toldMore(
  source: MachineSource,
  { runtime, machines, kernelArgs }: ToldMore,
): MachineSource {
  const open = async (size: MachineSize) => {
    const built = await buildTestImage(await sources[runtime]());
    const told = `${built.kernelArgs} ${kernelArgs}`;
    const image = { ...built, id: sha256Hex(`${built.id} ${told}`).slice(0, 32), kernelArgs: told };
    const warm: TemplateSpec["warm"] = async ({ ports }) => {
      const wire = await ports["reactor.wire"];
      await warmTemplate(wire, new ControlPort(await ports["reactor.control"]), systemClock);
    };
    const templates = await (await machines.open()).templates(image);
    return { templates, spec: { shape: { image, ...size }, variant: "rehearsed", warm } };
  };
  return {
    ...source,
    async ensure(size, signal) {
      const { templates, spec } = await open(size);
      await templates.ensure(spec, signal);
    },
    async clone(size, signal) {
      const { templates, spec } = await open(size);
      return templates.clone(spec, signal);
    },
  };
}
