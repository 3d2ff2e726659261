import { join } from "node:path";
import { runTool } from "../process/run-tool.ts";

const compileTimeoutMs = 30_000;
/** Of the archive in base64, several times what it has. */
const archiveBytesMax = 4 * 1024 * 1024;

/**
 * Packs the guest half into one archive, compiled by the interpreter that will run it: compiling
 * takes longer than everything else that a guest does before its greeting. It comes by the
 * interpreter's output, so that a server that is killed meanwhile leaves no file.
 */
export async function buildPythonGuest(binaryPath: string): Promise<Uint8Array> {
  const script = join(import.meta.dirname, "guest-archive.py");
  const args = ["-I", "-S", "-B", script, join(import.meta.dirname, "guest")];
  const { code, stdout, stderr, failure } = await runTool(binaryPath, args, {
    timeoutMs: compileTimeoutMs,
    outputBytesMax: archiveBytesMax,
  });
  if (code === 0) return Buffer.from(stdout, "base64");
  const reason = failure ?? (stderr.trim().split("\n").at(-1) || `exit code ${code}`);
  throw new Error(`Cannot prepare Python with "${binaryPath}": ${reason}`);
}
