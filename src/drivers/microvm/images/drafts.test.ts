import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTimeOf } from "../../process/process-tree.ts";
import { newDraftName, openDraft, sweepDrafts } from "./drafts.ts";
import { findKernel } from "./find-kernel.ts";
import { microvmMissing, testImageFolder, testKernel } from "./test-images.harness.ts";

const root = mkdtempSync(join(tmpdir(), "rx-drafts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Drafts as a process leaves them that was killed, and as one that lives has them. */
async function withDrafts(parent: string): Promise<{ readonly kept: readonly string[] }> {
  const own = await openDraft(parent);
  const dead = Bun.spawnSync(["/bin/true"]).pid;
  // The id was given out again: the parent of this process began at another time.
  const { ppid } = process;
  for (const name of [`.draft-${dead}-1-1`, `.draft-${ppid}-1${startTimeOf(ppid)}-1`]) {
    mkdirSync(join(parent, name));
    writeFileSync(join(parent, name, "half.deb"), "half");
  }
  const ofParent = `.draft-${ppid}-${startTimeOf(ppid)}-1`;
  for (const name of [ofParent, "linux-image-1", ".draft-by-hand"]) mkdirSync(join(parent, name));
  return { kept: [own.slice(parent.length + 1), ofParent, "linux-image-1", ".draft-by-hand"] };
}

test("drafts of processes that have died go; those of processes that live, and what is no draft, stay", async () => {
  const parent = join(root, "plain");
  const { kept } = await withDrafts(parent);
  await sweepDrafts(parent);
  expect(readdirSync(parent).sort()).toEqual([...kept].sort());
  expect(kept).not.toContain(newDraftName());
});

test.if(microvmMissing === undefined)(
  "looking for a kernel removes what a fetch left that was killed",
  async () => {
    // The kernels of the tests, so that none is fetched.
    await testKernel();
    const folder = join(root, "machines");
    const kernels = join(folder, "kernels");
    const { kept } = await withDrafts(kernels);
    for (const name of readdirSync(join(testImageFolder, "kernels"))) {
      symlinkSync(join(testImageFolder, "kernels", name), join(kernels, name));
    }
    await findKernel(folder);
    const left = readdirSync(kernels).filter((name) => name.startsWith(".draft-"));
    expect(left.sort()).toEqual(kept.filter((name) => name.startsWith(".draft-")).sort());
  },
);
