import path from "node:path";
import { nearestKey, typoDistance } from "../../domain/nearest-key.ts";
import { ConfigError } from "./config-error.ts";
import { parseConfigFile, type ReadFile } from "./config-file.ts";
import { checkSettings } from "./check-settings.ts";
import { parseSetting } from "./parse-setting.ts";
import { environmentName, type SettingDefinition } from "./setting.ts";
import { type SettingKey, settingTable } from "./setting-table.ts";
import type { Settings } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting as it may be shown. */
export interface SettingEntry {
  /** Dotted path, as in reactor.toml. */
  readonly key: string;
  /** A secret shows as `(hidden)`; an address as `host:port`; a setting that is not set as null. */
  readonly value: unknown;
  /** `default`, `file reactor.toml:3`, `env REACTOR_LISTEN` or `flag --listen`. */
  readonly origin: string;
}

export interface Config {
  readonly settings: Settings;
  readonly entries: readonly SettingEntry[];
  /** Said at every start. */
  readonly warnings: readonly string[];
  /** The configuration file that was read. */
  readonly file: string | undefined;
}

export interface ConfigSources {
  /** Values of the options by their camelCase name; others than settings are ignored. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly cwd: string;
  readonly readFile: ReadFile;
  readonly cores: number;
  /** Memory of the machine in MiB. */
  readonly memoryMb: number;
  readonly uid: number;
}

interface Given {
  readonly raw: unknown;
  readonly origin: string;
  /** Where relative paths start. */
  readonly folder: string;
}

/** Environment variables of the CLI and of bin/reactor; no settings, but no mistakes either. */
const otherVariables = [
  "REACTOR_URL",
  "REACTOR_API_KEY",
  "REACTOR_PROJECT",
  "REACTOR_ENGINE",
  "REACTOR_BUN",
  "REACTOR_NODE",
  "REACTOR_CONFIG",
];

const definitions: readonly (readonly [SettingKey, SettingDefinition])[] = Object.entries(
  settingTable,
) as [SettingKey, SettingDefinition][];
const knownPaths = new Set(definitions.map(([, definition]) => definition.path));
const prefixes = new Set(
  [...knownPaths].flatMap((known) => {
    const parts = known.split(".");
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
  }),
);

function hint(word: string, candidates: Iterable<string>): string {
  const near = nearestKey(word, candidates, typoDistance(word));
  return near === undefined ? "" : `; did you mean ${near}?`;
}

async function readGivenFile(
  sources: ConfigSources,
  problems: string[],
): Promise<{ file: string | undefined; given: Map<string, Given> }> {
  const flag = sources.flags["config"];
  const named = typeof flag === "string" ? flag : sources.env["REACTOR_CONFIG"] || undefined;
  const file = path.resolve(sources.cwd, named ?? "reactor.toml");
  const text = await sources.readFile(file);
  if (text === undefined) {
    if (named !== undefined) throw new ConfigError([`the file ${file} is not there`]);
    return { file: undefined, given: new Map() };
  }
  const shown = path.relative(sources.cwd, file) || file;
  const given = new Map<string, Given>();
  for (const entry of parseConfigFile(text, { file: shown, isPrefix: (p) => prefixes.has(p) })) {
    const origin = `file ${shown}${entry.line === undefined ? "" : `:${entry.line}`}`;
    if (knownPaths.has(entry.path)) {
      given.set(entry.path, { raw: entry.value, origin, folder: path.dirname(file) });
    } else {
      const key = entry.path.slice(0, 80);
      problems.push(`${origin}: there is no setting ${key}${hint(key, knownPaths)}`);
    }
  }
  return { file, given };
}

