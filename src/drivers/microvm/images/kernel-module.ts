import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { runTool } from "../../process/run-tool.ts";
import { findTool } from "../../process/sandbox-probe.ts";
import { imageFailure } from "./image-failure.ts";

/** Files of modules, by what they are compressed with: `.ko`, `.ko.gz`, `.ko.xz`, `.ko.zst`. */
export const moduleEnding = /\.ko(?:\.(gz|xz|zst))?$/;

/** The largest modules have some 20 MB. */
const moduleBytesMax = 256 * 1024 * 1024;
const unpackMs = 60_000;
const unzip = promisify(gunzip);

/** Those that no runtime unpacks as surely as the program itself: a file that is cut must not pass. */
const unpackers = {
  xz: { name: "xz", debian: "xz-utils" },
  zst: { name: "zstd", debian: "zstd" },
} as const;

/** The ELF file of a module, whatever the file is compressed with. Throws with what is missing for it. */
export async function readModule(file: string, find = findTool): Promise<Uint8Array> {
  const [, packing] = moduleEnding.exec(file) ?? [];
  if (packing === "xz" || packing === "zst") return unpack(file, packing, find);
  const content = await readFile(file);
  if (packing === undefined) return content;
  try {
    return await unzip(content, { maxOutputLength: moduleBytesMax });
  } catch (error) {
    throw damaged(file, String(error));
  }
}

async function unpack(
  file: string,
  packing: keyof typeof unpackers,
  find: typeof findTool,
): Promise<Uint8Array> {
  const { name, debian } = unpackers[packing];
  const path = find(name);
  if (path === undefined) {
    throw imageFailure(
      `Cannot use the kernel module ${file}: it is compressed with ${name}, which is not on this machine`,
      `apt-get install ${debian}`,
    );
  }
  const options = {
    timeoutMs: unpackMs,
    outputBytesMax: moduleBytesMax,
    encoding: "latin1",
  } as const;
  const { code, stdout, stderr, failure } = await runTool(path, ["-dc", "--", file], options);
  if (code === 0) return Buffer.from(stdout, "latin1");
  throw damaged(file, failure ?? (stderr.trim() || `exit code ${code}`));
}

function damaged(file: string, why: string): Error {
  return imageFailure(
    `Cannot use the kernel module ${file}: ${why}`,
    "Install the kernel's package again",
  );
}
