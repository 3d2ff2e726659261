/** A deployment as far as its owner can tell. */
export interface DeploymentState {
  readonly label: string;
  readonly status: string;
}

/**
 * What a client believes of one function, or what the API says of it. Two are equal when their
 * `canonical` texts are. A deleted function shows nothing of itself until it is restored.
 */
export interface FunctionState {
  readonly exists: boolean;
  readonly deleted: boolean;
  readonly enabled: boolean;
  /** Label that `production` points to. */
  readonly production: string | undefined;
  /** Labels that aliases point to, by name; without `production`. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Values in the client's belief; what the API says is only which are set. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Oldest first. */
  readonly deployments: readonly DeploymentState[];
}

export const absentFunction: FunctionState = {
  exists: false,
  deleted: false,
  enabled: true,
  production: undefined,
  aliases: {},
  env: {},
  secrets: {},
  deployments: [],
};

const sorted = (record: Readonly<Record<string, string>>): (readonly [string, string])[] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** What can be compared without knowing secrets, as text. */
export function canonical(state: FunctionState): string {
  if (!state.exists) return "absent";
  if (state.deleted) return "deleted";
  return JSON.stringify({
    enabled: state.enabled,
    production: state.production ?? null,
    aliases: sorted(state.aliases),
    env: sorted(state.env),
    secrets: Object.keys(state.secrets).sort(),
    deployments: state.deployments.map(({ label, status }) => `${label} ${status}`),
  });
}

export function readyLabels(state: FunctionState): readonly string[] {
  return state.deployments.filter(({ status }) => status === "ready").map(({ label }) => label);
}
