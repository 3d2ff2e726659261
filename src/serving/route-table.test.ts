import { describe, expect, test } from "bun:test";
import { createSeededRandom } from "../base/random.ts";
import { testFunction, testPlan } from "./plan-builder.harness.ts";
import { pickTarget, type Route, RouteTable } from "./route-table.ts";

const plan = testPlan([
  testFunction({
    name: "hello",
    revisions: [3, 2],
    aliases: { production: [[3, 100]], beta: [[2, 100]] },
  }),
  testFunction({ name: "my_fn", project: "shop" }),
  testFunction({ name: "fresh", aliases: {} }),
  testFunction({
    name: "split",
    revisions: [7, 8],
    aliases: {
      production: [
        [7, 95],
        [8, 5],
      ],
    },
  }),
]);
const table = new RouteTable(plan);

function route(segment: string, project?: string): Route {
  const found = table.bySegment(segment, project);
  if (typeof found === "string") throw new Error(`${segment}: ${found}`);
  return found;
}

describe("RouteTable", () => {
  test("a bare name leads to production", () => {
    expect(route("hello").targets.map((target) => target.label)).toEqual(["hello@3"]);
  });

  test("@alias and @revision select a deployment", () => {
    expect(route("hello@beta").targets[0]?.label).toBe("hello@2");
    expect(route("hello@2").targets[0]?.label).toBe("hello@2");
  });

  test("project:name and the project header lead to the project's function, and must agree", () => {
    expect(route("shop:my_fn").function.project).toBe("shop");
    expect(route("my_fn", "shop").function.project).toBe("shop");
    expect(route("shop:my_fn", "shop").function.project).toBe("shop");
    expect(table.bySegment("shop:my_fn", "default")).toBe("function_not_found");
    expect(table.bySegment("my_fn", undefined)).toBe("function_not_found");
  });

  test("a function that was never promoted has a route without targets", () => {
    expect(route("fresh").targets).toEqual([]);
  });

  test("aliases and revisions that do not exist are told apart", () => {
    expect(table.bySegment("hello@nope", undefined)).toBe("alias_not_found");
    expect(table.bySegment("hello@9", undefined)).toBe("deployment_not_found");
    expect(table.bySegment("hello@01", undefined)).toBe("deployment_not_found");
    expect(table.bySegment("hello@", undefined)).toBe("deployment_not_found");
  });

  for (const name of [
    "Hello",
    "hel%6co",
    "__proto__",
    "constructor",
    "..",
    "a:b:c",
    "hello:",
    ":hello",
    "hello ",
    "",
  ]) {
    test(`${JSON.stringify(name)} is no function`, () => {
      expect(table.bySegment(name, undefined)).toBe("function_not_found");
    });
  }

  test("host labels find functions by slug within the project", () => {
    const found = table.bySlug("my-fn", undefined, "shop");
    expect(typeof found === "string" ? found : found.function.name).toBe("my_fn");
    expect(table.bySlug("my-fn", undefined, undefined)).toBe("function_not_found");
    const beta = table.bySlug("hello", "beta", undefined);
    expect(typeof beta === "string" ? beta : beta.targets[0]?.label).toBe("hello@2");
  });

  test("a route is made once per plan and again() finds it under the next", () => {
    expect(route("hello")).toBe(route("hello"));
    const next = new RouteTable(testPlan([testFunction({ name: "hello", revisions: [4] })]));
    const again = next.again(route("hello"));
    expect(typeof again === "string" ? again : again.targets[0]?.label).toBe("hello@4");
    expect(next.again(route("hello@2"))).toBe("deployment_not_found");
  });

  test("weights decide how often each target is picked", () => {
    const random = createSeededRandom(1);
    let eights = 0;
    for (let i = 0; i < 10_000; i++) {
      if (pickTarget(route("split"), random)?.label === "split@8") eights += 1;
    }
    expect(eights).toBeGreaterThan(350);
    expect(eights).toBeLessThan(650);
  });

  test("with several targets the strictest access and the smallest body cap hold", () => {
    const open = testFunction({ name: "mix", revisions: [1, 2], manifest: { access: "public" } });
    const closed = testFunction({
      name: "mix",
      revisions: [2],
      manifest: { access: "key", limits: { bodyInBytesMax: 10 } },
    });
    const mixed = {
      ...open,
      aliases: new Map([
        [
          "production",
          [
            { revision: 1, weight: 50, deploymentId: "dep_mix_1" },
            { revision: 2, weight: 50, deploymentId: "dep_mix_2" },
          ],
        ],
      ]),
      deployments: new Map([...open.deployments, ...closed.deployments]),
    };
    const found = new RouteTable(testPlan([mixed])).bySegment("mix", undefined);
    if (typeof found === "string") throw new Error(found);
    expect(found.edge).toEqual({
      access: "key",
      forwardAuthorization: false,
      bodyInBytesMax: 10,
      cors: undefined,
      rateLimit: undefined,
      queues: false,
      policies: undefined,
    });
  });
});
