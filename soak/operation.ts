import type { Draw } from "./draw.ts";
import { type FunctionState, readyLabels } from "./function-state.ts";
import { plainKeys, secretKeys } from "./versioned-source.ts";

/** One thing that the client asks of the server. */
export type Operation =
  | { readonly kind: "create" }
  | {
      readonly kind: "deploy";
      readonly label: string;
      readonly promote: boolean;
      readonly create: boolean;
    }
  | { readonly kind: "promote"; readonly label: string }
  | { readonly kind: "rollback"; readonly label: string }
  | { readonly kind: "alias"; readonly alias: string; readonly label: string }
  | { readonly kind: "unalias"; readonly alias: string }
  | { readonly kind: "env"; readonly key: string; readonly value: string; readonly secret: boolean }
  | { readonly kind: "unset"; readonly key: string; readonly secret: boolean }
  | { readonly kind: "enable"; readonly enabled: boolean }
  | { readonly kind: "delete" }
  | { readonly kind: "restore" }
  | { readonly kind: "invoke" };

const aliasNames = ["canary", "staging"] as const;

/** Draws an operation that the function's present state allows. `serial` makes labels and values unique. */
export function drawOperation(draw: Draw, state: FunctionState, serial: number): Operation {
  if (!state.exists) {
    return draw.chance(0.3)
      ? { kind: "create" }
      : { kind: "deploy", label: `v${serial}`, promote: true, create: true };
  }
  if (state.deleted) return draw.chance(0.7) ? { kind: "restore" } : { kind: "invoke" };
  const ready = readyLabels(state);
  const choices: [number, () => Operation][] = [
    [8, () => ({ kind: "deploy", label: `v${serial}`, promote: draw.chance(0.6), create: false })],
    [1, () => ({ kind: "delete" })],
    [1, () => ({ kind: "enable", enabled: !state.enabled })],
    [6, () => drawEnv(draw, state, serial)],
    [12, () => ({ kind: "invoke" })],
  ];
  if (ready.length > 0) {
    choices.push(
      [6, () => ({ kind: "promote", label: draw.pick(ready) })],
      [4, () => ({ kind: "rollback", label: draw.pick(ready) })],
      [3, () => ({ kind: "alias", alias: draw.pick(aliasNames), label: draw.pick(ready) })],
    );
  }
  const set = Object.keys(state.aliases);
  if (set.length > 0) choices.push([1, () => ({ kind: "unalias", alias: draw.pick(set) })]);
  return draw.weighted(choices)();
}

function drawEnv(draw: Draw, state: FunctionState, serial: number): Operation {
  const secret = draw.chance(0.5);
  const key = draw.pick<string>(secret ? secretKeys : plainKeys);
  const held = secret ? state.secrets : state.env;
  if (key in held && draw.chance(0.2)) return { kind: "unset", key, secret };
  return { kind: "env", key, value: `value-${serial}-${"x".repeat(draw.between(8, 40))}`, secret };
}

/**
 * The states that the function may be in when nobody knows whether the operation happened: as it was,
 * wholly done, or, for a deploy, kept as failed without any further effect. The first is "not done".
 */
export function possibleStates(
  state: FunctionState,
  operation: Operation,
): readonly [before: FunctionState, ...after: FunctionState[]] {
  const done = stateAfter(state, operation);
  if (operation.kind !== "deploy") return done === state ? [state] : [state, done];
  const failed = stateAfter(state, { ...operation, promote: false }, "failed");
  return [state, done, failed];
}

/** The state once the operation is acknowledged. */
export function stateAfter(
  state: FunctionState,
  operation: Operation,
  deployStatus = "ready",
): FunctionState {
  switch (operation.kind) {
    case "create":
      return { ...state, exists: true };
    case "deploy": {
      const deployments = [...state.deployments, { label: operation.label, status: deployStatus }];
      const production = operation.promote ? operation.label : state.production;
      return { ...state, exists: true, deployments, production };
    }
    case "promote":
    case "rollback":
      return { ...state, production: operation.label };
    case "alias":
      return { ...state, aliases: { ...state.aliases, [operation.alias]: operation.label } };
    case "unalias":
      return { ...state, aliases: without(state.aliases, operation.alias) };
    case "env":
    case "unset": {
      const field = operation.secret ? "secrets" : "env";
      const { key } = operation;
      const held =
        operation.kind === "env"
          ? { ...state[field], [key]: operation.value }
          : without(state[field], key);
      return { ...state, [field]: held };
    }
    case "enable":
      return { ...state, enabled: operation.enabled };
    case "delete":
      return { ...state, deleted: true };
    case "restore":
      return { ...state, deleted: false };
    case "invoke":
      return state;
    default:
      return operation satisfies never;
  }
}

function without(record: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
