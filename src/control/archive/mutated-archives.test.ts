import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createBundlePaths, parseBundlePath } from "../../domain/bundle-path.ts";
import { ReactorError } from "../../domain/errors.ts";
import { defaultBundleLimits } from "../../archive/bundle-limits.ts";
import {
  gnuLongName,
  paxHeader,
  paxRecord,
  rawGzip,
  rawTar,
} from "../../archive/raw-tar.harness.ts";
import { rawZip } from "../../archive/raw-zip.harness.ts";
import { readUpload } from "./read-upload.ts";

const contents: Readonly<Record<string, string>> = {
  "index.ts": "export default { fetch: () => new Response() };",
  "lib/a.ts": "a".repeat(700),
  "lib/ü.ts": "",
};
const entries = Object.entries(contents).map(([name, content]) => ({ name, content }));
const zip = rawZip(entries.map((entry) => ({ ...entry, method: 8 })));
const tar = rawTar(
  paxHeader(paxRecord("path", "index.ts")),
  { name: "short", body: contents["index.ts"] ?? "" },
  gnuLongName("lib/a.ts"),
  { name: "short", body: contents["lib/a.ts"] ?? "" },
  { name: "lib/ü.ts", body: "" },
);

type Mutation = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (bytes: Buffer, share: number): number => Math.floor(share * bytes.length);

/** One change: a byte set, a bit flipped, a span cut out, copied elsewhere or overwritten. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(255)).map(
    ([share, value]): Mutation =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy[at(copy, share)] = value;
        return copy;
      },
  ),
  fc.tuple(place, fc.nat(7)).map(
    ([share, bit]): Mutation =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        const index = at(copy, share);
        copy[index] = (copy[index] ?? 0) ^ (1 << bit);
        return copy;
      },
  ),
  fc.tuple(place, fc.nat(600)).map(
    ([share, length]): Mutation =>
      (bytes) => {
        const start = at(bytes, share);
        return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)]);
      },
  ),
  fc.tuple(place, place, fc.nat(600)).map(
    ([from, to, length]): Mutation =>
      (bytes) => {
        const span = bytes.subarray(at(bytes, from)).subarray(0, length);
        const target = at(bytes, to);
        return Buffer.concat([bytes.subarray(0, target), span, bytes.subarray(target)]);
      },
  ),
  fc.tuple(place, fc.constantFrom("../", "/", "\0", "\\", "..", "PK\x05\x06", "path=../x\n")).map(
    ([share, text]): Mutation =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        copy.write(text, at(copy, share), "latin1");
        return copy;
      },
  ),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

type Outcome = ReadonlyMap<string, Uint8Array> | ReactorError;

async function outcomeOf(bytes: Uint8Array): Promise<Outcome> {
  try {
    return await readUpload({ kind: "archive", bytes }, defaultBundleLimits);
  } catch (error) {
    // Anything but a typed refusal is a crash of the reader.
    if (error instanceof ReactorError) return error;
    throw error;
  }
}

/** Throws when a path is outside the rules or two could be mixed up. */
function requireRules(files: ReadonlyMap<string, Uint8Array>): void {
  const paths = createBundlePaths();
  for (const path of files.keys()) {
    expect(parseBundlePath(path)).toBe(path);
    paths.addFile(path);
  }
}

function textOf(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    [...files].map(([path, content]) => [path, Buffer.from(content).toString()]),
  );
}

const kinds = {
  // The checksums of zip and gzip cover the content, those of a plain tar its headers only.
  zip: { bytes: zip, pack: (bytes: Buffer) => bytes, checked: true },
  "tar.gz": { bytes: rawGzip(tar), pack: (bytes: Buffer) => bytes, checked: true },
  tar: { bytes: tar, pack: (bytes: Buffer) => bytes, checked: false },
  "tar inside a sound gzip": {
    bytes: tar,
    pack: (bytes: Buffer) => rawGzip(bytes),
    checked: false,
  },
};

for (const [what, { bytes, pack, checked }] of Object.entries(kinds)) {
  test(`a mutated ${what} is refused with a type or read within the rules`, async () => {
    expect(textOf((await outcomeOf(pack(bytes))) as ReadonlyMap<string, Uint8Array>)).toEqual(
      contents,
    );
    let refused = 0;
    const property = fc.asyncProperty(mutations, async (changes) => {
      const mutated = changes.reduce((current, change) => change(current), bytes);
      const outcome = await outcomeOf(pack(mutated));
      if (outcome instanceof ReactorError) {
        expect(["bundle_invalid", "bundle_too_large"]).toContain(outcome.code);
        refused += 1;
        return;
      }
      requireRules(outcome);
      if (!checked) return;
      for (const text of Object.values(textOf(outcome))) {
        expect(Object.values(contents)).toContain(text);
      }
    });
    await fc.assert(property, { numRuns: 600 });
    expect(refused).toBeGreaterThan(100);
  });
}

test("a tar, a tar.gz and a zip cut at any place are refused", async () => {
  for (const whole of [zip, rawGzip(tar), tar]) {
    for (let size = 0; size < whole.length; size += whole === tar ? 512 : 7) {
      const outcome = await outcomeOf(whole.subarray(0, size));
      expect(outcome).toMatchObject({ code: "bundle_invalid" });
    }
  }
});

test("a tar cut at each of its blocks and gzipped soundly is refused", async () => {
  for (let size = 0; size < tar.length; size += 512) {
    expect(await outcomeOf(rawGzip(tar.subarray(0, size)))).toMatchObject({
      code: "bundle_invalid",
    });
  }
});
