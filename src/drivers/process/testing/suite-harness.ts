import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DriverHarness } from "../../suite/driver-harness.ts";
import type { TestDriver } from "./open-test-driver.ts";

/** What the conformance suite needs of a driver of subprocesses, in a folder of the harness's own. */
export function suiteHarness(
  open: (options: { readonly runDir: string }) => TestDriver,
  own: Pick<DriverHarness, "breach"> = {},
): DriverHarness {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  // Instances run as other users, who must be able to pass.
  chmodSync(folder, 0o755);
  const { driver } = open({ runDir: join(folder, "run") });
  return {
    driver,
    folders: [folder],
    ...own,
    async close() {
      await driver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
