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
import { type BuiltImage, buildImage, findImage } from "./build-image.ts";
import type { ImageSource } from "./image-source.ts";
import { listImages } from "./image-store.ts";
import { buildTestImage, microvmMissing, testImageFolder } from "./test-images.harness.ts";
import { probeSource } from "./probe-runtime.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const root = mkdtempSync(join(tmpdir(), "rx-images-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const { signal } = new AbortController();
const limitMs = 120_000;

/** A folder for images, with the kernel that the tests have fetched. */
async function openFolder(name: string): Promise<string> {
  await buildTestImage(probeSource);
  const folder = join(root, name);
  mkdirSync(folder);
  const kernels = join(testImageFolder, "kernels");
  if (existsSync(kernels)) cpSync(kernels, join(folder, "kernels"), { recursive: true });
  return folder;
}

function build(folder: string, source = probeSource): Promise<BuiltImage> {
  return buildImage({ folder, source, clock: systemClock, signal });
}

function withGuest(text: string): ImageSource {
  const runtime: RuntimeSpec = {
    ...probeSource.runtime,
    guest: { name: "probe.pl", build: () => Promise.resolve(text) },
  };
  return { ...probeSource, runtime };
}

describe.if(microvmMissing === undefined)(`images of microVMs${because}`, () => {
  test(
    "two builds in two folders give the same image, the second in a folder has nothing to do",
    async () => {
      const [one, other] = [await openFolder("one"), await openFolder("other")];
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
      const folder = await openFolder("guests");
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
      const folder = await openFolder("at-once");
      const builds = await Promise.all([build(folder), build(folder), build(folder)]);
      expect(new Set(builds.map(({ image }) => image.id)).size).toBe(1);
      expect(readdirSync(join(folder, "images"))).toEqual([builds[0]?.image.id ?? ""]);
    },
    limitMs,
  );

  test(
    "a damaged image is refused by name and built anew; what a killed build left goes",
    async () => {
      const folder = await openFolder("damaged");
      const { image } = await build(folder);
      const dead = Bun.spawnSync(["/bin/true"]).pid;
      mkdirSync(join(folder, `images/.draft-${dead}-1-1`));
      chmodSync(image.rootPath, 0o600);
      truncateSync(image.rootPath, image.bytes / 3);
      const finding = findImage({ folder, source: probeSource });
      await expect(finding).rejects.toThrow(/root\.ext4 is damaged/);
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
      const folder = await openFolder("called-off");
      const building = buildImage({
        folder,
        source: probeSource,
        clock: systemClock,
        signal: AbortSignal.abort(new Error("called off")),
      });
      await expect(building).rejects.toThrow("called off");
      expect(existsSync(join(folder, "images"))).toBe(false);
    },
    limitMs,
  );

  test.if(process.getuid?.() === 0)(
    "a user without privileges builds the same image (needs root to become one)",
    async () => {
      const folder = await openFolder("unprivileged");
      const { image } = await build(await openFolder("privileged"));
      Bun.spawnSync(["chown", "-R", "65534:65534", folder]);
      chmodSync(root, 0o755);
      const script = join(import.meta.dirname, "build-as-user.harness.ts");
      const run = Bun.spawnSync(
        [
          ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"],
          ...[process.execPath, script, folder],
        ],
        { env: { PATH: "/usr/bin:/bin" } },
      );
      expect({ said: run.stdout.toString(), wrong: run.stderr.toString() }).toEqual({
        said: image.id,
        wrong: "",
      });
    },
    limitMs,
  );
});
