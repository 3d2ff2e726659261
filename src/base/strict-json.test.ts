import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type JsonBounds, parseStrictJson, StrictJsonError } from "./strict-json.ts";

const bounds: JsonBounds = { depthMax: 8, membersMax: 1000 };

/** What is thrown for the text, or "taken". */
function verdict(text: string, changes: Partial<JsonBounds> = {}): string {
  try {
    parseStrictJson(text, { ...bounds, ...changes });
    return "taken";
  } catch (error) {
    if (error instanceof StrictJsonError) return `${error.message} at "${error.pointer}"`;
    return error instanceof Error ? error.name : String(error);
  }
}

describe("parseStrictJson()", () => {
  for (const [text, expected] of [
    ['{"a":1,"a":2}', 'it has the key "a" twice at "/a"'],
    ['{"a":1,"b":{"a":1},"a":2}', 'it has the key "a" twice at "/a"'],
    ['{"a":[{},{"x":1,"x":1}]}', 'it has the key "x" twice at "/a/1/x"'],
    [String.raw`{"a":1,"\u0061":2}`, 'it has the key "a" twice at "/a"'],
    [String.raw`{"\"":1,"\u0022":2}`, String.raw`it has the key "\"" twice at "/""`],
    [String.raw`{"a\\":1,"a\\":2}`, String.raw`it has the key "a\\" twice at "/a\"`],
    ['{"":1,"":2}', 'it has the key "" twice at "/"'],
    ['{"__proto__":1,"__proto__":2}', 'it has the key "__proto__" twice at "/__proto__"'],
    ['{"a/b~":1,"a/b~":2}', 'it has the key "a/b~" twice at "/a~1b~0"'],
    ['{ "a" : 1 ,\n "a" : 2 }', 'it has the key "a" twice at "/a"'],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(verdict(text)).toBe(expected));
  }

  for (const text of [
    '{"a":1,"A":2,"a ":3}',
    '{"a":{"a":{"a":1}},"b":{"a":2}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":["a","a",{"a":"\\"a\\":1,"}]}',
    String.raw`{"a":"{\"b\":1,\"b\":2}","\\\"":1,"\\":2}`,
    String.raw`{"\ud800":1,"\udc00":2}`,
    "[]",
    "1",
    '"a"',
    " null ",
  ]) {
    test(`takes ${JSON.stringify(text)}`, () => expect(verdict(text)).toBe("taken"));
  }

  for (const text of [
    "",
    "{",
    '{"a',
    '{"a":1,"b"',
    "}}]]",
    '{"a" "b"}',
    String.raw`{"\x":1}`,
    "{a:1}",
    '{"a":1,}',
    '"\\"',
  ]) {
    test(`leaves ${JSON.stringify(text)} to the parser`, () =>
      expect(verdict(text)).toBe("SyntaxError"));
  }

  test("gives what JSON.parse gives for whatever has no key twice", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const parsed = parseStrictJson(text, { depthMax: 100, membersMax: 1_000_000 });
        expect(parsed).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  test("finds any key that is there twice, however it is written", () => {
    const spelled = (key: string, escaped: boolean): string =>
      escaped
        ? `"${key.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`
        : JSON.stringify(key);
    const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(keys, fc.nat(7), fc.boolean(), fc.boolean(), (names, which, first, second) => {
        const twice = names[which % names.length] ?? "";
        const members = names.map((name) => `${spelled(name, first)}:{"x":[1,{}]}`);
        const text = `[{${[...members, `${spelled(twice, second)}:0`].join(",")}}]`;
        expect(() => parseStrictJson(text, bounds)).toThrow("twice");
      }),
    );
  });

  test("bounds depth and members, each named, before anything is built", () => {
    expect(verdict("[".repeat(8) + "]".repeat(8))).toBe("taken");
    expect(verdict("[".repeat(9))).toStartWith("it is nested more than 8 levels deep");
    expect(verdict("[".repeat(5_000_000))).toStartWith("it is nested more than 8 levels deep");
    expect(verdict('{"a":'.repeat(9))).toBe(
      'it is nested more than 8 levels deep at "/a/a/a/a/a/a/a/a/"',
    );
    expect(verdict(`[${"0,".repeat(999)}0]`)).toBe("taken");
    expect(verdict(`[${"0,".repeat(1000)}0]`)).toBe('it has more than 1000 members at "/1000"');
    const keys = Array.from({ length: 1001 }, (_, i) => `"k${i}":0`);
    expect(verdict(`{${keys.join(",")}}`)).toStartWith("it has more than 1000 members");
  });

  test("takes time in proportion to the text, whatever it is made of", () => {
    // A reader that goes back over the text would take hours for these.
    const length = 4_000_000;
    for (const text of [
      `"${"\\".repeat(length)}"`,
      `"${'\\"'.repeat(length / 2)}"`,
      `{"${"a".repeat(length)}":1}`,
      `${" ".repeat(length)}1`,
      `["${'","'.repeat(300)}${"x".repeat(length)}"]`,
    ]) {
      expect(verdict(text)).toBe("taken");
    }
  });
});
