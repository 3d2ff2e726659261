import { afterEach, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Installed } from "../dependency-installer.ts";
import {
  type BenchOptions,
  type InstallBench,
  openInstallBench,
} from "../install-bench.harness.ts";
import { sha256Of, type TestWheel, wheelArchive, wheelFile } from "./wheel-archive.harness.ts";

const alpha: TestWheel = {
  name: "alpha-tools",
  version: "1.2.0",
  files: { "alpha_tools/__init__.py": "from beta import x" },
  metadata: ["Requires-Dist: beta (<2,>=1.0)", 'Requires-Dist: gamma; extra == "more"'],
};
const beta: TestWheel = {
  name: "beta",
  version: "1.5",
  tag: "py2.py3-none-any",
  files: {
    "beta.py": "x = 1",
    "beta-1.5.data/scripts/run": "#!python",
    "beta-1.5.data/purelib/b2.py": "2",
  },
};
const pinned = "alpha_tools==1.2.0  # the one\nBeta==1.5\n";

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const part of opened.splice(0)) await part.close();
});

async function open(options: BenchOptions = {}): Promise<InstallBench> {
  const bench = await openInstallBench(options);
  opened.push(bench);
  return bench;
}

type Files = Readonly<Record<string, string | Uint8Array>>;

function withWheels(requirements: string, ...wheels: readonly TestWheel[]): Files {
  return {
    "main.py": "def handler(event): return 1",
    "requirements.txt": requirements,
    ...Object.fromEntries(
      wheels.map((wheel) => [`wheels/${wheelFile(wheel)}`, wheelArchive(wheel)]),
    ),
  };
}

async function install(files: Files, options: BenchOptions = {}): Promise<Installed> {
  return (await open(options)).install(files, { runtime: "python" });
}

async function refusal(files: Files, options: BenchOptions = {}): Promise<string> {
  return (await (await open(options)).refusal(files, { runtime: "python" })).message;
}

const pathsOf = ({ files }: Installed): string[] =>
  [...files.keys()].filter((path) => !path.includes("dist-info"));

describe("from wheels/", () => {
  test("pinned wheels are unpacked below vendor/, and wheels/ itself is left out", async () => {
    const installed = await install(withWheels(pinned, alpha, beta));
    expect(pathsOf(installed)).toEqual([
      "main.py",
      "requirements.txt",
      "vendor/alpha_tools/__init__.py",
      "vendor/beta.py",
      "vendor/b2.py",
    ]);
    expect(installed.files.has("vendor/beta-1.5.dist-info/METADATA")).toBe(true);
    expect(installed.notes[0]).toMatch(
      /^installed requirements\.txt in \d+ ms: 2 packages: Beta==1\.5, alpha_tools==1\.2\.0$/,
    );
  });

  test("a marker that does not hold leaves its package out", async () => {
    const text = `beta==1.5\nalpha-tools==9 ; python_version < "3" # old\nabsent==1; sys_platform == 'win32'\n`;
    expect(pathsOf(await install(withWheels(text, beta)))).toContain("vendor/beta.py");
  });

  test("hashes count, over several lines", async () => {
    const hash = sha256Of(wheelArchive(beta));
    const text = `--require-hashes\nbeta==1.5 \\\n    --hash=sha256:${"0".repeat(64)} \\\n    --hash=sha256:${hash}\n`;
    expect(pathsOf(await install(withWheels(text, beta)))).toContain("vendor/beta.py");
  });

  test("vendor/ that came with the upload is used as it is, and comments need nothing", async () => {
    const vendored = await install({ ...withWheels(pinned), "vendor/x.py": "1" });
    expect(vendored.notes).toEqual([]);
    expect((await install(withWheels("# nothing\n\n"))).notes).toEqual([]);
  });
});