/** The value that wins: flag, then environment, then file. */
function givenFor(
  key: SettingKey,
  definition: SettingDefinition,
  sources: ConfigSources,
  fromFile: ReadonlyMap<string, Given>,
): Given | undefined {
  const flag = definition.flag ? sources.flags[key] : undefined;
  // A switch that is absent arrives as false.
  if (flag !== undefined && !(definition.type === "boolean" && flag === false)) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return { raw: flag, origin: `flag --${name}`, folder: sources.cwd };
  }
  for (const variable of [environmentName(definition), definition.alias ?? ""]) {
    const text = sources.env[variable];
    if (text !== undefined && text !== "") {
      return { raw: text, origin: `env ${variable}`, folder: sources.cwd };
    }
  }
  return fromFile.get(definition.path);
}

function unknownVariables(env: Environment): string[] {
  const known = new Set([
    ...otherVariables,
    ...definitions.map(([, definition]) => environmentName(definition)),
  ]);
  return Object.keys(env)
    .filter((name) => name.startsWith("REACTOR_") && !known.has(name))
    .sort()
    .map(
      (name) => `the environment variable ${name.slice(0, 80)} is no setting${hint(name, known)}`,
    );
}

function shown(definition: SettingDefinition, value: unknown): unknown {
  if (value === undefined) return null;
  if (definition.secret) return "(hidden)";
  if (definition.type !== "address") return value;
  const { host, port } = value as { host: string; port: number };
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What a raw value is called in a message; never the value of a secret. */
function quoted(definition: SettingDefinition, raw: unknown): string {
  if (definition.secret) return "a value that is not shown";
  return (JSON.stringify(raw) ?? String(raw)).slice(0, 120);
}

function defaultOf(
  definition: SettingDefinition,
  values: ReadonlyMap<string, unknown>,
  sources: ConfigSources,
): unknown {
  const { cores, memoryMb, uid, env } = sources;
  return (
    definition.default ??
    definition.defaultFrom?.({
      cores,
      memoryMb,
      uid,
      userRunDir: env["XDG_RUNTIME_DIR"] || undefined,
      value: (wanted) => values.get(wanted),
    })
  );
}

/**
 * Reads every setting: flag before environment before file before default. Throws ConfigError that
 * lists every problem with its place. Unknown keys of the file are problems; unknown `REACTOR_`
 * variables are warnings, since others set such variables too (Kubernetes does for its services).
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const problems: string[] = [];
  const warnings = unknownVariables(sources.env);
  const { file, given: fromFile } = await readGivenFile(sources, problems);
  const values = new Map<string, unknown>();
  const settings: Record<string, unknown> = {};
  const entries: SettingEntry[] = [];
  for (const [key, definition] of definitions) {
    const given = givenFor(key, definition, sources, fromFile);
    if (given && definition.refused !== undefined) {
      problems.push(`${given.origin}: ${definition.path} cannot be set: ${definition.refused}`);
      continue;
    }
    if (given && definition.unused !== undefined) {
      warnings.push(`${given.origin}: ${definition.path} has no effect: ${definition.unused}`);
    }
    const raw = given ? given.raw : defaultOf(definition, values, sources);
    const parsed =
      raw === undefined
        ? ({ ok: true, value: undefined } as const)
        : parseSetting(raw, definition, given?.folder ?? sources.cwd);
    if (!parsed.ok) {
      const origin = given?.origin ?? "default";
      problems.push(
        `${origin}: ${definition.path} is ${quoted(definition, raw)}, it must be ${parsed.must}`,
      );
      // The default stands in, so that settings computed from this one do not fail as well.
      values.set(definition.path, definition.default);
      continue;
    }
    values.set(definition.path, parsed.value);
    if (definition.refused === undefined) settings[key] = parsed.value;
    const origin = given?.origin ?? "default";
    entries.push({ key: definition.path, value: shown(definition, parsed.value), origin });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const complete = Object.freeze(settings) as Settings;
  const checked = checkSettings(complete);
  if (checked.problems.length > 0) throw new ConfigError(checked.problems);
  return { settings: complete, entries, warnings: [...warnings, ...checked.warnings], file };
}
