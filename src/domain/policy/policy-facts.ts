/** Who invokes, as rules see it. Never holds the credential. */
export interface PolicyCaller {
  readonly kind: "key" | "jwt" | "anonymous" | "system";
  /** Key id, or the token's subject; "" for nobody. */
  readonly id: string;
  /** Name of the key; "" for others. */
  readonly name: string;
  /** Claims of a token; empty for others. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export const anonymousPolicyCaller: PolicyCaller = {
  kind: "anonymous",
  id: "",
  name: "",
  claims: {},
};

/** The deployment that would answer. */
export interface PolicyDeployment {
  readonly id: string;
  readonly revision: number;
  readonly runtime: string;
}

/** Everything a rule may look at. */
export interface PolicyFacts {
  readonly method: string;
  /** The request target as the function sees it: path and query, starts with `/`. */
  readonly target: string;
  readonly host: string;
  readonly scheme: string;
  readonly ip: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  readonly caller: PolicyCaller;
  readonly function: { readonly name: string; readonly project: string };
  /** Alias name, or revision number in decimal. */
  readonly alias: string;
  readonly nowMs: number;
}
