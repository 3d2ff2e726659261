import type { RouteRow } from "./route-row.ts";

/** Operations on a whole project. */
export const projectRows: readonly RouteRow[] = [
  {
    id: "promoteAll",
    method: "POST",
    path: "/promotions",
    body: { promotions: [{ function: "hello", deployment_id: "dep_1" }] },
    command: "functions.promoteAll",
    input: { project: "default", promotions: [{ function: "hello", deployment: "dep_1" }] },
    answer: { items: [{ id: "dep_1", revision: 7 }] },
    wrong: { body: { promotions: [] }, pointer: "/promotions" },
  },
];
