import { globFault } from "../path-glob.ts";

/** What a call costs beside its arguments, in the steps that `celLimits.cost` bounds. */
interface CallRule {
  readonly cost: number;
  /** The first argument must be written out, so that it is checked once and costs what it costs. */
  readonly literal?: (text: string) => string | undefined;
}

/** A pass over a string of some kilobytes. */
const pass = 20;

const free: CallRule = { cost: 1 };
const search: CallRule = { cost: 2 * pass, literal: () => undefined };
const zoned: CallRule = { cost: pass };

/** Functions that an expression may call: `name(…)`. */
export const celFunctions: Readonly<Record<string, CallRule>> = {
  has: free,
  size: { cost: 1.5 * pass },
  bool: free,
  int: { cost: pass },
  double: { cost: pass },
  string: { cost: pass },
  timestamp: { cost: pass, literal: timestampFault },
  duration: { cost: pass, literal: durationFault },
};

/** Methods that an expression may call: `value.name(…)`. */
export const celMethods: Readonly<Record<string, CallRule>> = {
  startsWith: { cost: pass },
  endsWith: { cost: pass },
  contains: search,
  glob: { cost: 100 * pass, literal: globFault },
  lowerAscii: { cost: pass },
  upperAscii: { cost: pass },
  trim: { cost: pass },
  size: { cost: 1.5 * pass },
  getFullYear: zoned,
  getMonth: zoned,
  getDate: zoned,
  getDayOfMonth: zoned,
  getDayOfWeek: zoned,
  getHours: zoned,
  getMinutes: zoned,
  getSeconds: zoned,
  getMilliseconds: zoned,
};

/** Methods that run their second argument for every element of the receiver. */
export const celLoops: ReadonlySet<string> = new Set([
  "all",
  "exists",
  "exists_one",
  "filter",
  "map",
]);

/** Getters that take a time zone, with what they say about local time. */
export const zonedGetters: Readonly<Record<string, (local: Date) => number>> = {
  getFullYear: (local) => local.getUTCFullYear(),
  getMonth: (local) => local.getUTCMonth(),
  getDate: (local) => local.getUTCDate(),
  getDayOfMonth: (local) => local.getUTCDate() - 1,
  getDayOfWeek: (local) => local.getUTCDay(),
  getHours: (local) => local.getUTCHours(),
  getMinutes: (local) => local.getUTCMinutes(),
  getSeconds: (local) => local.getUTCSeconds(),
  getMilliseconds: (local) => local.getUTCMilliseconds(),
};

function timestampFault(text: string): string | undefined {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text))
    ? undefined
    : 'must be a time such as "2026-01-31T09:00:00Z"';
}

function durationFault(text: string): string | undefined {
  return text.length <= 64 && /^[+-]?(?:\d{1,12}(?:\.\d{1,9})?(?:ns|us|ms|s|m|h))+$/.test(text)
    ? undefined
    : 'must be a duration such as "90s" or "1h30m"';
}
