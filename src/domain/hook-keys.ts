import { hookPoints } from "./hook.ts";

/** Manifest keys about provisioning hooks. */
export const hookKeys = [
  {
    pointer: "/hooks",
    type: "strings",
    pattern: new RegExp(`^(?:${hookPoints.join("|")})$`),
    lengthMax: 20,
    itemsMax: hookPoints.length,
    bounds: `any of ${hookPoints.join(", ")}`,
    default: "none",
    description: "Provisioning hooks the function is bound to.",
  },
  {
    pointer: "/hook_order",
    type: "integer",
    range: () => ({ min: -1000, max: 1000 }),
    bounds: "-1000–1000, together with hooks",
    default: "0",
    description: "Order among functions bound to a hook: lower ones first, equal ones by name.",
  },
] as const;
