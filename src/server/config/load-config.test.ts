import { describe, expect, test } from "bun:test";
import { loadConfig, type ConfigSources } from "./load-config.ts";
import { ConfigError } from "./config-error.ts";
import { environmentName, type SettingDefinition } from "./setting.ts";
import { settingTable } from "./setting-table.ts";

const key = Buffer.alloc(32, 7).toString("base64");

/** The source's own file, without the Storage server and with a real key in place of its placeholder. */
const sourceFile = `
[functions]
workdir = "./.reactor/functions"
data_key = "${key}"
bundle_max_bytes = 52428800 # 50 MiB
invoke_default_timeout_ms = 30000
invoke_max_timeout_ms = 300000
bun_idle_ttl_secs = 300
bun_max_instances_per_fn = 8
# Runtimes to enable (comma-separated: wasm,bun,lambda)
runtimes = ["wasm", "bun"]
[functions.lambda]
region = "us-east-1"
role_arn = "arn:aws:iam::123456789012:role/reactor-lambda"
bundle_s3_bucket = "reactor-function-bundles"
lwa_layer_arn = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:..."
`;

interface Given {
  readonly file?: string;
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, unknown>;
  readonly uid?: number;
}

function sources({ file, env = {}, flags = {}, uid = 0 }: Given = {}): ConfigSources {
  return {
    flags,
    env,
    cwd: "/srv/app",
    cores: 4,
    memoryMb: 8192,
    uid,
    readFile: (name) => Promise.resolve(name === "/srv/app/reactor.toml" ? file : undefined),
  };
}

const load = (given?: Given) => loadConfig(sources(given));

