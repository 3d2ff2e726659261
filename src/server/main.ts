import { runCli } from "../cli/run-cli.ts";
import { processEnvironment } from "./config/process-environment.ts";
import { localCommands } from "./local-commands.ts";
import { serverVersion } from "./server-version.ts";

/** The program: every command line of `reactor` starts here. */

// One Ctrl-C asks the command to end; it decides what that means (`serve` drains). A second one
// ends the process at once; instances die with it.
const interrupted = new AbortController();
const interrupt = (signal: NodeJS.Signals): void => {
  if (interrupted.signal.aborted) process.exit(130);
  interrupted.abort(new Error(signal));
};
process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);

process.exitCode = await runCli(process.argv.slice(2), {
  env: processEnvironment(),
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTTY: {
    stdin: process.stdin.isTTY,
    stdout: process.stdout.isTTY,
    stderr: process.stderr.isTTY,
  },
  version: serverVersion,
  localCommands,
  signal: interrupted.signal,
  width: process.stdout.columns,
});
process.stdin.destroy();
