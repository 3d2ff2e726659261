import { describe, expect, test } from "bun:test";
import type { Instance } from "../driver.ts";
import { openFunctionContext } from "./function-context.harness.ts";

/** What hostile code inside the sandbox finds out. */
const probe = `
import ctypes, errno, glob, json, os, resource, socket, subprocess

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *values):
    padded = [ctypes.c_long(value) for value in (*values, 0, 0, 0, 0, 0)][:5]
    if libc.syscall(ctypes.c_long(number), *padded) == -1:
        return errno.errorcode[ctypes.get_errno()]
    return "ok"

def attempt(work):
    try:
        return work() or "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def write(path, content=b"x"):
    with open(path, "wb") as file:
        file.write(content)

def fill(folder):
    for number in range(128):
        write(f"{folder}/big{number}", bytes(1024 * 1024))
    return "endless"

def connect(host, port):
    with socket.socket() as raw:
        raw.settimeout(5)
        raw.connect((host, port))
        return "connected" if raw.recv(1) else "closed"

def seccomp_of_child():
    shown = subprocess.run(["/bin/grep", "Seccomp:", "/proc/self/status"], capture_output=True, text=True)
    return shown.stdout.split()[1]

def handler(event):
    return {
        "calls": {
            "unshareUser": call(272, 0x10000000), "unshareNet": call(272, 0x40000000), "setns": call(308, 0, 0),
            "mount": call(165, 0, 0, 0, 0, 0), "pivotRoot": call(155, 0, 0), "chroot": call(161, 0),
            "ptrace": call(101, 0, 0, 0, 0), "bpf": call(321, 0, 0, 0), "keyctl": call(250, 0),
            "ioUring": call(425, 1, 0), "processVmReadv": call(310, 1, 0, 0, 0, 0), "tiocsti": call(16, 0, 0x5412, 0),
        },
        "netlink": call(41, 16, 3, 0), "packet": call(41, 17, 3, 0),
        "ids": [os.getuid(), os.getgid()],
        "status": open("/proc/self/status").read(),
        "childFilter": seccomp_of_child(),
        "root": sorted(os.listdir("/")),
        "etc": [path for path, _folders, files in os.walk("/etc") if files],
        "reads": {path: attempt(lambda: open(path).read()) for path in ("/etc/passwd", "/root/.profile", "/sys/kernel/version")},
        "writes": {path: attempt(lambda: write(path)) for path in (
            "/usr/x", "/x", "/runtime/bin", "/runtime/guest.pyz", "/run/reactor/x", "/dev/x", "/usr/lib/python3.11/os.py")},
        "tmp": attempt(lambda: write("/tmp/x")), "shm": attempt(lambda: write("/dev/shm/x")),
        "fill": attempt(lambda: fill("/tmp")),
        "environ": [open(path).read() for path in glob.glob("/proc/[0-9]*/environ")],
        "sockets": attempt(lambda: connect("127.0.0.1", event["port"])),
        "hostname": socket.gethostname(),
        "files": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "cores": list(resource.getrlimit(resource.RLIMIT_CORE)),
    }
`;

interface Facts {
  readonly calls: Readonly<Record<string, string>>;
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
  readonly environ: readonly string[];
  readonly [fact: string]: unknown;
}

describe.if(Bun.which("bwrap") !== null)("the sandbox of tier 1 (needs bubblewrap)", () => {
  const context = openFunctionContext({ tmpBytesMax: 16 * 1024 * 1024 });
  let instance: Promise<Instance> | undefined;
  let asked: Promise<Facts> | undefined;

  async function ask(): Promise<Facts> {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      instance ??= context.function(probe, { secrets: { TOKEN: "s3cret" } });
      const body = JSON.stringify({ port: server.port });
      const facts: Facts = JSON.parse((await context.ok(await instance, { body })).text());
      return facts;
    } finally {
      server.stop(true);
    }
  }
  const facts = (): Promise<Facts> => (asked ??= ask());

  test("what could lead out of it answers EPERM, and odd socket families do not exist", async () => {
    const { calls, netlink, packet } = await facts();
    expect(Object.entries(calls).filter(([, answer]) => answer !== "EPERM")).toEqual([]);
    expect([netlink, packet]).toEqual(["EAFNOSUPPORT", "EAFNOSUPPORT"]);
  });

  test("the function is nobody, without capabilities, and its children are filtered too", async () => {
    const { ids, status, childFilter } = await facts();
    expect(ids).toEqual([65534, 65534]);
    expect(status).toMatch(/CapEff:\s+0{16}/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    expect(childFilter).toBe("2");
  });

  test("it sees only its own root, and nothing of the machine's files", async () => {
    const { root, reads, etc } = await facts();
    const known = ["bin", "dev", "etc", "lib", "lib64", "proc", "run", "runtime", "tmp", "usr"];
    expect(known).toEqual(expect.arrayContaining(root as string[]));
    // Public certificates, so that `ssl` knows whom to trust.
    expect((etc as string[]).filter((path) => !/^\/etc\/(?:ssl|pki)\//.test(path))).toEqual([]);
    for (const [path, outcome] of Object.entries(reads)) {
      expect([path, outcome]).toEqual([path, "ENOENT"]);
    }
  });

  test("it writes to its private /tmp and /dev/shm only, both bounded", async () => {
    const { tmp, shm, fill, writes } = await facts();
    expect([tmp, shm, fill]).toEqual(["ok", "ok", "ENOSPC"]);
    for (const [path, outcome] of Object.entries(writes)) {
      expect([path, outcome]).toEqual([path, expect.stringMatching(/^(?:EROFS|EACCES)$/)]);
    }
  });

  test("no secret and nothing of the server is in any initial environment", async () => {
    const { environ } = await facts();
    expect(environ.length).toBeGreaterThan(0);
    const known = /^(?:PATH|HOME|TMPDIR|LANG|PWD|OLDPWD|_|https?_proxy)$/i;
    for (const text of environ) {
      const keys = text.split("\0").flatMap((entry) => entry.split("=", 1)[0] || []);
      expect(keys.filter((key) => !known.test(key))).toEqual([]);
    }
  });

  test("the host's loopback is not its own, and its limits are the known ones", async () => {
    const { sockets, hostname, files, cores } = await facts();
    expect(sockets).toBe("ECONNREFUSED");
    expect(hostname).toBe("function");
    expect([files, cores]).toEqual([
      [4096, 4096],
      [0, 0],
    ]);
  });
});
