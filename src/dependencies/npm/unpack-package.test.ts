import { expect, test } from "bun:test";
import { paxHeader, paxRecord, rawGzip, rawTar, tarEntry } from "../../archive/raw-tar.harness.ts";
import { ReactorError } from "../../domain/errors.ts";
import { createInstallBudget } from "../install-budget.ts";
import { unpackPackage } from "./unpack-package.ts";

async function unpack(archive: Uint8Array): Promise<Record<string, string>> {
  const files = await unpackPackage(archive, "a@1.0.0", createInstallBudget());
  return Object.fromEntries([...files].map(([path, body]) => [path, Buffer.from(body).toString()]));
}

async function refusal(archive: Uint8Array): Promise<ReactorError> {
  const outcome = await unpack(archive).catch((error: unknown) => error);
  if (outcome instanceof ReactorError) return outcome;
  throw new Error(`it was unpacked: ${JSON.stringify(outcome)}`);
}

test("the first folder of every name is left out, whatever it is called", async () => {
  const archive = rawTar(
    tarEntry({ name: "package/index.js", body: "1" }),
    tarEntry({ name: "./package/lib/a.js", body: "2" }),
    tarEntry({ name: "other/b.js", body: "3" }),
    tarEntry({ name: "package/lib", type: "5" }),
  );
  expect(await unpack(rawGzip(archive))).toEqual({ "index.js": "1", "lib/a.js": "2", "b.js": "3" });
});

test("what real archives have is taken: a size said twice, a name twice, names of other systems", async () => {
  const archive = rawTar(
    Buffer.concat([paxHeader(Buffer.concat([paxRecord("size", "1"), paxRecord("mtime", "1.5")]))]),
    tarEntry({ name: "package/index.js", body: "1" }),
    tarEntry({ name: "package/index.js", body: "2" }),
    tarEntry({ name: "package/aux.js", body: "3" }),
    tarEntry({ name: "package/Index.js", body: "4" }),
  );
  expect(await unpack(rawGzip(archive))).toEqual({
    "index.js": "2",
    "aux.js": "3",
    "Index.js": "4",
  });
});

const file = (name: string): Buffer => rawGzip(rawTar(tarEntry({ name, body: "x" })));
const hostile: Readonly<Record<string, readonly [archive: () => Uint8Array, word: string]>> = {
  "a path that leaves the package": [() => file("package/../../../etc/cron.d/x"), "no plain path"],
  "a path that leaves by its first part": [() => file("../x"), "no plain path"],
  "an absolute path": [() => file("/etc/passwd"), "no plain path"],
  "a backslash": [() => file("package\\..\\x"), "no plain path"],
  "a file beside the folder": [() => file("index.js"), "no plain path"],
  "a control character": [() => file("package/a\nb"), "no plain path"],
  "a path of 401 bytes": [
    () =>
      rawGzip(
        rawTar(paxHeader(paxRecord("path", `package/${"a".repeat(393)}`)), tarEntry({ name: "x" })),
      ),
    "longer than 400 bytes",
  ],
  "a symbolic link": [
    () => rawGzip(rawTar(tarEntry({ name: "package/a", type: "2", linkname: "/etc/passwd" }))),
    "is a symlink",
  ],
  "a hard link": [() => rawGzip(rawTar(tarEntry({ name: "package/a", type: "1" }))), "is a link"],
  "a device": [
    () => rawGzip(rawTar(tarEntry({ name: "package/a", type: "3" }))),
    "character-device",
  ],
  "a setuid file": [
    () => rawGzip(rawTar(tarEntry({ name: "package/a", mode: "0004755\0" }))),
    "setuid",
  ],
  "a pax size that lies": [
    () => rawGzip(rawTar(paxHeader(paxRecord("size", "9")), tarEntry({ name: "package/a" }))),
    "its own header 1",
  ],
  "no gzip": [() => rawTar(tarEntry({ name: "package/a" })), "damaged"],
  "a wrong checksum": [
    () => rawGzip(rawTar(tarEntry({ name: "package/a" })), { checksum: 1 }),
    "CRC-32",
  ],
  "half an archive": [() => file("package/a").subarray(0, 60), "damaged"],
  nothing: [() => new Uint8Array(), "cut short"],
  "something behind the archive": [
    () => Buffer.concat([file("package/a"), Buffer.from("more")]),
    "follow its end",
  ],
};

test.each(Object.keys(hostile))(
  "%s is refused, and the message names the package",
  async (what) => {
    const [archive, word] = hostile[what] ?? [() => new Uint8Array(), ""];
    const refused = await refusal(archive());
    expect(refused.code).toBe("bundle_invalid");
    expect(refused.message).toContain("the archive of a@1.0.0 is refused");
    expect(refused.message).toContain(word);
  },
);

test("a bomb is refused while it is counted", async () => {
  const zeros = rawTar(tarEntry({ name: "package/a", body: Buffer.alloc(8 * 1_048_576) }));
  const refused = await refusal(rawGzip(zeros));
  expect(refused.code).toBe("bundle_too_large");
  expect(refused.message).toContain(
    "the archive of a@1.0.0 is refused: it unpacks to more than 100 times",
  );
});

test("all packages together have a bound as well", async () => {
  const budget = createInstallBudget();
  budget.addBytes(250 * 1_048_576 - 600);
  const unpacking = unpackPackage(file("package/a"), "a@1.0.0", budget);
  const refused = await unpacking.catch((error: unknown) => error);
  expect(String(refused)).toContain("more than 262144000 bytes together");
});
