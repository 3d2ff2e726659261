import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "../process/run-tool.ts";

const compileTimeoutMs = 30_000;

/**
 * Packs the guest half into one archive, compiled by the interpreter that will run it: compiling
 * takes longer than everything else that a guest does before its greeting.
 */
export async function buildPythonGuest(binaryPath: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "reactor-guest-"));
  try {
    const archive = join(folder, "guest.pyz");
    const script = join(import.meta.dirname, "guest-archive.py");
    const args = ["-I", "-S", "-B", script, join(import.meta.dirname, "guest"), archive];
    const { code, stderr, failure } = await runTool(binaryPath, args, {
      timeoutMs: compileTimeoutMs,
    });
    if (code !== 0) {
      const reason = failure ?? (stderr.trim().split("\n").at(-1) || `exit code ${code}`);
      throw new Error(`Cannot prepare Python with "${binaryPath}": ${reason}`);
    }
    return readFileSync(archive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
