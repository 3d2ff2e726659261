import { describe, expect, test } from "bun:test";
import { unzipSync } from "fflate";
import { ReactorError } from "../../domain/errors.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { packFunction } from "./pack-function.ts";

const { signal } = new AbortController();
const encoder = new TextEncoder();

function pack(files: Readonly<Record<string, string>>, entrypoint?: string) {
  const bytes = Object.entries(files).map(([path, text]) => [path, encoder.encode(text)] as const);
  const manifest = { ...suiteManifest({ runtime: "python" }), entrypoint };
  return packFunction({ deploymentId: "dep_1", manifest, files: new Map(bytes) }, signal);
}

async function refusal(packing: Promise<unknown>): Promise<ReactorError> {
  const error = await packing.catch((reason: unknown) => reason);
  if (!(error instanceof ReactorError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

test("the archive holds the files, reads as every zip does and is the same for the same files", async () => {
  const files = { "index.py": "x = 1\n".repeat(100), "data/é.bin": "\0\x01", "empty.py": "" };
  const first = await pack(files);
  const reversed = Object.fromEntries(Object.entries(files).toReversed());
  expect(Buffer.from((await pack(reversed)).code).equals(first.code)).toBe(true);
  const unzipped = Object.entries(unzipSync(first.code));
  expect(
    Object.fromEntries(unzipped.map(([path, content]) => [path, Buffer.from(content).toString()])),
  ).toEqual(files);
  expect(first.entrypoint).toBe("index.py");
});

test.each([
  [["main.py", "code/index.py", "index.py"], "code/index.py"],
  [["main.py", "handler.py"], "handler.py"],
  [["main.py"], "main.py"],
])("without a manifest's word, the entry point of %p is %s", async (paths, expected) => {
  const files = Object.fromEntries(paths.map((path) => [path, ""]));
  expect((await pack(files)).entrypoint).toBe(expected);
});

test("compiled files stay behind", async () => {
  const { code } = await pack({
    "index.py": "",
    "__pycache__/index.cpython-311.pyc": "x",
    "a.pyc": "x",
  });
  expect(Object.keys(unzipSync(code))).toEqual(["index.py"]);
});

describe("a bundle is refused", () => {
  test("without an entry point, naming what would be one", async () => {
    const error = await refusal(pack({ "app.txt": "" }));
    expect([error.code, error.message]).toEqual([
      "bundle_invalid",
      expect.stringContaining("it has none of code/index.py, index.py, handler.py, main.py"),
    ]);
    expect(error.details["log"]).toBe("app.txt");
  });

  test("when the manifest's entry point is not there, or no Python file", async () => {
    expect((await refusal(pack({ "index.py": "" }, "other.py"))).message).toContain('"other.py"');
    expect((await refusal(pack({ "index.js": "" }, "index.js"))).message).toContain("no .py file");
  });

  test("with native code, naming it and what to use", async () => {
    for (const path of ["numpy/core.cpython-311-x86_64-linux-gnu.so", "lib/libz.so.1", "a.pyd"]) {
      const error = await refusal(pack({ "index.py": "", [path]: "\x7fELF" }));
      expect(error.code).toBe("bundle_invalid");
      expect(error.message).toMatch(/native code.*pure Python/);
    }
  });
});
