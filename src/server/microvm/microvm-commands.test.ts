import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { runInTerminal } from "../../cli/run-in-terminal.ts";
import { kernelAtHand } from "../../drivers/microvm/images/find-kernel.ts";
import {
  buildTestImage,
  bunSource,
  microvmMissing,
  testImageFolder,
} from "../../drivers/microvm/images/test-images.harness.ts";
import { microvmBuildCommand } from "./build-command.ts";
import { microvmListCommand } from "./list-command.ts";
import { microvmRemoveCommand } from "./remove-command.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const root = mkdtempSync(join(tmpdir(), "rx-microvm-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const limitMs = 120_000;

function reactor(...argv: string[]) {
  return runInTerminal(argv, {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "" },
    clock: systemClock,
    localCommands: [microvmBuildCommand, microvmListCommand, microvmRemoveCommand],
  });
}

describe.if(microvmMissing === undefined)(`reactor microvm${because}`, () => {
  test(
    "build, list and remove, for people and for programs",
    async () => {
      const { id } = await buildTestImage(bunSource());
      const kernels = join(testImageFolder, "kernels");
      mkdirSync(join(root, ".reactor/microvm"), { recursive: true });
      if (existsSync(kernels)) symlinkSync(kernels, join(root, ".reactor/microvm/kernels"));
      const empty = await reactor("microvm", "list");
      expect(empty).toMatchObject({
        code: 0,
        stdout: "No images yet. Next: reactor microvm build\n",
      });

      const built = await reactor("microvm", "build", "--runtime", "bun", "--json");
      expect(built).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(built.stdout)).toMatchObject({
        images: [{ id, runtime: "bun", new: true, folder: expect.stringContaining(id) }],
        skipped: [],
      });
      const again = await reactor("microvm", "build", "--runtime", "bun");
      expect(again.stdout).toStartWith(`Up to date: image ${id.slice(0, 12)} of bun `);

      const listed = await reactor("microvm", "list", "--json");
      expect(JSON.parse(listed.stdout)).toMatchObject([{ id, runtime: "bun", state: "current" }]);
      writeFileSync(join(root, ".reactor/microvm/images", id, "vmlinuz"), "not a kernel");
      const damaged = await reactor("microvm", "list");
      expect(damaged.stdout).toMatch(new RegExp(`${id.slice(0, 12)} +bun .* damaged`));

      const removed = await reactor("microvm", "remove", "--outdated");
      expect(removed.stdout).toStartWith(`Removed ${id.slice(0, 12)} (bun): `);
      expect(JSON.parse((await reactor("microvm", "list", "--json")).stdout)).toEqual([]);
    },
    limitMs,
  );
});

const hasUnshare = process.getuid?.() === 0 && Bun.which("unshare") !== null;
const isInstalled = kernelAtHand(join(root, "none")) !== undefined;

test.if(microvmMissing === undefined && hasUnshare && !isInstalled)(
  "a kernel that cannot be fetched is an error that names the remedy (needs root, and no kernel installed)",
  () => {
    const program = join(import.meta.dirname, "../../../bin/reactor");
    const command = ["unshare", "--net", program, "microvm", "build", "--runtime", "bun"];
    const { exitCode, stderr } = Bun.spawnSync([...command, "--data-dir", join(root, "no-net")]);
    expect({ exitCode, stderr: stderr.toString() }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^error: Cannot build an image: there is no kernel \(.+\)\n +try: apt-get .*linux-image-cloud-amd64/,
      ),
    });
    const kernels = join(root, "no-net/microvm/kernels");
    expect(existsSync(kernels) ? readdirSync(kernels) : []).toEqual([]);
  },
  limitMs,
);

test("what is not there is refused with what to do about it", async () => {
  expect(await reactor("microvm", "build", "--runtime", "deno")).toMatchObject({ code: 2 });
  expect(await reactor("microvm", "remove")).toMatchObject({ code: 2 });
  expect(await reactor("microvm", "remove", "abc", "--outdated")).toMatchObject({ code: 2 });
  const unknown = await reactor("microvm", "remove", "abc");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('There is no image "abc"');
  expect(unknown.stderr).toContain("reactor microvm list");
});
