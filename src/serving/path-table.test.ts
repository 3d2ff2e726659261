import { describe, expect, test } from "bun:test";
import type { ManifestRoute } from "../domain/route.ts";
import { PathTable } from "./path-table.ts";
import { testFunction, testPlan } from "./plan-builder.harness.ts";

type Claim = readonly [name: string, method: ManifestRoute["method"], path: string];

function table(claims: readonly Claim[], project = "default"): PathTable {
  const functions = claims.map(([name, method, path]) =>
    testFunction({ name, project, manifest: { route: { method, path } } }),
  );
  return new PathTable(testPlan(functions));
}

/** `project:name` with the parameters, the methods there are, or "nothing". */
function found(paths: PathTable, method: string, path: string, project = "default"): string {
  const match = paths.find(project, method, path);
  if (match === undefined) return "nothing";
  if (match.binding === undefined) return match.allow.join(" ");
  return match.params === "" ? match.binding.segment : `${match.binding.segment} ${match.params}`;
}

describe("PathTable", () => {
  const paths = table([
    ["create", "POST", "/todos"],
    ["list", "GET", "/todos"],
    ["show", "GET", "/todos/:id"],
    ["fresh", "GET", "/todos/new"],
    ["nested", "GET", "/todos/:id/notes/:note"],
    ["pinned", "GET", "/todos/new/:x/:y"],
    ["rest", "ANY", "/any"],
    ["any_get", "GET", "/any"],
    ["root", "GET", "/"],
  ]);

  const cases: readonly (readonly [method: string, path: string, expected: string])[] = [
    ["POST", "/todos", "default:create"],
    ["GET", "/todos", "default:list"],
    ["HEAD", "/todos", "default:list"],
    ["DELETE", "/todos", "GET HEAD POST"],
    ["OPTIONS", "/todos", "GET HEAD POST"],
    ["GET", "/todos/7", "default:show id=7"],
    ["GET", "/todos/new", "default:fresh"],
    ["POST", "/todos/new", "GET HEAD"],
    ["GET", "/todos/a%20b", "default:show id=a%20b"],
    ["GET", "/todos/a+b&c=d", "default:show id=a%2Bb%26c%3Dd"],
    ["GET", "/todos/a%2fb", "default:show id=a%2fb"],
    ["GET", "/todos/:", "default:show id=:"],
    ["GET", "/todos/", "nothing"],
    ["GET", "/todos/7/", "nothing"],
    ["GET", "/todos/7/notes/9", "default:nested id=7&note=9"],
    ["GET", "/todos/new/notes/9", "default:pinned x=notes&y=9"],
    ["GET", "/todos/7/other/9", "nothing"],
    ["GET", "/any", "default:any_get"],
    ["DELETE", "/any", "default:rest"],
    ["GET", "/", "default:root"],
    ["GET", "//", "nothing"],
    ["GET", "/Todos", "nothing"],
    ["GET", "/todos%2f7", "nothing"],
    ["GET", "/__proto__", "nothing"],
    ["constructor", "/todos", "GET HEAD POST"],
  ];
  for (const [method, path, expected] of cases) {
    test(`${method} ${path} leads to ${expected}`, () =>
      expect(found(paths, method, path)).toBe(expected));
  }

  test("keeps projects apart", () => {
    const shop = table([["a", "GET", "/a"]], "shop");
    expect(found(shop, "GET", "/a")).toBe("nothing");
    expect(found(shop, "GET", "/a", "shop")).toBe("shop:a");
  });

  test("a literal way with the wrong method leaves the way by parameters", () => {
    const both = table([
      ["fresh", "POST", "/todos/new"],
      ["show", "GET", "/todos/:id"],
    ]);
    expect(found(both, "GET", "/todos/new")).toBe("default:show id=new");
  });

  test("follows production: nothing promoted has no route, and the heavier of two decides", () => {
    const route = { method: "GET", path: "/a" } as const;
    const fresh = testFunction({ name: "fresh", aliases: {}, manifest: { route } });
    expect(found(new PathTable(testPlan([fresh])), "GET", "/a")).toBe("nothing");
    const former = testFunction({ name: "split", revisions: [1], manifest: { route } });
    const next = testFunction({
      name: "split",
      revisions: [2],
      manifest: { route: { method: "GET", path: "/b" } },
    });
    const split = (weight: number) => ({
      ...former,
      deployments: new Map([...former.deployments, ...next.deployments]),
      aliases: new Map([
        [
          "production",
          [
            { revision: 1, weight: 100 - weight, deploymentId: "dep_split_1" },
            { revision: 2, weight, deploymentId: "dep_split_2" },
          ],
        ],
      ]),
    });
    const canary = new PathTable(testPlan([split(5)]));
    expect([found(canary, "GET", "/a"), found(canary, "GET", "/b")]).toEqual([
      "default:split",
      "nothing",
    ]);
    const moved = new PathTable(testPlan([split(95)]));
    expect([found(moved, "GET", "/a"), found(moved, "GET", "/b")]).toEqual([
      "nothing",
      "default:split",
    ]);
  });
});