const refusals: Readonly<Record<string, readonly [files: () => Files, ...words: string[]]>> = {
  "a range": [
    () => withWheels("beta>=1\n", beta),
    "line 1",
    '"beta>=1" is not pinned',
    "pip freeze",
  ],
  "a name alone": [() => withWheels("\nbeta\n", beta), "line 2", "is not pinned"],
  "a URL": [() => withWheels("beta @ https://example.com/beta.whl\n"), "is not pinned"],
  "a folder": [() => withWheels("./beta\n"), "is not pinned"],
  "an editable folder": [() => withWheels("-e ./beta\n"), "the option"],
  "another index": [
    () => withWheels("--index-url http://10.0.0.1/\nbeta==1.5\n"),
    "line 1: the option",
  ],
  "another file": [() => withWheels("-r more.txt\n"), "the option"],
  "two versions": [() => withWheels("beta==1.5\nbeta==1.6\n"), "beta==1.6 contradicts beta==1.5"],
  "a marker that cannot be read": [() => withWheels("beta==1.5; a == 'b'\n"), "the marker"],
  "a hash of another kind": [() => withWheels("beta==1.5 --hash=md5:0\n"), "no sha256 hash"],
  "a hash for one package only": [
    () => withWheels(`beta==1.5 --hash=sha256:${"0".repeat(64)}\nalpha-tools==1.2.0\n`),
    "none for alpha-tools==1.2.0",
  ],
  "another hash": [
    () => withWheels(`beta==1.5 --hash=sha256:${"0".repeat(64)}\n`, beta),
    "not what requirements.txt says (integrity mismatch)",
  ],
  "a wheel that is not there": [
    () => withWheels("beta==1.5\n"),
    "no wheel of beta==1.5",
    "pip download --no-deps --only-binary :all: -d wheels beta==1.5",
    "functions.python_index",
  ],
  "another version": [() => withWheels("beta==1.6\n", beta), "no wheel of beta==1.6"],
  "a source package": [
    () => ({ ...withWheels("beta==1.5\n"), "wheels/beta-1.5.tar.gz": "x" }),
    "wheels/beta-1.5.tar.gz is a source package",
  ],
  "native code": [
    () => withWheels("beta==1.5\n", { ...beta, tag: "cp311-cp311-manylinux_2_17_x86_64" }),
    "beta==1.5 is there as native code only (beta-1.5-cp311-cp311-manylinux_2_17_x86_64.whl)",
  ],
  "native code in a wheel that says that it has none": [
    () =>
      withWheels("beta==1.5\n", {
        ...beta,
        files: { "beta/_c.cpython-311-x86_64-linux-gnu.so": "\x7fELF" },
      }),
    "the wheel of beta==1.5 is refused: it is no pure Python (beta/_c.cpython-311-x86_64-linux-gnu.so)",
  ],
  "a wheel that is not pure by its own word": [
    () => withWheels("beta==1.5\n", { ...beta, pure: false }),
    "it is no pure Python",
  ],
  "a wheel for another Python": [
    () => withWheels("beta==1.5\n", { ...beta, tag: "py312-none-any" }),
    "beta-1.5-py312-none-any.whl is not for Python 3.11.2",
  ],
  "a package that needs another Python": [
    () => withWheels("beta==1.5\n", { ...beta, metadata: ["Requires-Python: >=3.12"] }),
    "beta==1.5 needs Python >=3.12, and functions run on 3.11.2 here",
  ],
  "a need that is not pinned": [
    () => withWheels("alpha-tools==1.2.0\n", alpha),
    "alpha-tools==1.2.0 needs beta<2,>=1.0, which requirements.txt does not pin",
  ],
  "a need of an extra that is not pinned": [
    () => withWheels("alpha-tools[More]==1.2.0\nbeta==1.5\n", alpha, beta),
    "needs gamma, which requirements.txt does not pin",
  ],
  "a need that is pinned to another version": [
    () =>
      withWheels("alpha-tools==1.2.0\nbeta==2.0\n", alpha, { ...beta, version: "2.0", files: {} }),
    "needs beta<2,>=1.0, and requirements.txt pins beta==2.0",
  ],
  "a file with other content than RECORD says": [
    () =>
      withWheels("beta==1.5\n", {
        ...beta,
        record: (text) => text.replace(/(beta\.py,sha256=)./, "$1_"),
      }),
    "beta.py has another content than its RECORD says",
  ],
  "a file without a hash": [
    () =>
      withWheels("beta==1.5\n", {
        ...beta,
        record: (text) => text.replace(/beta\.py,[^,]*/, "beta.py,"),
      }),
    "beta.py has another content than its RECORD says",
  ],
  "a file that RECORD does not name": [
    () => withWheels("beta==1.5\n", { ...beta, smuggled: { "evil.pth": "import os" } }),
    'its RECORD does not name "evil.pth"',
  ],
  "a file that only RECORD names": [
    () => withWheels("beta==1.5\n", { ...beta, record: (text) => `${text}more.py,sha256=x,1\n` }),
    'its RECORD names "more.py", which is not in it',
  ],
  "a wheel of another package": [
    () => ({
      ...withWheels("beta==1.5\n"),
      "wheels/beta-1.5-py3-none-any.whl": wheelArchive(alpha),
    }),
    'the wheel of beta==1.5 says that it is "alpha-tools==1.2.0"',
  ],
  "a path that leaves the folder": [
    () => withWheels("beta==1.5\n", { ...beta, files: { "../../x.py": "1" } }),
    "the wheel of beta==1.5 is refused",
  ],
  "no zip": [
    () => ({ ...withWheels("beta==1.5\n"), "wheels/beta-1.5-py3-none-any.whl": "no zip" }),
    "the wheel of beta==1.5 is refused",
  ],
  "one file in two packages": [
    () =>
      withWheels("beta==1.5\ngamma==1\n", beta, {
        name: "gamma",
        version: "1",
        files: { "beta.py": "other" },
      }),
    "beta==1.5 and gamma==1 both have beta.py",
  ],
};

