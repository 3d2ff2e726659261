/** Compares three formats of request and response heads: `bun bench/micro/heads.ts`. */
import { systemClock } from "../../src/base/clock.ts";
import {
  decodeRequestHead,
  decodeResponseHead,
  encodeResponseHead,
  type RequestHead,
  requestHeadBytes,
  type ResponseHead,
  writeRequestHead,
} from "../../src/wire/heads.ts";

const turns = 8;
const roundsPerTurn = 6;
const callsPerRound = 20_000;

const request: RequestHead = {
  invocationId: "inv_01jd5z8e6q7m2v3x4y5z6a7b8c",
  requestId: "01jd5z8e6q7m2v3x4y5z6a7b8c",
  method: "POST",
  url: "http://hello.fn.localhost:8080/orders/42?expand=items&limit=10",
  deadlineMs: 1_764_000_030_000,
  caller: "",
  headers: [
    ["host", "hello.fn.localhost:8080"],
    ["user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"],
    ["accept", "application/json, text/plain, */*"],
    ["accept-encoding", "gzip, deflate, br"],
    ["accept-language", "en-GB,en;q=0.9"],
    ["content-type", "application/json"],
    ["content-length", "1024"],
    ["cookie", "session=4f1e2d3c4b5a69788796a5b4c3d2e1f0; theme=dark"],
    ["x-forwarded-for", "203.0.113.7"],
    ["x-forwarded-proto", "https"],
  ].flat(),
};

const response: ResponseHead = {
  status: 200,
  headers: ["content-type", "application/json;charset=utf-8", "cache-control", "no-store"],
};

interface Format {
  readonly name: string;
  encodeRequest(head: RequestHead, into: Buffer): number;
  decodeRequest(bytes: Buffer, length: number): RequestHead;
  encodeResponse(head: ResponseHead, into: Buffer): number;
  decodeResponse(bytes: Buffer, length: number): ResponseHead;
}

const nulJoined: Format = {
  name: "NUL-joined Latin-1",
  encodeRequest: (head, into) => requestHeadBytes(head) && writeRequestHead(head, into, 0),
  decodeRequest(bytes, length) {
    const head = decodeRequestHead(bytes.toString("latin1", 0, length));
    return { ...head, headers: head.headers };
  },
  encodeResponse: (head, into) => into.write(encodeResponseHead(head), 0, "latin1"),
  decodeResponse: (bytes, length) => decodeResponseHead(bytes.toString("latin1", 0, length)),
};

const json: Format = {
  name: "JSON",
  encodeRequest: (head, into) => into.write(JSON.stringify(head), 0),
  decodeRequest: (bytes, length) => JSON.parse(bytes.toString("utf8", 0, length)) as RequestHead,
  encodeResponse: (head, into) => into.write(JSON.stringify(head), 0),
  decodeResponse: (bytes, length) => JSON.parse(bytes.toString("utf8", 0, length)) as ResponseHead,
};

/** Fields as `length:u16le bytes`, one after the other. */
function writeFields(fields: readonly string[], into: Buffer, from: number): number {
  let at = from;
  for (const field of fields) {
    const length = field.length;
    into[at] = length & 255;
    into[at + 1] = length >> 8;
    at += 2 + into.write(field, at + 2, "latin1");
  }
  return at;
}

function readFields(bytes: Buffer, from: number, to: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < to; ) {
    const end = at + 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    fields.push(bytes.toString("latin1", at + 2, end));
    at = end;
  }
  return fields;
}

const binary: Format = {
  name: "binary, u16 lengths",
  encodeRequest(head, into) {
    const { invocationId, requestId, method, url, caller } = head;
    into.writeDoubleLE(head.deadlineMs, 0);
    const at = writeFields([invocationId, requestId, method, url, caller], into, 8);
    return writeFields(head.headers, into, at);
  },
  decodeRequest(bytes, length) {
    const fields = readFields(bytes, 8, length);
    const [invocationId = "", requestId = "", method = "", url = "", caller = ""] = fields;
    const deadlineMs = bytes.readDoubleLE(0);
    return { invocationId, requestId, method, url, deadlineMs, caller, headers: fields.slice(5) };
  },
  encodeResponse(head, into) {
    into.writeUInt16LE(head.status, 0);
    return writeFields(head.headers, into, 2);
  },
  decodeResponse: (bytes, length) => ({
    status: bytes.readUInt16LE(0),
    headers: readFields(bytes, 2, length),
  }),
};

const scratch = Buffer.alloc(16 * 1024);
/** Something that the optimiser cannot prove unused. */
let sink = 0;

/** The quickest of the rounds: on a shared machine noise only ever adds. */
function nsPerCall(run: () => number): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < roundsPerTurn; round++) {
    const start = systemClock.monotonicMs();
    for (let call = 0; call < callsPerRound; call++) sink += run();
    bestMs = Math.min(bestMs, systemClock.monotonicMs() - start);
  }
  return (bestMs * 1e6) / callsPerRound;
}

function checked(format: Format): number {
  const length = format.encodeRequest(request, scratch);
  const back = format.decodeRequest(Buffer.from(scratch), length);
  if (JSON.stringify(back) !== JSON.stringify(request)) throw new Error(`${format.name} is broken`);
  return length;
}

const columns = ["request encode", "request decode", "response encode", "response decode"] as const;

/** Nanoseconds of the four calls that one relayed invocation makes, in the order of `columns`. */
function measure(format: Format): number[] {
  const length = checked(format);
  const requestBytes = Buffer.from(scratch);
  const backLength = format.encodeResponse(response, scratch);
  const responseBytes = Buffer.from(scratch);
  return [
    nsPerCall(() => format.encodeRequest(request, scratch)),
    nsPerCall(() => format.decodeRequest(requestBytes, length).headers.length),
    nsPerCall(() => format.encodeResponse(response, scratch)),
    nsPerCall(() => format.decodeResponse(responseBytes, backLength).status),
  ];
}

const formats = [nulJoined, json, binary];
const best = formats.map(() => columns.map(() => Number.POSITIVE_INFINITY));
// The formats take turns, so that a noisy stretch hits all of them.
for (let turn = 0; turn < turns; turn++) {
  for (const [i, format] of formats.entries()) {
    for (const [j, ns] of measure(format).entries()) {
      const row = best[i];
      if (row !== undefined) row[j] = Math.min(row[j] ?? ns, ns);
    }
  }
}
console.table(
  formats.map((format, i) => {
    const row = best[i] ?? [];
    const cells = columns.map((column, j) => [`${column} ns`, Math.round(row[j] ?? 0)]);
    const sum = Math.round(row.reduce((total, ns) => total + ns, 0));
    const entries = [
      ["format", format.name],
      ["bytes", checked(format)],
      ...cells,
      ["sum ns", sum],
    ];
    return Object.fromEntries(entries) as Record<string, string | number>;
  }),
);
if (sink < 0) throw new Error("unreachable");
