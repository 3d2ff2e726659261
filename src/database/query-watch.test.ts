import { expect, test } from "bun:test";
import { QueryWatch } from "./query-watch.ts";

test("a slow query is said once in an invocation, and again in the next", () => {
  const watch = new QueryWatch({ slowQueryMs: 100, repeatedQueriesMax: 3 });
  expect(watch.ran("a", { text: "select 1", ms: 99 })).toEqual([]);
  expect(watch.ran("a", { text: "select\n  2", ms: 100 })).toEqual([
    "Slow query: 100 ms (database.slow_query_ms is 100): select 2",
  ]);
  expect(watch.ran("a", { text: "select 3", ms: 500 })).toEqual([]);
  expect(watch.ran("b", { text: "select 3", ms: 500 })).toHaveLength(1);
});

test("one query asked again and again is said once, counted for each invocation alone", () => {
  const watch = new QueryWatch({ slowQueryMs: 100, repeatedQueriesMax: 3 });
  const runs = (id: string, times: number): readonly string[] =>
    Array.from({ length: times }, () => watch.ran(id, { text: "select $1", ms: 1 })).flat();
  expect(runs("a", 3)).toEqual([]);
  expect(runs("b", 3)).toEqual([]);
  expect(runs("a", 5)).toEqual([
    'The same query ran 4 times in one invocation, which one query for all rows (op "in", or a join) would do at once: select $1',
  ]);
  watch.forget("a");
  expect(runs("a", 3)).toEqual([]);
});
