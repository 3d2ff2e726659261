import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refuseShownFolders } from "./refuse-shown-folders.ts";

const folder = await mkdtemp(join(tmpdir(), "shown-"));
const link = join(folder, "link");
await symlink("/usr/share", link);

afterAll(() => rm(folder, { recursive: true, force: true }));

const elsewhere = {
  dataDir: folder,
  functionsWorkdir: join(folder, "functions"),
  tlsKey: undefined,
};

test.each([
  ["data_dir", { dataDir: "/usr/share" }],
  ["data_dir", { dataDir: link }],
  ["data_dir", { dataDir: join(link, "not", "made-yet") }],
  ["functions.workdir", { functionsWorkdir: "/usr/local/reactor/functions" }],
  ["tls.key", { tlsKey: "/usr/local/etc/key.pem" }],
])("%s where functions can read is refused without root", async (key, given) => {
  const refused = refuseShownFolders({ ...elsewhere, ...given }, 1000);
  expect(String(await refused.catch((error: unknown) => error))).toContain(`${key} is /`);
  await refuseShownFolders({ ...elsewhere, ...given }, 0);
});

test("places that only begin alike are no such places", async () => {
  await refuseShownFolders({ ...elsewhere, dataDir: "/usr2/data" }, 1000);
});
