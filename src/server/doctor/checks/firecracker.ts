import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const timeoutMs = 5000;

/** Nothing where there is none: QEMU does all that it does. */
export async function checkFirecracker(machine: Machine): Promise<readonly Finding[]> {
  const file = await machine.find("firecracker");
  if (file === undefined) return [];
  const { code, stdout, failure } = await machine.run(file, ["--version"], { timeoutMs });
  const version = stdout.split("\n")[0]?.trim() ?? "";
  const found = code === 0 ? version : `it does not work: ${failure ?? `exit code ${code}`}`;
  return [
    {
      name: "firecracker",
      state: "warn",
      found: `${found} at ${file}`,
      means:
        "unproven here: written to its published API, run by no machine yet; microVMs use it where KVM works and their image has a kernel that it can boot, and QEMU elsewhere",
    },
  ];
}
