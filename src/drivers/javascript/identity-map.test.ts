import { expect, test } from "bun:test";
import { SourceMap } from "node:module";
import { array, assert, constantFrom, integer, property } from "fast-check";
import { identityMappings } from "./identity-map.ts";

/** Places of a text's words as the definition of JavaScript's lines has them. */
function wordPlaces(text: string): { line: number; column: number }[] {
  const places: { line: number; column: number }[] = [];
  for (const [line, content] of text.split(/\r\n|[\n\r\u2028\u2029]/).entries()) {
    for (const { index } of content.matchAll(/[\w$\u0080-\uffff]+/g)) {
      places.push({ line, column: index });
    }
  }
  return places;
}

function read(text: string, linesBefore: number): SourceMap {
  const mappings = identityMappings(text, linesBefore).toString("latin1");
  return new SourceMap({
    version: 3,
    file: "",
    sources: ["index.js"],
    sourcesContent: [""],
    names: [],
    mappings,
    sourceRoot: "",
  });
}

const piece = constantFrom(
  ..."\n,\r,\r\n,\u2028,\u2029, ,name,x1,$,_,(,),=>,.,;,é,文,😀,123".split(","),
);
const anyText = array(piece, { maxLength: 200 }).map((pieces) => pieces.join(""));

test("every word of any text leads to itself, so many lines further up", () => {
  assert(
    property(anyText, integer({ min: 0, max: 5 }), (text, linesBefore) => {
      const map = read(text, linesBefore);
      for (const { line, column } of wordPlaces(text)) {
        expect(map.findEntry(line + linesBefore, column)).toMatchObject({
          originalLine: line,
          originalColumn: column,
          generatedColumn: column,
        });
      }
    }),
  );
});

test("a map of megabytes in one line and in many is whole", () => {
  for (const end of [" ", "\n"]) {
    const text = `value(1234)${end}`.repeat(200_000);
    const map = read(text, 2);
    const last = text.lastIndexOf("1234");
    const line = end === " " ? 0 : 199_999;
    const column = end === " " ? last : 6;
    expect(map.findEntry(line + 2, column)).toMatchObject({
      originalLine: line,
      originalColumn: column,
    });
  }
});
