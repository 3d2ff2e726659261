import type { Isolation, Runtime } from "./manifest.ts";
import type { Range } from "./runtime-limits.ts";

/** What the operator's settings allow a manifest, and give it when it is silent. */
export interface ManifestCaps {
  /** Setting `invoke_max_timeout_ms`. */
  readonly timeoutMsMax: number;
  /** Setting `invoke_default_timeout_ms`. */
  readonly timeoutMsDefault: number;
  /** Setting `bun_max_instances_per_fn`: the default and the most a manifest may ask for. */
  readonly instancesMax: number;
  /** Setting `bun_idle_ttl_secs`. */
  readonly idleTtlSecsDefault: number;
  /** Whether an issuer is set (`jwt.issuer`), so that functions may ask for its tokens. */
  readonly believesTokens: boolean;
}

/** What the bounds of a key may depend on. */
export interface KeyContext {
  readonly runtime: Runtime;
  readonly isolation: Isolation;
  readonly caps: ManifestCaps;
}

/** Bounds of a number; `because` names the server setting that made them tighter. */
export interface KeyRange extends Range {
  readonly because?: string;
}

interface KeyBase {
  /** JSON pointer from the manifest's root. */
  readonly pointer: string;
  /** Bounds and default in words, for the reference page. */
  readonly bounds: string;
  readonly default: string;
  readonly description: string;
}

/** One key a manifest may hold. Parser, tests and reference page come from `manifestKeys`. */
export type ManifestKey =
  | (KeyBase & { readonly type: "object" })
  | (KeyBase & { readonly type: "boolean" })
  | (KeyBase & { readonly type: "schedules" })
  | (KeyBase & { readonly type: "string"; readonly pattern?: RegExp; readonly lengthMax: number })
  | (KeyBase & { readonly type: "choice"; readonly choices: readonly string[] })
  | (KeyBase & {
      readonly type: "integer" | "number";
      readonly range: (context: KeyContext) => KeyRange;
    })
  | (KeyBase & {
      readonly type: "strings";
      readonly pattern?: RegExp;
      readonly lengthMax: number;
      readonly itemsMax: number;
    })
  /** A capability this version does not have; `missing` says what would make it possible. */
  | (KeyBase & { readonly type: "not built"; readonly missing: string });