describe("what cannot be installed is refused by name", () => {
  test.each(Object.keys(refusals))("%s", async (what) => {
    const [files, ...words] = refusals[what] ?? [() => ({})];
    const message = await refusal(files());
    for (const word of words) expect(message).toContain(word);
  });

  test("a wheel that is a bomb", async () => {
    const bomb: TestWheel = { ...beta, files: { "beta.py": "0".repeat(8 * 1_048_576) } };
    expect(await refusal(withWheels("beta==1.5\n", bomb))).toContain("more than 100 times");
  });
});

/** An index of the simple kind with these wheels. */
async function startIndex(
  kind: "JSON" | "HTML",
  wheels: readonly TestWheel[],
  options: { readonly hashes?: boolean; readonly tamper?: boolean } = {},
): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const { hashes = true, tamper = false } = options;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const name = /^\/simple\/([^/]+)\/$/.exec(path)?.[1];
    const own = wheels.filter((wheel) => wheel.name === name);
    const file = wheels.find((wheel) => path === `/files/${wheelFile(wheel)}`);
    if (file !== undefined)
      response.end(Buffer.concat([wheelArchive(file), Buffer.from(tamper ? "x" : "")]));
    else if (own.length === 0) response.writeHead(404).end();
    else if (kind === "JSON")
      response.end(JSON.stringify({ files: own.map((wheel) => entry(wheel, hashes)) }));
    else response.end(`<html>${own.map((wheel) => anchor(wheel, hashes)).join("\n")}</html>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  opened.push({ close: () => server.close() });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`, asked };
}

function entry(wheel: TestWheel, hashes: boolean): object {
  const url = `../../files/${wheelFile(wheel)}`;
  return {
    filename: wheelFile(wheel),
    url,
    hashes: hashes ? { sha256: sha256Of(wheelArchive(wheel)) } : {},
  };
}

function anchor(wheel: TestWheel, hashes: boolean): string {
  const hash = hashes ? `#sha256=${sha256Of(wheelArchive(wheel))}` : "";
  return `<a href="../../files/${wheelFile(wheel)}${hash}" data-requires-python="&gt;=3">${wheelFile(wheel)}</a>`;
}

describe("from the operator's index", () => {
  test.each(["JSON", "HTML"] as const)(
    "wheels are taken from an index that answers in %s",
    async (kind) => {
      const { url, asked } = await startIndex(kind, [
        alpha,
        { ...alpha, version: "1.3.0" },
        { ...beta, tag: "cp311-cp311-win_amd64" },
        beta,
      ]);
      const bench = await open({ pythonIndex: url });
      const installed = await bench.install(withWheels(pinned), { runtime: "python" });
      expect(pathsOf(installed)).toContain("vendor/alpha_tools/__init__.py");
      expect(asked.toSorted()).toEqual([
        `/files/${wheelFile(alpha)}`,
        `/files/${wheelFile(beta)}`,
        "/simple/alpha-tools/",
        "/simple/beta/",
      ]);
      const again = await bench.install(withWheels(pinned), { runtime: "python" });
      expect(again.notes[0]).toContain("from the cache");
      expect(asked.length).toBe(4);
    },
  );

  test("what came with the upload is not asked for, and --no-index asks for nothing", async () => {
    const { url, asked } = await startIndex("JSON", [alpha, beta]);
    await install(withWheels(pinned, alpha, beta), { pythonIndex: url });
    expect(await refusal(withWheels(`--no-index\n${pinned}`), { pythonIndex: url })).toContain(
      "in wheels/",
    );
    expect(asked).toEqual([]);
  });

  test("a wheel with other content than the index says, or without any hash, is refused", async () => {
    const tampered = await startIndex("JSON", [beta], { tamper: true });
    expect(await refusal(withWheels("beta==1.5\n"), { pythonIndex: tampered.url })).toContain(
      "not what the index says (integrity mismatch)",
    );
    const bare = await startIndex("HTML", [beta], { hashes: false });
    expect(await refusal(withWheels("beta==1.5\n"), { pythonIndex: bare.url })).toContain(
      "neither the index nor requirements.txt has a SHA-256 of beta==1.5",
    );
  });

  test("an index that does not have it, or points to a private address, is a typed error", async () => {
    const { url } = await startIndex("JSON", []);
    expect(await refusal(withWheels("beta==1.5\n"), { pythonIndex: url })).toContain(
      "it answered 404",
    );
    const other = await startIndex("JSON", [beta]);
    const server = createServer((_request, response) =>
      response.end(
        JSON.stringify({
          files: [{ ...entry(beta, true), url: `${other.url}/../files/${wheelFile(beta)}` }],
        }),
      ),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    opened.push({ close: () => server.close() });
    const pythonIndex = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
    expect(await refusal(withWheels("beta==1.5\n"), { pythonIndex })).toContain(
      "a loopback address",
    );
  });
});
