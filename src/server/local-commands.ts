import { createIds } from "../base/ids.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import type { Command } from "../cli/command.ts";
import { driverLabel } from "../drivers/driver-table.ts";
import { backupRestoreCommand } from "./backup/restore-command.ts";
import { backupVerifyCommand } from "./backup/verify-command.ts";
import { configCommand } from "./config/config-command.ts";
import type { Settings } from "./config/settings.ts";
import { devCommand } from "./dev/dev-command.ts";
import { createDoctorCommand } from "./doctor/doctor-command.ts";
import type { ProbedDriver } from "./doctor/driver-findings.ts";
import { probeTable } from "./doctor/prove/probe-table.ts";
import { createProveCommand } from "./doctor/prove/prove-command.ts";
import { microvmBuildCommand } from "./microvm/build-command.ts";
import { microvmListCommand } from "./microvm/list-command.ts";
import { microvmRemoveCommand } from "./microvm/remove-command.ts";
import { serveCommand } from "./serve-command.ts";

/** Commands of this machine's own server; every other command speaks to a server over HTTP. */
export const localCommands: readonly Command[] = [
  serveCommand,
  devCommand,
  createDoctorCommand({ probeDrivers }),
  createProveCommand(probeTable),
  configCommand,
  backupVerifyCommand,
  backupRestoreCommand,
  microvmBuildCommand,
  microvmListCommand,
  microvmRemoveCommand,
];

async function probeDrivers(
  settings: Settings,
  signal: AbortSignal,
): Promise<readonly ProbedDriver[]> {
  const context = {
    // A folder of its own: the server's may be in use.
    settings: {
      ...settings,
      bunBlankInstances: 0,
      blankInstances: 0,
      runDir: `${settings.runDir}-doctor-${process.pid}`,
    },
    clock: systemClock,
    random: systemRandom,
    ids: createIds(systemClock, systemRandom),
    log: silentLog,
    searchPath: "/usr/local/bin:/usr/bin:/bin",
  };
  // Every command line loads this file, and only doctor asks the drivers.
  const { openDrivers } = await import("./drivers.ts");
  const drivers = await openDrivers(context, signal);
  try {
    return [...drivers.probes].map(([key, probe]) => ({ name: driverLabel(key), probe }));
  } finally {
    await drivers.close();
  }
}