async function problemsOf(given: Given): Promise<readonly string[]> {
  try {
    await load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("loadConfig()", () => {
  test("without any source gives every default, and says so", async () => {
    const { settings, entries, warnings, file } = await load();
    expect(settings.listen).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(settings.dataDir).toBe("/srv/app/.reactor");
    expect(settings.functionsWorkdir).toBe("/srv/app/.reactor/functions");
    expect(settings.bunBlankInstances).toBe(4);
    expect(settings.bunBlankInstancesMax).toBe(42);
    expect(entries.map((entry) => entry.key).sort()).toEqual(
      Object.values(settingTable)
        .map((definition) => definition.path)
        .sort(),
    );
    expect(new Set(entries.map((entry) => entry.origin))).toEqual(new Set(["default"]));
    expect({ warnings, file }).toEqual({ warnings: [], file: undefined });
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test("loads the source's file and says by name what is not built", async () => {
    const { settings, entries, warnings, file } = await load({ file: sourceFile });
    expect(file).toBe("/srv/app/reactor.toml");
    expect(settings).toMatchObject({
      functionsWorkdir: "/srv/app/.reactor/functions",
      dataKey: key,
      bundleBytesMax: 52_428_800,
      invokeTimeoutMs: 30_000,
      invokeTimeoutMsMax: 300_000,
      bunIdleTtlSecs: 300,
      bunInstancesPerFunctionMax: 8,
      runtimes: ["wasm", "bun"],
      lambdaRegion: "us-east-1",
    });
    expect(
      warnings.filter((warning) => warning.includes("the runtime wasm is not built yet")),
    ).toHaveLength(1);
    expect(warnings.filter((warning) => warning.includes("functions.lambda."))).toHaveLength(4);
    expect(entries.find((entry) => entry.key === "functions.workdir")?.origin).toBe(
      "file reactor.toml:3",
    );
  });

  test("never shows a secret, neither as a value nor in an error", async () => {
    expect(JSON.stringify((await load({ file: sourceFile })).entries)).not.toContain(key);
    const problems = await problemsOf({ env: { REACTOR_FUNCTIONS_DATA_KEY: "hunter2-hunter2" } });
    expect(problems.join()).toContain("openssl rand -base64 32");
    expect(problems.join()).not.toContain("hunter2");
    expect((await problemsOf({ file: 'functions.data_key = "hunter2\n' })).join()).not.toContain(
      "hunter2",
    );
  });

  const file = 'listen = "0.0.0.0:1"';
  const env = { REACTOR_LISTEN: "0.0.0.0:2" };
  const flags = { listen: "0.0.0.0:3" };
  test.each([
    ["nothing", {}, 8080, "default"],
    ["the file", { file }, 1, "file reactor.toml:1"],
    ["the environment", { env }, 2, "env REACTOR_LISTEN"],
    ["a flag", { flags }, 3, "flag --listen"],
    ["file and environment", { file, env }, 2, "env REACTOR_LISTEN"],
    ["file and flag", { file, flags }, 3, "flag --listen"],
    ["all three", { file, env, flags }, 3, "flag --listen"],
    ["an empty variable", { file, env: { REACTOR_LISTEN: "" } }, 1, "file reactor.toml:1"],
  ] as const)("with %s the right one wins", async (_, given, port, origin) => {
    const { settings, entries } = await load(given);
    expect(settings.listen.port).toBe(port);
    expect(entries.find((entry) => entry.key === "listen")?.origin).toBe(origin);
  });

  test("a switch that is not given does not hide the environment", async () => {
    const given = {
      flags: { allowUnsandboxed: false },
      env: { REACTOR_ALLOW_UNSANDBOXED: "true" },
    };
    expect((await load(given)).settings.allowUnsandboxed).toBe(true);
    expect((await load({ flags: { allowUnsandboxed: true } })).settings.allowUnsandboxed).toBe(
      true,
    );
  });

  test("relative paths start at the file's folder, or at the current one", async () => {
    const named = await loadConfig({
      ...sources({ flags: { config: "/etc/reactor/reactor.toml" } }),
      readFile: () => Promise.resolve('data_dir = "data"'),
    });
    expect(named.settings.dataDir).toBe("/etc/reactor/data");
    expect((await load({ env: { REACTOR_DATA_DIR: "data" } })).settings.dataDir).toBe(
      "/srv/app/data",
    );
  });

  test("a file that is named must be there", async () => {
    expect(await problemsOf({ flags: { config: "x.toml" } })).toEqual([
      "the file /srv/app/x.toml is not there",
    ]);
    expect(await problemsOf({ env: { REACTOR_CONFIG: "y.toml" } })).toEqual([
      "the file /srv/app/y.toml is not there",
    ]);
  });

  test("the folder for sockets differs by data folder and user", async () => {
    const root = (await load()).settings.runDir;
    expect(root).toMatch(/^\/run\/reactor-[0-9a-f]{8}$/);
    expect((await load({ flags: { dataDir: "/other" } })).settings.runDir).not.toBe(root);
    expect((await load({ uid: 1000 })).settings.runDir).toMatch(
      /^\/tmp\/reactor-[0-9a-f]{8}-1000$/,
    );
    const env = { XDG_RUNTIME_DIR: "/run/user/1000" };
    expect((await load({ uid: 1000, env })).settings.runDir).toMatch(
      /^\/run\/user\/1000\/reactor-/,
    );
  });

  test.each(
    Object.values(settingTable)
      .filter((definition: SettingDefinition) => definition.refused !== undefined)
      .map((definition) => [definition.path, environmentName(definition)] as const),
  )("refuses %s by name, with the remedy", async (path, variable) => {
    const problems = await problemsOf({ env: { [variable]: "http://localhost:8003" } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`env ${variable}: ${path} cannot be set: `);
    expect(problems[0]).toContain("remove");
  });

  test("an unknown key of the file stops the start and names the nearest", async () => {
    expect(await problemsOf({ file: "[functions]\nruntime = 1\n[function.x]\na=1\n" })).toEqual([
      "file reactor.toml:2: there is no setting functions.runtime; did you mean functions.runtimes?",
      "file reactor.toml: there is no setting function",
    ]);
  });

  test("an unknown REACTOR_ variable is a warning that names the nearest", async () => {
    const { warnings } = await load({
      env: { REACTOR_LISTN: "x", REACTOR_URL: "x", REACTOR_ENGINE: "bun", OTHER: "x" },
    });
    expect(warnings).toEqual([
      "the environment variable REACTOR_LISTN is no setting; did you mean REACTOR_LISTEN?",
    ]);
  });

  test("lists every problem at once", async () => {
    const problems = await problemsOf({
      file: 'listen = "nowhere"\nlog_level = "loud"\n[functions]\nruntimes = 7\n',
      env: { REACTOR_SHUTDOWN_GRACE_MS: "soon" },
    });
    expect(problems).toHaveLength(4);
  });

  test.each([
    ["listen", ":8080", "host:port"],
    ["listen", "127.0.0.1:65536", "host:port"],
    ["listen", "http://127.0.0.1:80", "host:port"],
    ["shutdown_grace_ms", "-1", "a whole number from 0"],
    ["shutdown_grace_ms", "1e3", "a whole number"],
    ["shutdown_grace_ms", "1.5", "a whole number"],
    ["allow_unsandboxed", "yes", "true or false"],
    ["sandbox", "on", "one of auto, basic, off"],
    ["functions.bundle_max_bytes", "1", "from 1024"],
    ["hosts", "a b", "a host name without port"],
    ["egress.private_allow", "provisioning-svc", "host:port"],
    ["egress.private_allow", "db:65536", "host:port"],
    ["egress.private_allow", "*:80", "host:port"],
    ["egress.private_allow", "*.com:80", "host:port"],
    ["egress.private_allow", "10.0.*:80", "host:port"],
    ["egress.private_allow", "0.0.0.0/0:80", "a range as 10.1.0.0/16:port"],
    ["egress.private_allow", "10.0.0.1/8:80", "a range as 10.1.0.0/16:port"],
    ["egress.private_allow", "10.0.0.0/8", "a range as 10.1.0.0/16:port"],
    ["egress.connections_max", "0", "from 1"],
    ["egress.idle_timeout_secs", "0", "from 1"],
    ["data_dir", "a\u0000b", "text of one line"],
  ])("refuses %s = %j", async (path, value, must) => {
    const problems = await problemsOf({ env: { [environmentName({ path })]: value } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${path} is `);
    expect(problems[0]).toContain(must);
  });

  test.each([
    ["8081", { host: "127.0.0.1", port: 8081 }],
    ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
    ["[::1]:80", { host: "::1", port: 80 }],
    ["localhost:80", { host: "localhost", port: 80 }],
  ])("reads the address %s", async (text, address) => {
    expect((await load({ flags: { listen: text } })).settings.listen).toEqual(address);
  });

  test.each([
    ["an array", 'functions.runtimes = ["bun", "lambda"]'],
    ["text with commas", 'functions.runtimes = "bun, lambda"'],
  ])("reads a list from %s", async (_, text) => {
    expect((await load({ file: text })).settings.runtimes).toEqual(["bun", "lambda"]);
  });

  test.each([
    ["a number where text belongs", "data_dir = 1"],
    ["text where a truth value belongs", 'observability = "maybe"'],
    ["a table where text belongs", "[data_dir]\na = 1"],
    ["a list of tables", "hosts = [{ a = 1 }]"],
    ["a date", "functions.domain = 2026-11-21"],
    ["a float", "shutdown_grace_ms = 1.5"],
    ["not a number", "shutdown_grace_ms = nan"],
    ["a number beyond 2^53", "shutdown_grace_ms = 99999999999999999999"],
  ])("refuses %s", async (_, text) => {
    expect(await problemsOf({ file: text })).toHaveLength(1);
  });

  test("names an unknown runtime and the nearest one", async () => {
    expect((await problemsOf({ env: { REACTOR_FUNCTIONS_RUNTIMES: "bun,lamda" } }))[0]).toContain(
      "did you mean lambda?",
    );
  });

  test("warns when no runtime is left", async () => {
    const { warnings } = await load({ env: { REACTOR_FUNCTIONS_RUNTIMES: "wasm" } });
    expect(warnings.at(-1)).toContain("no function can run");
  });

  test("refuses a default timeout above the largest one", async () => {
    const [problem] = await problemsOf({
      env: { REACTOR_FUNCTIONS_INVOKE_DEFAULT_TIMEOUT_MS: "400000" },
    });
    expect(problem).toContain("invoke_max_timeout_ms, which is 300000");
  });

  test("refuses log segments that are larger than half of the room for logs", async () => {
    const env = { REACTOR_FUNCTIONS_LOGS_MAX_BYTES: "20000000" };
    expect((await problemsOf({ env }))[0]).toContain("half of functions.logs.max_bytes");
  });
});

describe("the edge", () => {
  const plain = "plain HTTP on 0.0.0.0";
  const beyond = { listen: "0.0.0.0:80" };
  const warningsOf = async (flags: Record<string, unknown>): Promise<readonly string[]> =>
    (await load({ flags })).warnings;

  test("warns of plain HTTP beyond this machine, unless TLS is here or at a trusted proxy", async () => {
    expect((await warningsOf(beyond)).join()).toContain(plain);
    expect(await warningsOf({ listen: "127.0.0.1:80" })).toEqual([]);
    expect(await warningsOf({ ...beyond, trustedProxies: "10.0.0.0/8" })).toEqual([]);
    expect(await warningsOf({ ...beyond, tlsCert: "c.pem", tlsKey: "k.pem" })).toEqual([]);
  });

  test("takes certificate and key together or not at all", async () => {
    expect(await problemsOf({ flags: { tlsCert: "c.pem" } })).toEqual([
      "tls.cert is set without tls.key, TLS needs both",
    ]);
    expect(await problemsOf({ env: { REACTOR_TLS_KEY: "k.pem" } })).toEqual([
      "tls.key is set without tls.cert, TLS needs both",
    ]);
    const { settings } = await load({ file: '[tls]\ncert = "c.pem"\nkey = "/k.pem"' });
    expect([settings.tlsCert, settings.tlsKey]).toEqual(["/srv/app/c.pem", "/k.pem"]);
  });

  test.each(["npm_registry", "jsr_registry", "python_index"])(
    "refuses a %s that is no plain URL, without showing a password",
    async (key) => {
      for (const value of ["registry.example", "ftp://a.example", "https://u:hunter2@a.example"]) {
        expect(await problemsOf({ file: `functions.${key} = "${value}"` })).toEqual([
          `functions.${key} must be an http or https URL without user and password`,
        ]);
      }
      expect(await problemsOf({ file: `functions.${key} = "https://a.example/npm/"` })).toEqual([]);
    },
  );

  test("refuses a trusted proxy that is no address or block", async () => {
    expect((await problemsOf({ env: { REACTOR_TRUSTED_PROXIES: "proxy.example" } }))[0]).toContain(
      "an address or CIDR block",
    );
    expect(await problemsOf({ file: 'trusted_proxies = ["10.0.0.0/33"]' })).toEqual([
      'trusted_proxies names "10.0.0.0/33", it must be an address or a CIDR block, e.g. 10.0.0.7 or 10.0.0.0/8',
    ]);
  });
});

describe("a hostile reactor.toml", () => {
  test.each([
    ["a syntax error", "a = \nb = 2", "line 1 is not TOML: invalid value"],
    ["a table given twice", "[functions]\na=1\n[functions]\n", "line 3 is not TOML"],
    ["a key given twice", "listen=1\nlisten=2", "line 2 is not TOML"],
    ["__proto__", "[functions]\n__proto__ = 1", "line 2 is not TOML"],
    ["constructor.prototype", "constructor.prototype.x = 1", "line 1 is not TOML"],
    ["deep nesting", `a = ${"[".repeat(5000)}${"]".repeat(5000)}`, "line 1 is not TOML"],
    ["control characters", "\u0000", "line 1 is not TOML"],
  ])("with %s is refused with its line", async (_, text, message) => {
    const problems = await problemsOf({ file: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]?.length).toBeLessThan(200);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test("with 100,000 dots is an unknown key", async () => {
    expect(await problemsOf({ file: `${"a.".repeat(100_000)}b = 1` })).toEqual([
      "file reactor.toml: there is no setting a",
    ]);
  });
});
