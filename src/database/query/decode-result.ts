import type { RawResult } from "../postgres/capped-statement.ts";

/** A cell as it travels: a JSON value; bytes as base64, in a column that says so. */
export type Cell = unknown;

/** Rows in a compact form: names once, then cells in their order. */
export interface QueryResult {
  readonly columns: readonly string[];
  /** Positions of columns whose cells are base64 of bytes. */
  readonly bytes: readonly number[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that the statement returned or changed. */
  readonly count: number;
}

type Decoder = (text: string) => Cell;

const asText: Decoder = (text) => text;

/** As a number where that is exact, else as text: no digit is ever lost in silence. */
const asInteger: Decoder = (text) => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

/** JSON has no NaN and no infinity; they stay text. */
const asFloat: Decoder = (text) => {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
};

const asJson: Decoder = (text) => JSON.parse(text);
const asBoolean: Decoder = (text) => text === "t";
const asTimestamp: Decoder = (text) => text.replace(" ", "T");
/** ISO 8601 with `Z`, or with the offset of a session that set another zone. */
const asInstant: Decoder = (text) =>
  text
    .replace(" ", "T")
    .replace(/([+-]\d\d)(?::?(\d\d))?$/, (_, hours: string, minutes = "00") =>
      hours === "+00" && minutes === "00" ? "Z" : `${hours}:${minutes}`,
    );
const asBase64: Decoder = (text) => Buffer.from(text.slice(2), "hex").toString("base64");

const byteaType = 17;

/** How the text of a type becomes a value, by the type's id; others stay text. */
const decoders: ReadonlyMap<number, Decoder> = new Map([
  [16, asBoolean],
  [byteaType, asBase64],
  [20, asInteger],
  [21, asInteger],
  [23, asInteger],
  [26, asInteger],
  [114, asJson],
  [700, asFloat],
  [701, asFloat],
  [1114, asTimestamp],
  [1184, asInstant],
  [3802, asJson],
]);

/** Ids of array types, and of what they hold. */
const elementTypes: ReadonlyMap<number, number> = new Map([
  [199, 114],
  [1000, 16],
  [1002, 18],
  [1003, 19],
  [1005, 21],
  [1007, 23],
  [1009, 25],
  [1014, 1042],
  [1015, 1043],
  [1016, 20],
  [1021, 700],
  [1022, 701],
  [1028, 26],
  [1041, 869],
  [1115, 1114],
  [1182, 1082],
  [1183, 1083],
  [1185, 1184],
  [1187, 1186],
  [1231, 1700],
  [2951, 2950],
  [3807, 3802],
]);

/** Turns PostgreSQL's texts into values; the guide's table says which. */
export function decodeResult({ fields, rows, tag }: RawResult): QueryResult {
  const decoding = fields.map(({ dataTypeID }) => decoderOf(dataTypeID));
  return {
    columns: fields.map(({ name }) => name),
    bytes: fields.flatMap(({ dataTypeID }, at) => (dataTypeID === byteaType ? [at] : [])),
    rows: rows.map((row) =>
      row.map((text, at) => (text === null ? null : (decoding[at] ?? asText)(text))),
    ),
    count: Number(/(\d+)$/.exec(tag)?.[1] ?? 0),
  };
}

function decoderOf(type: number): Decoder {
  const element = elementTypes.get(type);
  if (element === undefined) return decoders.get(type) ?? asText;
  const decode = decoders.get(element) ?? asText;
  return (text) => parseArray(text, decode);
}

/** Reads an array in PostgreSQL's notation, such as `{1,NULL,"a \"b\""}`, nested or not. */
function parseArray(text: string, decode: Decoder): Cell {
  // Bounds other than 1 are written in front: `[0:1]={1,2}`.
  const start = text.indexOf("{");
  if (start === -1) return text;
  let at = start;
  const list = (): Cell[] => {
    const items: Cell[] = [];
    at += 1;
    while (at < text.length && text[at] !== "}") {
      items.push(text[at] === "{" ? list() : item());
      if (text[at] === ",") at += 1;
    }
    at += 1;
    return items;
  };
  const item = (): Cell => {
    if (text[at] !== '"') {
      const end = /[,}]/g;
      end.lastIndex = at;
      const bare = text.slice(at, end.exec(text)?.index ?? text.length);
      at += bare.length;
      return bare === "NULL" ? null : decode(bare);
    }
    let quoted = "";
    for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
      if (text[at] === "\\") at += 1;
      quoted += text[at];
    }
    at += 1;
    return decode(quoted);
  };
  return list();
}
