import { existsSync } from "node:fs";
import { runTool } from "../process/run-tool.ts";
import type { PythonInstallation } from "./find-python.ts";
import { pythonRuntime } from "./python-runtime.ts";

const timeoutMs = 30_000;
/** Prints a line for each: the library in Python, the one in machine code. */
const question = `
import sysconfig
paths = sysconfig.get_paths()
print(paths["stdlib"])
print(paths["platstdlib"])
`;
/** Where systems keep certificates and what is linked from there, and time zones. */
const systemFolders = [
  "/etc/ssl/certs",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/usr/share/ca-certificates",
  "/usr/share/zoneinfo",
];

/** Every folder that an interpreter reads, for where it is to run without this machine's. */
export async function libraryFolders(installation: PythonInstallation): Promise<readonly string[]> {
  const { binaryPath, env } = pythonRuntime(installation);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const args = [...variables, binaryPath, "-S", "-s", "-B", "-c", question];
  const { code, stdout, stderr, failure } = await runTool("/usr/bin/env", args, { timeoutMs });
  if (code !== 0) {
    const reason = failure ?? (stderr.trim() || `exit code ${code}`);
    throw new Error(`Cannot ask ${binaryPath} for its library: ${reason}`);
  }
  const folders = [...stdout.split("\n").filter(Boolean), ...systemFolders];
  return [...new Set(folders)].filter((folder) => existsSync(folder));
}
