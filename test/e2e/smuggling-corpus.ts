/**
 * Requests that one reader of HTTP might understand otherwise than another. Those of the first three
 * tables carry a second request, `GET …/hidden`, where such a reader might see it.
 */
/** Where the requests of the corpus go. */
export interface Destination {
  readonly host: string;
  /** Target of the first request. */
  readonly first: string;
  /** Headers that it needs on this way in, each with its CR LF. */
  readonly lines: string;
  /** The whole request that must stay hidden. */
  readonly hidden: string;
}

export type Build = (to: Destination) => string;

/** A request with these header lines and a hidden request as what follows the head. */
function post(...lines: readonly string[]): Build {
  return (to) =>
    `POST ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n${to.lines}${lines.join("\r\n")}\r\n\r\n${to.hidden}`;
}

/** The same with a chunked body that another reader might read on behind. */
function chunkedPost(...lines: readonly string[]): Build {
  return (to) =>
    `POST ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n${to.lines}${lines.join("\r\n")}\r\n\r\n0\r\n\r\n${to.hidden}`;
}

function line(text: string): Build {
  return (to) =>
    `${text.replace("PATH", to.first)}\r\nHost: ${to.host}\r\n${to.lines}\r\n${to.hidden}`;
}

const chunked = "Transfer-Encoding: chunked";

/** Heads that can be understood in two ways, or in none. */
export const heads: Readonly<Record<string, Build>> = {
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
  "a coding in HTTP/1.0": (to) =>
    `POST ${to.first} HTTP/1.0\r\nHost: ${to.host}\r\n${to.lines}${chunked}\r\n\r\n0\r\n\r\n${to.hidden}`,
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
  "a first header that is folded": (to) =>
    `GET ${to.first} HTTP/1.1\r\n Host: ${to.host}\r\nHost: ${to.host}\r\n${to.lines}\r\n${to.hidden}`,
  "lines that end in LF": (to) => `GET ${to.first} HTTP/1.1\nHost: ${to.host}\n\n${to.hidden}`,
  "an empty line of LF": (to) => `GET ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n\n${to.hidden}`,
  "lines that end in CR": (to) => `GET ${to.first} HTTP/1.1\rHost: ${to.host}\r\r${to.hidden}`,
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
  "two equal hosts": (to) => post(`Host: ${to.host}`)(to),
  "no host": (to) => `GET ${to.first} HTTP/1.1\r\n\r\n${to.hidden}`,
  "a host with a space": (to) => `GET ${to.first} HTTP/1.1\r\nHost: a b\r\n\r\n${to.hidden}`,
  "a host with a path": (to) => `GET ${to.first} HTTP/1.1\r\nHost: a/b\r\n\r\n${to.hidden}`,
  "a host with a user": (to) => `GET ${to.first} HTTP/1.1\r\nHost: a@b\r\n\r\n${to.hidden}`,
  "absolute-form with another host": line("GET http://other.examplePATH HTTP/1.1"),
  "absolute-form of a path without its slash": line("GET http://x@PATH HTTP/1.1"),
  "authority-form": line("CONNECT x:80 HTTP/1.1"),
  "a request of HTTP/0.9": line("GET PATH"),
  "HTTP/1.2": line("GET PATH HTTP/1.2"),
  "HTTP/2.0": line("GET PATH HTTP/2.0"),
  "HTTP/1.10": line("GET PATH HTTP/1.10"),
  "HTTP/11": line("GET PATH HTTP/11"),
  "http in lower case": line("GET PATH http/1.1"),
  "a preface of HTTP/2": (to) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${to.hidden}`,
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
  return (to) =>
    `POST ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n${to.lines}${chunked}\r\n\r\n${text}${to.hidden}`;
}

/** Bodies that can be understood in two ways, or in none. The function may have got the head. */
export const bodies: Readonly<Record<string, Build>> = {
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
export const trailers: Readonly<Record<string, Build>> = {
  "a length": body("1\r\nx\r\n0\r\nContent-Length: 99\r\n\r\n"),
  "a coding": body("1\r\nx\r\n0\r\nTransfer-Encoding: identity\r\n\r\n"),
  "a host": body("1\r\nx\r\n0\r\nHost: y\r\n\r\n"),
  "a credential": body("1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
  "no colon": body("1\r\nx\r\n0\r\nX\r\n\r\n"),
  "a folded line": body("1\r\nx\r\n0\r\nX: a\r\n b\r\n\r\n"),
};

/** Requests that mean one thing, with the answers and what the function sees of them. */
export const clear: Readonly<
  Record<
    string,
    { readonly build: Build; readonly texts: readonly string[]; readonly seen: number }
  >
> = {
  "a request inside a body with a length": {
    build: (to) =>
      `POST ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n${to.lines}Content-Length: ${to.hidden.length}\r\n\r\n${to.hidden}`,
    texts: ["POST "],
    seen: 1,
  },
  "a request inside a chunk": {
    build: (to) =>
      body(`${to.hidden.length.toString(16)}\r\n${to.hidden}\r\n0\r\n\r\n`)(to).slice(
        0,
        -to.hidden.length,
      ),
    texts: ["POST "],
    seen: 1,
  },
  "two requests at once": {
    build: (to) => post("Content-Length: 0")(to),
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
    build: (to) =>
      `POST ${to.first} HTTP/1.1\r\nHost: ${to.host}\r\n${to.lines}TRANSFER-ENCODING: \t Chunked \t\r\n\r\n2\r\nxy\r\n0\r\n\r\n`,
    texts: ["POST 2"],
    seen: 1,
  },
};
