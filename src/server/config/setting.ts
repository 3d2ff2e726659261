import type { SettingContext } from "./setting-context.ts";

export interface Address {
  readonly host: string;
  /** 0: the system picks a free one. */
  readonly port: number;
}

/** A setting before it is read; the table of them is `settingTable`. */
export interface SettingDefinition {
  /** Dotted path in reactor.toml; the environment variable follows from it. */
  readonly path: string;
  readonly summary: string;
  /** Another environment variable that gives it, for what the whole world calls so. */
  readonly alias?: string;
  /** `path` values are made absolute; `key` is 32 bytes in base64. */
  readonly type: "text" | "integer" | "boolean" | "choice" | "list" | "address" | "path" | "key";
  /** Raw, as it would stand in the file; absent: the setting is optional. */
  readonly default?: string | number | boolean | readonly string[];
  /** Computes the default from settings further up in the table and from the machine. */
  readonly defaultFrom?: (context: SettingContext) => string | number;
  /** The computed default in words, for the reference page. */
  readonly defaultText?: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** What one item of a list must look like, and how to say it. */
  readonly items?: { readonly pattern: Pick<RegExp, "test">; readonly says: string };
  /** Also an option of `reactor serve`. */
  readonly flag?: true;
  /** Never printed, and never taken from the command line. */
  readonly secret?: true;
  /** Known by name but not built yet: setting it stops the start with this reason and remedy. */
  readonly refused?: string;
  /** Known by name and taken, but nothing uses it yet: said at every start. */
  readonly unused?: string;
}

type RawValue<D extends SettingDefinition> = D["type"] extends "integer"
  ? number
  : D["type"] extends "boolean"
    ? boolean
    : D["type"] extends "list"
      ? readonly string[]
      : D["type"] extends "address"
        ? Address
        : D extends { readonly choices: readonly (infer C)[] }
          ? C
          : string;

/** The type of a setting's value; undefined is part of it when there is no default. */
export type SettingValue<D extends SettingDefinition> =
  | RawValue<D>
  | (D extends { readonly default: unknown } | { readonly defaultFrom: unknown }
      ? never
      : undefined);

/** The environment variable of a setting: `functions.data_key` is `REACTOR_FUNCTIONS_DATA_KEY`. */
export function environmentName(definition: Pick<SettingDefinition, "path">): string {
  return `REACTOR_${definition.path.replaceAll(".", "_").toUpperCase()}`;
}
