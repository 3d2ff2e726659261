import type { ManifestKey } from "./manifest-key.ts";
import { routeLengthMax, routeMethods } from "./route.ts";

const between = (min: number, max: number) => () => ({ min, max });

/** A token of HTTP in lower case: what a header may be called. */
const headerPattern = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

const headers = {
  type: "strings",
  pattern: headerPattern,
  lengthMax: 100,
  itemsMax: 64,
  bounds: "at most 64 header names in lower case",
} as const;

/** What a manifest says about the project's API gateway. */
export const routeKeys: readonly ManifestKey[] = [
  {
    pointer: "/route",
    type: "string",
    lengthMax: routeLengthMax,
    bounds: "a path of at most 16 segments, each literal or a parameter such as :id",
    default: "/<name> for a flux.json and in a project's folder, else none",
    description: "Path at the server's root that leads to what `production` names.",
  },
  {
    pointer: "/method",
    type: "choice",
    choices: routeMethods,
    bounds: `one of ${routeMethods.join(", ")}; GET answers HEAD too`,
    default: "POST",
    description: "Method of the route.",
  },
  {
    pointer: "/cors",
    type: "object",
    bounds: "an object",
    default: "the function answers preflights and sets the headers itself",
    description:
      "Which pages of other origins may call the function; the gateway answers preflights.",
  },
  {
    pointer: "/cors/origins",
    type: "strings",
    lengthMax: 300,
    itemsMax: 64,
    bounds: 'at most 64 origins such as https://app.example.com, or "*" alone',
    default: "needed when `cors` is there",
    description: "Origins that browsers may call from.",
  },
  {
    pointer: "/cors/methods",
    type: "strings",
    pattern: /^(?:GET|HEAD|POST|PUT|PATCH|DELETE)$/,
    lengthMax: 10,
    itemsMax: 6,
    bounds: "of GET, HEAD, POST, PUT, PATCH, DELETE",
    default: "all of them",
    description: "Methods that a preflight allows.",
  },
  {
    pointer: "/cors/headers",
    ...headers,
    default: "authorization, content-type, x-reactor-key",
    description: "Request headers that a preflight allows.",
  },
  {
    pointer: "/cors/expose_headers",
    ...headers,
    default: "retry-after, x-request-id",
    description: "Response headers that a page may read.",
  },
  {
    pointer: "/cors/credentials",
    type: "boolean",
    bounds: "true or false; never with the origin *",
    default: "false",
    description: "Whether cookies may come along.",
  },
  {
    pointer: "/cors/max_age_secs",
    type: "integer",
    range: between(0, 86_400),
    bounds: "0–86400",
    default: "600",
    description: "Seconds that a browser may remember a preflight's answer.",
  },
  {
    pointer: "/rate_limit",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "How many requests one client may send; beyond it 429 with Retry-After.",
  },
  {
    pointer: "/rate_limit/requests",
    type: "integer",
    range: between(1, 1_000_000),
    bounds: "1–1000000",
    default: "no limit",
    description: "Requests within the period, all at once or spread over it.",
  },
  {
    pointer: "/rate_limit/period_secs",
    type: "integer",
    range: between(1, 86_400),
    bounds: "1–86400",
    default: "60",
    description: "Seconds after which as many requests may have come again.",
  },
  {
    pointer: "/rate_limit/by",
    type: "choice",
    choices: ["caller", "address"],
    bounds: "caller or address",
    default: "caller",
    description: "Whether each key or token counts by itself, or each address whoever calls.",
  },
];
