import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const timeoutMs = 5000;

/** A sandbox like an instance's, around a program that ends at once. */
const trial = [
  "--unshare-all --die-with-parent --new-session --clearenv",
  "--ro-bind /usr /usr --ro-bind-try /bin /bin --ro-bind-try /lib /lib --ro-bind-try /lib64 /lib64",
  "--proc /proc --dev /dev --tmpfs /tmp --remount-ro /",
  "--uid 65534 --gid 65534 --cap-drop ALL -- /bin/true",
].flatMap((options) => options.split(" "));

async function checkBubblewrap(machine: Machine): Promise<Finding> {
  const name = "bubblewrap";
  const unprotected = "instances run without a sandbox: do not run code that you do not trust";
  const file = await machine.find("bwrap");
  if (file === undefined) {
    return {
      name,
      state: "missing",
      found: "no bwrap on PATH",
      means: unprotected,
      remedy: "apt-get install bubblewrap",
    };
  }
  const version = (await machine.run(file, ["--version"], { timeoutMs })).stdout.trim();
  const result = await machine.run(file, trial, { timeoutMs });
  if (result.code === 0) {
    return {
      name,
      state: "ok",
      found: `${version} at ${file}, a trial sandbox started`,
      means: "instances run in a sandbox (tier 1)",
    };
  }
  const reason = result.failure ?? (result.stderr.trim() || `exit code ${result.code}`);
  return {
    name,
    state: "missing",
    found: `${version} at ${file}, a trial sandbox failed: ${reason.slice(0, 300)}`,
    means: unprotected,
    remedy:
      "allow user namespaces (see the next line), or run the server as root or in a container with them",
  };
}

async function numberIn(machine: Machine, file: string): Promise<number | undefined> {
  const text = await machine.read(file);
  return text === undefined ? undefined : Number(text.trim());
}

async function checkNamespaces(machine: Machine): Promise<Finding> {
  const name = "user namespaces";
  const most = await numberIn(machine, "/proc/sys/user/max_user_namespaces");
  const clone = await numberIn(machine, "/proc/sys/kernel/unprivileged_userns_clone");
  const restricted = await numberIn(
    machine,
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
  );
  if (most === undefined) {
    return {
      name,
      state: "missing",
      found: "the kernel has none",
      means: "no sandbox can start",
      remedy: "boot a kernel with CONFIG_USER_NS",
    };
  }
  if (most === 0) {
    return {
      name,
      state: "missing",
      found: "switched off",
      means: "no sandbox can start",
      remedy: "sysctl user.max_user_namespaces=15000",
    };
  }
  const closed =
    clone === 0
      ? "kernel.unprivileged_userns_clone=1"
      : restricted === 1
        ? "kernel.apparmor_restrict_unprivileged_userns=0"
        : undefined;
  if (closed === undefined) {
    return { name, state: "ok", found: "open to every user", means: "sandboxes can start" };
  }
  return {
    name,
    state: machine.uid === 0 ? "ok" : "warn",
    found: "open to root only",
    means:
      machine.uid === 0
        ? "sandboxes can start, since the server runs as root"
        : "sandboxes cannot start",
    ...(machine.uid === 0 ? {} : { remedy: `sysctl ${closed}` }),
  };
}

/** What separates instances from the machine: bubblewrap (really started) and namespaces. */
export async function checkSandbox(machine: Machine): Promise<readonly Finding[]> {
  return Promise.all([checkBubblewrap(machine), checkNamespaces(machine)]);
}
