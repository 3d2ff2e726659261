import { readdir, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import type { Clock } from "../../../base/clock.ts";
import { createClient } from "../../../client/client.ts";
import type { Address } from "../../config/setting.ts";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const answerMsMax = 2000;
const processesMax = 20_000;

/** Resolves with the error code of listening there; undefined when it works. */
function tryListening({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

async function reactorVersion(
  address: Address,
  clock: Clock,
  scheme: "http" | "https",
): Promise<string | undefined> {
  const host = address.host === "0.0.0.0" || address.host === "::" ? "127.0.0.1" : address.host;
  const url = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
  const patience = new AbortController();
  const timer = clock.after(answerMsMax, () => patience.abort(new Error("no answer in time")));
  try {
    return (await createClient({ url }).health({ signal: patience.signal })).version;
  } catch {
    // No answer, or not one of ours: somebody else listens there, which is what the caller reports.
    return undefined;
  } finally {
    timer.cancel();
  }
}

/** Socket inodes that listen on a TCP port, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(text: string, port: number): readonly string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = "", , state, , , , , , inode] = fields;
    return local.endsWith(wanted) && state === "0A" && inode ? [inode] : [];
  });
}

/** `nginx (pid 123)`, as far as this user may see it. */
async function holderOf(machine: Machine, port: number): Promise<string> {
  const texts = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => machine.read(file)),
  );
  const inodes = texts.flatMap((text) => listeningInodes(text ?? "", port));
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids.slice(0, processesMax)) {
    const folder = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(folder).catch(() => [])) {
      const target = await readlink(`${folder}/${descriptor}`).catch(() => "");
      if (sockets.has(target)) {
        const command = (await machine.read(`/proc/${pid}/comm`))?.trim() ?? "a process";
        return `${command} (pid ${pid})`;
      }
    }
  }
  return "a process that this user may not see";
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not listen on ports below 1024",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the name has no address",
};

/** Whether the server could listen where it should, and who does when it cannot. */
export async function checkPort(
  machine: Machine,
  address: Address,
  clock: Clock,
  scheme: "http" | "https" = "http",
): Promise<readonly Finding[]> {
  const name = "port";
  const where = `${address.host}:${address.port}`;
  const refusal = await tryListening(address);
  const other = "name another address with --listen";
  if (refusal === undefined) {
    return [
      {
        name,
        state: "ok",
        found: `${where} is free`,
        means: "the server can listen there",
        essential: true,
      },
    ];
  }
  if (refusal !== "EADDRINUSE") {
    const found = `cannot listen on ${where}: ${reasons[refusal] ?? refusal}`;
    return [
      {
        name,
        state: "missing",
        found,
        means: "the server cannot start",
        remedy: other,
        essential: true,
      },
    ];
  }
  const version = await reactorVersion(address, clock, scheme);
  const holder = await holderOf(machine, address.port);
  if (version !== undefined) {
    return [
      {
        name,
        state: "ok",
        found: `Reactor ${version} answers on ${where}: ${holder}`,
        means: "the server is running",
        essential: true,
      },
    ];
  }
  return [
    {
      name,
      state: "missing",
      found: `${where} is in use by ${holder}`,
      means: "the server cannot start",
      remedy: `stop it, or ${other}`,
      essential: true,
    },
  ];
}
