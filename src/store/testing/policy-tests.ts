import { expect, test } from "bun:test";
import type { PolicyRecord } from "../../domain/policy/policy-rule.ts";
import type { Store } from "../store.ts";
import { codeOf } from "./code-of.ts";
import { aFunction, atMs } from "./store-records.ts";

function aPolicy(change: Partial<PolicyRecord> = {}): PolicyRecord {
  return {
    id: "pol_1",
    functionId: "fn_1",
    name: "office",
    rule: { kind: "time_window", days: ["mon"], hours: undefined, timezone: "UTC" },
    createdAtMs: atMs,
    ...change,
  };
}

/** What every store must do with policies. */
export function policyTests(store: () => Store): void {
  test("policies keep their rules, in order of name, each function its own", async () => {
    const cel = aPolicy({ id: "pol_2", name: "cel", rule: { kind: "cel", expression: "true" } });
    const other = aPolicy({ id: "pol_3", functionId: "fn_2" });
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertFunction(aFunction({ id: "fn_2", name: "other", slug: "other" }));
      for (const record of [aPolicy(), cel, other]) await writer.insertPolicy(record);
    });
    const of = (id: string) => store().read((reader) => reader.policies(id));
    expect(await of("fn_1")).toStrictEqual([cel, aPolicy()]);
    expect(await of("fn_2")).toStrictEqual([other]);
  });

  test("a name is there once per function, and a policy is deleted once", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertPolicy(aPolicy());
    });
    const twin = store().write((writer) => writer.insertPolicy(aPolicy({ id: "pol_2" })));
    expect(await codeOf(twin)).toBe("conflict");
    const remove = () => store().write((writer) => writer.deletePolicy("pol_1"));
    expect([await remove(), await remove()]).toEqual([true, false]);
    expect(await store().read((reader) => reader.policies("fn_1"))).toEqual([]);
  });
}
