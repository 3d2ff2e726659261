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
  {
    id: "listProjectEnv",
    method: "GET",
    path: "/env?project=shop",
    command: "env.list",
    input: { project: "shop", function: undefined },
    answer: { items: [{ key: "B", value: "plain" }] },
  },
  {
    id: "setProjectEnv",
    method: "PUT",
    path: "/env/A",
    body: { value: "must-not-leave", secret: true },
    command: "env.set",
    input: {
      project: "default",
      function: undefined,
      key: "A",
      value: "must-not-leave",
      secret: true,
    },
    answer: { key: "A", secret: true, value: null },
    wrong: { body: { value: 1 }, pointer: "/value" },
  },
  {
    id: "unsetProjectEnv",
    method: "DELETE",
    path: "/env/A",
    command: "env.unset",
    input: { project: "default", function: undefined, key: "A" },
    answer: { key: "A" },
  },
];
