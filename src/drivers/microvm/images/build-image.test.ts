import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import type { RuntimeSpec } from "../../process/process-runtime.ts";
import { rejectionOf } from "../../testing/rejection.ts";
import { type BuiltImage, buildImage, findImage } from "./build-image.ts";
import type { Kernel } from "./find-kernel.ts";
import type { ImageSource } from "./image-source.ts";
import { listImages } from "./image-store.ts";
import { microvmMissing, testKernel } from "./test-images.harness.ts";
import { probeSource } from "./probe-runtime.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const root = mkdtempSync(join(tmpdir(), "rx-images-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const { signal } = new AbortController();
const limitMs = 120_000;

function openFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

async function build(folder: string, source = probeSource): Promise<BuiltImage> {
  return buildImage({ folder, source, kernel: await testKernel(), clock: systemClock, signal });
}

function withGuest(text: string): ImageSource {
  const runtime: RuntimeSpec = {
    ...probeSource.runtime,
    guest: { name: "probe.pl", build: () => Promise.resolve(text) },
  };
  return { ...probeSource, runtime };
}

/** A copy that any user may read. */
function readableKernel({ version, imagePath, modulesPath }: Kernel): Kernel {
  const folder = openFolder("kernel");
  cpSync(imagePath, join(folder, "vmlinuz"));
  cpSync(modulesPath, join(folder, "modules"), { recursive: true });
  return { version, imagePath: join(folder, "vmlinuz"), modulesPath: join(folder, "modules") };
}

describe.if(microvmMissing === undefined)(`images of microVMs${because}`, () => {
  test(
    "two builds in two folders give the same image, the second in a folder has nothing to do",
    async () => {
      const [one, other] = [openFolder("one"), openFolder("other")];
      const first = await build(one);
      const second = await build(other);
      expect(first.isNew && second.isNew).toBe(true);
      expect(second.image.id).toBe(first.image.id);
      expect(second.image.files).toEqual(first.image.files);
      const again = await build(one);
      expect({ id: again.image.id, isNew: again.isNew }).toEqual({
        id: first.image.id,
        isNew: false,
      });
      expect(await findImage({ folder: one, source: probeSource })).toEqual(first.image);
      expect(first.image.runtimeVersion).toMatch(/^\d+\.\d+/);
    },
    limitMs,
  );

  test(
    "another guest is another image; the old one is not found for it",
    async () => {
      const folder = openFolder("guests");
      const first = await build(folder);
      const source = withGuest("exit 0;");
      expect(await findImage({ folder, source })).toBeUndefined();
      const second = await build(folder, source);
      expect(second.image.id).not.toBe(first.image.id);
      expect((await listImages(folder)).map(({ id }) => id).sort()).toEqual(
        [first.image.id, second.image.id].sort(),
      );
    },
    limitMs,
  );

  test(
    "builds of the same at once give one image and leave no drafts",
    async () => {
      const folder = openFolder("at-once");
      const builds = await Promise.all([build(folder), build(folder), build(folder)]);
      expect(new Set(builds.map(({ image }) => image.id)).size).toBe(1);
      expect(readdirSync(join(folder, "images"))).toEqual([builds[0]?.image.id ?? ""]);
    },
    limitMs,
  );

  test(
    "a damaged image is refused by name and built anew; what a killed build left goes",
    async () => {
      const folder = openFolder("damaged");
      const { image } = await build(folder);
      const dead = Bun.spawnSync(["/bin/true"]).pid;
      mkdirSync(join(folder, `images/.draft-${dead}-1-1`));
      chmodSync(image.rootPath, 0o600);
      truncateSync(image.rootPath, 1_000_000);
      const finding = findImage({ folder, source: probeSource });
      expect(String(await rejectionOf(finding))).toContain("its root.ext4 is damaged");
      const again = await build(folder);
      expect({ id: again.image.id, isNew: again.isNew }).toEqual({ id: image.id, isNew: true });
      expect(readdirSync(join(folder, "images"))).toEqual([image.id]);
      expect((await findImage({ folder, source: probeSource }))?.id).toBe(image.id);
    },
    limitMs,
  );

  test(
    "a build that is called off leaves nothing",
    async () => {
      const folder = openFolder("called-off");
      const building = buildImage({
        folder,
        source: probeSource,
        kernel: await testKernel(),
        clock: systemClock,
        signal: AbortSignal.abort(new Error("called off")),
      });
      expect(String(await rejectionOf(building))).toContain("called off");
      expect(existsSync(join(folder, "images"))).toBe(false);
    },
    limitMs,
  );

  test.if(process.getuid?.() === 0)(
    "a user without privileges builds the same image (needs root to become one)",
    async () => {
      const folder = openFolder("unprivileged");
      const { image } = await build(openFolder("privileged"));
      Bun.spawnSync(["chown", "-R", "65534:65534", folder]);
      chmodSync(root, 0o755);
      const script = join(import.meta.dirname, "build-as-user.harness.ts");
      const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];
      const kernel = JSON.stringify(readableKernel(await testKernel()));
      const run = Bun.spawnSync([...asNobody, process.execPath, script, folder, kernel], {
        env: { PATH: "/usr/bin:/bin" },
      });
      expect({ said: run.stdout.toString(), wrong: run.stderr.toString() }).toEqual({
        said: image.id,
        wrong: "",
      });
    },
    limitMs,
  );
});
