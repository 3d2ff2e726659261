export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof weekdays)[number];

export const pathMatches = ["exact", "prefix", "glob"] as const;
export type PathMatch = (typeof pathMatches)[number];

/** What must hold for an invocation to be admitted. */
export type PolicyRule =
  /** The method is one of these, as written: GET does not include HEAD. */
  | { readonly kind: "method"; readonly methods: readonly string[] }
  /** The path below the function is one of these, starts with one, or fits one. */
  | { readonly kind: "path"; readonly match: PathMatch; readonly paths: readonly string[] }
  /** The local time in the zone is on one of the days and in one of the spans `HH:MM-HH:MM`. */
  | {
      readonly kind: "time_window";
      /** Undefined: every day. A span across midnight belongs to the day on which it starts. */
      readonly days: readonly Weekday[] | undefined;
      /** Undefined: the whole day. The end is not part of a span. */
      readonly hours: readonly string[] | undefined;
      /** IANA name, e.g. `Europe/Berlin`. */
      readonly timezone: string;
    }
  /** The CEL expression is true. */
  | { readonly kind: "cel"; readonly expression: string };

export type PolicyKind = PolicyRule["kind"];

/** A named rule of one function. Never changes: a new one replaces it. */
export interface PolicyRecord {
  readonly id: string;
  readonly functionId: string;
  /** Unique in the function. */
  readonly name: string;
  readonly rule: PolicyRule;
  readonly createdAtMs: number;
}
