import { afterAll, beforeAll, expect, test } from "bun:test";
import { type RawExchange, rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";

/**
 * One client request is at most one request to an instance. Requests of the corpus carry a second
 * one, `GET …/hidden`, where another reader of HTTP might see it; the function tells what it got.
 */
let server: TestServer;

const counting = `const seen = [];
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/seen") return Response.json(seen);
    seen.push(request.method + " " + pathname);
    const body = await request.text();
    return new Response(request.method + " " + body.length);
  },
};`;

beforeAll(async () => {
  server = await startServer();
  await server.deploy("counting", counting, { concurrency: { max_instances: 1 } });
});

afterAll(async () => {
  await server.stop();
});

/** Paths below the row that the function got. */
async function seenBy(rows: Iterable<string>): Promise<ReadonlyMap<string, readonly string[]>> {
  const seen = (await (await server.fetch("/fn/v1/counting/seen")).json()) as string[];
  return new Map(
    [...rows].map((row) => [
      row,
      seen.flatMap((line) => {
        const [method, path] = line.split(" ");
        return path?.startsWith(`/${row}/`) === true
          ? [`${method} ${path.slice(row.length + 2)}`]
          : [];
      }),
    ]),
  );
}

type Build = (path: string) => string;

const hidden: Build = (path) => `GET ${path}/hidden HTTP/1.1\r\nHost: x\r\n\r\n`;

/** A request with these header lines and a hidden request as what follows the head. */
function post(...lines: readonly string[]): Build {
  return (path) =>
    `POST ${path}/first HTTP/1.1\r\nHost: x\r\n${lines.join("\r\n")}\r\n\r\n${hidden(path)}`;
}

/** The same with a chunked body that another reader might read on behind. */
function chunkedPost(...lines: readonly string[]): Build {
  return (path) =>
    `POST ${path}/first HTTP/1.1\r\nHost: x\r\n${lines.join("\r\n")}\r\n\r\n0\r\n\r\n${hidden(path)}`;
}

function line(text: string): Build {
  return (path) => `${text.replace("PATH", `${path}/first`)}\r\nHost: x\r\n\r\n${hidden(path)}`;
}

const chunked = "Transfer-Encoding: chunked";

/** Heads that can be understood in two ways, or in none. */
const heads: Readonly<Record<string, Build>> = {
  "length and chunked": chunkedPost("Content-Length: 5", chunked),
  "chunked and length": chunkedPost(chunked, "Content-Length: 5"),
  "chunked, identity": chunkedPost("Transfer-Encoding: chunked, identity"),
  "identity, chunked": chunkedPost("Transfer-Encoding: identity, chunked"),
  "gzip, chunked": chunkedPost("Transfer-Encoding: gzip, chunked"),
  "chunked, chunked": chunkedPost("Transfer-Encoding: chunked, chunked"),
  "identity alone": chunkedPost("Transfer-Encoding: identity"),
  xchunked: chunkedPost("Transfer-Encoding: xchunked"),
  "chunked with a parameter": chunkedPost("Transfer-Encoding: chunked;q=1"),
  "chunked in quotes": chunkedPost('Transfer-Encoding: "chunked"'),
  "chunked behind a vertical tab": chunkedPost("Transfer-Encoding: \vchunked"),
  "chunked behind a NUL": chunkedPost("Transfer-Encoding: \0chunked"),
  "an empty coding": chunkedPost("Transfer-Encoding: "),
  "a coding twice": chunkedPost(chunked, chunked),
  "two codings": chunkedPost(chunked, "Transfer-Encoding: identity"),
  "a coding in a folded line": chunkedPost("Transfer-Encoding:\r\n chunked"),
  "a coding with a space before its colon": chunkedPost("Transfer-Encoding : chunked"),
  "a coding with a tab before its colon": chunkedPost("Transfer-Encoding\t: chunked"),
  "a coding behind a bare LF": chunkedPost("X: y\nTransfer-Encoding: chunked"),
  "a coding behind a bare CR": chunkedPost("X: y\rTransfer-Encoding: chunked"),
  "a coding in HTTP/1.0": (path) =>
    `POST ${path}/first HTTP/1.0\r\nHost: x\r\n${chunked}\r\n\r\n0\r\n\r\n${hidden(path)}`,
  "the same length twice": post("Content-Length: 0", "Content-Length: 0"),
  "two lengths": post("Content-Length: 0", "Content-Length: 5"),
  "a list of lengths": post("Content-Length: 0, 0"),
  "a length with a plus": post("Content-Length: +0"),
  "a length with a minus": post("Content-Length: -0"),
  "a negative length": post("Content-Length: -5"),
  "a length with a space inside": post("Content-Length: 0 5"),
  "a length in hex": post("Content-Length: 0x0"),
  "a length with a comma": post("Content-Length: 0,"),
  "a length with a point": post("Content-Length: 0.0"),
  "a length with an exponent": post("Content-Length: 0e1"),
  "an empty length": post("Content-Length: "),
  "a length that is too large": post("Content-Length: 18446744073709551616"),
  "a length behind a vertical tab": post("Content-Length: \v0"),
  "a length with a space before its colon": post("Content-Length : 0"),
  "a folded line": post("X: a", " b: c"),
  "a folded line by tab": post("X: a", "\tContent-Length: 5"),
  "a first header that is folded": (path) =>
    `GET ${path}/first HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n${hidden(path)}`,
  "lines that end in LF": (path) => `GET ${path}/first HTTP/1.1\nHost: x\n\n${hidden(path)}`,
  "an empty line of LF": (path) => `GET ${path}/first HTTP/1.1\r\nHost: x\r\n\n${hidden(path)}`,
  "lines that end in CR": (path) => `GET ${path}/first HTTP/1.1\rHost: x\r\r${hidden(path)}`,
  "a CR in a value": post("X: a\rb"),
  "a NUL in a value": post("X: a\0b"),
  "a NUL in a name": post("X\0: b"),
  "a control character in a value": post("X: a\x01b"),
  "an escape in a value": post("X: \x1b[2J"),
  "a DEL in a value": post("X: a\x7fb"),
  "a name that is no token": post("X(y): b"),
  "a name in Latin-1": post("\xfc: b"),
  "an empty name": post(": b"),
  "a header without a colon": post("X"),
  "two hosts": post("Host: y"),
  "two equal hosts": post("Host: x"),
  "no host": (path) => `GET ${path}/first HTTP/1.1\r\n\r\n${hidden(path)}`,
  "a host with a space": (path) => `GET ${path}/first HTTP/1.1\r\nHost: a b\r\n\r\n${hidden(path)}`,
  "a host with a path": (path) => `GET ${path}/first HTTP/1.1\r\nHost: a/b\r\n\r\n${hidden(path)}`,
  "a host with a user": (path) => `GET ${path}/first HTTP/1.1\r\nHost: a@b\r\n\r\n${hidden(path)}`,
  "absolute-form with another host": line("GET http://other.examplePATH HTTP/1.1"),
  "absolute-form of a path without its slash": line("GET http://x@PATH HTTP/1.1"),
  "authority-form": line("CONNECT x:80 HTTP/1.1"),
  "a request of HTTP/0.9": line("GET PATH"),
  "HTTP/1.2": line("GET PATH HTTP/1.2"),
  "HTTP/2.0": line("GET PATH HTTP/2.0"),
  "HTTP/1.10": line("GET PATH HTTP/1.10"),
  "HTTP/11": line("GET PATH HTTP/11"),
  "http in lower case": line("GET PATH http/1.1"),
  "a preface of HTTP/2": (path) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden(path)}`,
  "something behind the version": line("GET PATH HTTP/1.1 x"),
  "two spaces before the path": line("GET  PATH HTTP/1.1"),
  "tabs for spaces": line("GET\tPATH\tHTTP/1.1"),
  "a space in the path": line("GET PATH/a b HTTP/1.1"),
  "a NUL in the path": line("GET PATH/a\0b HTTP/1.1"),
  "a space before the method": line(" GET PATH HTTP/1.1"),
  "a method that is no token": line("G@T PATH HTTP/1.1"),
  "a request line of one word": line("GET"),
};

/** A chunked body with these bytes; the hidden request follows. */
function body(text: string): Build {
  return (path) =>
    `POST ${path}/first HTTP/1.1\r\nHost: x\r\n${chunked}\r\n\r\n${text}${hidden(path)}`;
}

/** Bodies that can be understood in two ways, or in none. The function may have got the head. */
const bodies: Readonly<Record<string, Build>> = {
  "a negative chunk size": body("-1\r\nx\r\n0\r\n\r\n"),
  "a chunk size with a plus": body("+1\r\nx\r\n0\r\n\r\n"),
  "a chunk size with 0x": body("0x1\r\nx\r\n0\r\n\r\n"),
  "a chunk size with junk": body("1g\r\nx\r\n0\r\n\r\n"),
  "a chunk size with a point": body("1.0\r\nx\r\n0\r\n\r\n"),
  "a chunk size with an underscore": body("1_0\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"),
  "a chunk size behind a space": body(" 1\r\nx\r\n0\r\n\r\n"),
  "an empty chunk size": body("\r\nx\r\n0\r\n\r\n"),
  "an extension without a size": body(";a=b\r\nx\r\n0\r\n\r\n"),
  "a chunk size of 2^64": body("10000000000000000\r\nx\r\n0\r\n\r\n"),
  "a chunk size of 2^64 + 1": body("10000000000000001\r\nx\r\n0\r\n\r\n"),
  "a chunk size of 2^32 + 1 in 17 digits": body("00000000100000001\r\nx\r\n0\r\n\r\n"),
  "a chunk size that ends in LF": body("1\nx\r\n0\r\n\r\n"),
  "a chunk size that ends in CR": body("1\rx\r\n0\r\n\r\n"),
  "a chunk without its CR LF": body("1\r\nx0\r\n\r\n"),
  "a chunk that ends in LF": body("1\r\nx\n0\r\n\r\n"),
  "a chunk that is longer": body("1\r\nxyz\r\n0\r\n\r\n"),
  "an extension with a bare LF": body("1;a\nb\r\nx\r\n0\r\n\r\n"),
  "an extension with a bare CR": body("1;a\rb\r\nx\r\n0\r\n\r\n"),
  "an extension with a NUL": body("1;a=\0\r\nx\r\n0\r\n\r\n"),
  "an extension of 64 KiB": body(`1;${"a".repeat(65_536)}\r\nx\r\n0\r\n\r\n`),
  "a last chunk that ends in LF": body("0\n\r\n"),
  "an end of LF": body("0\r\n\n"),
  "a trailer with a bare LF": body("0\r\nX: a\nY: b\r\n\r\n"),
  "trailers of 100 KiB": body(`0\r\n${`X: ${"a".repeat(1000)}\r\n`.repeat(100)}\r\n`),
};

/** Trailers that would change the request if anyone took them for headers. They may only be dropped. */
const trailers: Readonly<Record<string, Build>> = {
  "a length": body("1\r\nx\r\n0\r\nContent-Length: 99\r\n\r\n"),
  "a coding": body("1\r\nx\r\n0\r\nTransfer-Encoding: identity\r\n\r\n"),
  "a host": body("1\r\nx\r\n0\r\nHost: y\r\n\r\n"),
  "a credential": body("1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
  "no colon": body("1\r\nx\r\n0\r\nX\r\n\r\n"),
  "a folded line": body("1\r\nx\r\n0\r\nX: a\r\n b\r\n\r\n"),
};

async function runAll(
  rows: Readonly<Record<string, Build>>,
  prefix: string,
): Promise<readonly { what: string; outcome: RawExchange; seen: readonly string[] }[]> {
  const named = Object.entries(rows).map(([what, build], index) => ({
    what,
    row: `${prefix}${index}`,
    build,
  }));
  const outcomes = await Promise.all(
    named.map(({ row, build }) => rawExchange(server.port, build(`/fn/v1/counting/${row}`))),
  );
  const seen = await seenBy(named.map(({ row }) => row));
  return named.map(({ what, row }, index) => ({
    what,
    outcome: outcomes[index] ?? { answers: [], closed: false },
    seen: seen.get(row) ?? [],
  }));
}

function summary(outcome: RawExchange): string {
  const statuses = outcome.answers.map(({ status }) => status).join(" ");
  return `${statuses} ${outcome.closed ? "closed" : "open"}`;
}

test("a head that is ambiguous is answered with one 400, reaches no function, and the connection closes", async () => {
  const wrong = (await runAll(heads, "h")).flatMap(({ what, outcome, seen }) => {
    const found = summary(outcome);
    // 505 is the status for a version that is not spoken.
    return /^(?:400|505) closed$/.test(found) && seen.length === 0 ? [] : [{ what, found, seen }];
  });
  expect(wrong).toEqual([]);
}, 20_000);

test("a body that is ambiguous ends its request and its connection, and nothing behind it is a request", async () => {
  const wrong = (await runAll(bodies, "b")).flatMap(({ what, outcome, seen }) => {
    const found = summary(outcome);
    const once = seen.length === 0 || (seen.length === 1 && seen[0] === "POST first");
    return found === "400 closed" && once ? [] : [{ what, found, seen }];
  });
  expect(wrong).toEqual([]);
}, 20_000);

test("a trailer is refused or dropped: it never changes its request or the next", async () => {
  for (const [index, [what, build]] of Object.entries(trailers).entries()) {
    const row = `t${index}`;
    const outcome = await rawExchange(server.port, build(`/fn/v1/counting/${row}`), { answers: 2 });
    const found = outcome.answers.map(({ status, body: text }) =>
      status === 200 ? text : String(status),
    );
    const seen = (await seenBy([row])).get(row) ?? [];
    const refused = found.join() === "400" && outcome.closed && !seen.includes("GET hidden");
    const dropped = found.join() === "POST 1,GET 0" && seen.join() === "POST first,GET hidden";
    expect({ what, found, seen, right: refused || dropped }).toMatchObject({ what, right: true });
  }
});

/** Requests that mean one thing, with the answers and what the function sees of them. */
const clear: Readonly<
  Record<
    string,
    { readonly build: Build; readonly texts: readonly string[]; readonly seen: number }
  >
> = {
  "a request inside a body with a length": {
    build: (path) =>
      `POST ${path}/first HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden(path).length}\r\n\r\n${hidden(path)}`,
    texts: ["POST "],
    seen: 1,
  },
  "a request inside a chunk": {
    build: (path) =>
      body(`${hidden(path).length.toString(16)}\r\n${hidden(path)}\r\n0\r\n\r\n`)(path).slice(
        0,
        -hidden(path).length,
      ),
    texts: ["POST "],
    seen: 1,
  },
  "two requests at once": {
    build: (path) => post("Content-Length: 0")(path),
    texts: ["POST 0", "GET 0"],
    seen: 2,
  },
  "a chunked body and a request behind it": {
    build: body("1;name=value\r\nx\r\n00A\r\n0123456789\r\n0\r\n\r\n"),
    texts: ["POST 11", "GET 0"],
    seen: 2,
  },
  "trailers and a request behind them": {
    build: body("1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"),
    texts: ["POST 1", "GET 0"],
    seen: 2,
  },
  "a coding in capitals, with blanks around": {
    build: (path) =>
      `POST ${path}/first HTTP/1.1\r\nHost: x\r\nTRANSFER-ENCODING: \t Chunked \t\r\n\r\n2\r\nxy\r\n0\r\n\r\n`,
    texts: ["POST 2"],
    seen: 1,
  },
};

for (const [index, [what, { build, texts, seen }]] of Object.entries(clear).entries()) {
  test(`${what} is as many requests as it is, whole or byte by byte`, async () => {
    for (const [way, split] of [
      ["whole", (text: string) => [text]],
      ["bytes", (text: string) => text.split("")],
    ] as const) {
      const row = `c${index}${way}`;
      const outcome = await rawExchange(server.port, split(build(`/fn/v1/counting/${row}`)), {
        answers: texts.length,
      });
      expect(outcome.answers.map((answer) => answer.status)).toEqual(texts.map(() => 200));
      for (const [at, text] of texts.entries()) {
        expect(outcome.answers[at]?.body).toStartWith(text);
      }
      expect((await seenBy([row])).get(row)).toHaveLength(seen);
    }
  });
}
