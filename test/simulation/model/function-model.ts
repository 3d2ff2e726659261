import { Register } from "./register.ts";

export const productionAlias = "production";
export const aliasNames = [productionAlias, "beta", "canary"] as const;
export const envKeys = ["PLAIN", "OTHER", "TOKEN"] as const;
/** The env key that is always set as a secret. */
export const secretKey = "TOKEN";

/** What clients know of one function: a register per field that they can change. */
export class FunctionModel {
  readonly name: string;
  /** `absent`, `live` or `deleted`. */
  readonly state = new Register("absent");
  /** `true` or `false`. */
  readonly enabled = new Register("true");
  /** Targets by alias as `revision:weight,…`; "" when it is not set. */
  readonly aliases = registers(aliasNames);
  /** Values by key; "" when it is not set. */
  readonly env = registers(envKeys);
  /** Status by revision, of deploys that were acknowledged. */
  readonly deployments = new Map<number, string>();
  /** When the plan showed the function differently for the last time. */
  planChangedAtMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  get registers(): readonly (readonly [string, Register])[] {
    return [
      ["state", this.state],
      ["enabled", this.enabled],
      ...[...this.aliases].map(([name, register]) => [`alias ${name}`, register] as const),
      ...[...this.env].map(([key, register]) => [`env ${key}`, register] as const),
    ];
  }

  /** Revisions that clients know to be ready. */
  get readyRevisions(): number[] {
    return [...this.deployments].filter(([, status]) => status === "ready").map(([n]) => n);
  }

  alias(name: string): Register {
    return found(this.aliases, name);
  }

  envOf(key: string): Register {
    return found(this.env, key);
  }
}

function registers(names: readonly string[]): ReadonlyMap<string, Register> {
  return new Map(names.map((name) => [name, new Register("")]));
}

function found(map: ReadonlyMap<string, Register>, name: string): Register {
  const register = map.get(name);
  if (register === undefined) throw new Error(`Assertion failed: no register ${name}`);
  return register;
}

/** How alias targets are written in a register. */
export function targetsText(
  targets: readonly { readonly revision: number; readonly weight: number }[],
): string {
  return targets.map(({ revision, weight }) => `${revision}:${weight}`).join();
}

/** The revisions that a register's text names. */
export function revisionsOf(text: string): readonly number[] {
  return text === "" ? [] : text.split(",").map((target) => Number.parseInt(target, 10));
}
