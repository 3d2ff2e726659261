import type { Threat } from "../threat.ts";

const target = "src/gateway/target.ts";

/** Clients, and functions that answer them: T11–T13, T16, T25, T26. */
export const edgeThreats: readonly Threat[] = [
  {
    id: "T11",
    threat: "a function splits its response",
    defence:
      "Header names are tokens and values hold no control character, or the answer is an error; hop-by-hop headers and the platform's own are dropped.",
    removals: [
      {
        removed: "the check of header values",
        file: "src/gateway/response-headers.ts",
        text: "if (unsafeValuePattern.test(value)) {",
        replacement: "if (unsafeValuePattern.test(value) && value === name) {",
        test: "test/e2e/edge-splitting.test.ts › never splits its answer",
      },
      {
        removed: "the check of header names",
        file: "src/gateway/response-headers.ts",
        text: 'if (!tokenPattern.test(name)) return "invalid";',
        replacement: "",
        test: "test/e2e/edge-headers.test.ts › a name that is no token never gets out, by any way",
      },
      {
        removed: "the dropping of hop-by-hop headers",
        file: "src/gateway/response-headers.ts",
        text: "return stripped.has(lower) || lower",
        replacement: "return lower",
        test: "test/e2e/edge-headers.test.ts › what is between two hops, and what only the platform says, cannot be set by a function",
      },
      {
        removed: "the dropping of the platform's headers",
        file: "src/gateway/response-headers.ts",
        text: ' || lower.startsWith("x-reactor-") ? "strip"',
        replacement: ' ? "strip"',
        test: "test/e2e/edge-headers.test.ts › what is between two hops, and what only the platform says, cannot be set by a function",
      },
    ],
    alsoShownBy: [
      "test/e2e/edge-splitting.test.ts › nothing that a function says splits its answer",
    ],
  },
  {
    id: "T12",
    threat: "request smuggling",
    defence:
      "A head or body that two readers could understand in two ways is one 400 and the end of its connection.",
    removals: [
      {
        removed: "the refusal of Content-Length beside Transfer-Encoding",
        file: "src/http/parse-head.ts",
        text: "if (head.chunked && head.contentLength >= 0) {",
        replacement: "if (head.chunked && head.contentLength < -1) {",
        test: "test/e2e/edge-smuggling.test.ts › a head that is ambiguous is answered with one 400, reaches no function, and the connection closes",
      },
      {
        removed: "the refusal of a second Content-Length",
        file: "src/http/parse-head.ts",
        text: 'if (into.contentLength >= 0) return "it has several Content-Length headers";',
        replacement: "",
        test: "test/e2e/edge-smuggling.test.ts › a head that is ambiguous is answered with one 400, reaches no function, and the connection closes",
      },
      {
        removed: "that a coding is exactly chunked",
        file: "src/http/parse-head.ts",
        text: 'if (into.chunked || value.toLowerCase() !== "chunked") {',
        replacement: 'if (!value.toLowerCase().includes("chunked")) {',
        test: "test/e2e/edge-smuggling.test.ts › a head that is ambiguous is answered with one 400, reaches no function, and the connection closes",
      },
      {
        removed: "the refusal of what is no hexadecimal digit in a chunk size",
        file: "src/http/chunked-decoder.ts",
        text: 'else this.fault = "a chunk size is not a hexadecimal number";',
        replacement: "",
        test: "test/e2e/edge-smuggling.test.ts › a body that is ambiguous ends its request and its connection, and nothing behind it is a request",
      },
      {
        removed: "that a chunk ends with CR LF",
        file: "src/http/chunked-decoder.ts",
        text: "if (byte !== wanted) this.fault",
        replacement: "if (byte !== wanted && what === wanted.toString()) this.fault",
        test: "test/e2e/edge-smuggling.test.ts › a body that is ambiguous ends its request and its connection, and nothing behind it is a request",
      },
    ],
    alsoShownBy: [
      "test/e2e/edge-smuggling.test.ts › what means one thing is as many requests as it is, whole or byte by byte",
    ],
  },
  {
    id: "T13",
    threat: "slow heads, bodies and readers",
    defence:
      "A head has 10 s, a body and a reader may be silent for 30 s, connections have caps per address and in all.",
    removals: [
      {
        removed: "the time of a head",
        file: "src/http/http-connection.ts",
        text: "if (stillMs >= limits.headersTimeoutMs) this.#refuse(headTooLate(limits));",
        replacement: "if (stillMs < 0) this.#refuse(headTooLate(limits));",
        test: "test/e2e/edge-timers.test.ts › heads that do not end and connections that rest are closed at their own time",
      },
      {
        removed: "the time of a silent body",
        file: "src/http/http-connection.ts",
        text: "if (stillMs >= limits.bodyIdleMs) {",
        replacement: "if (stillMs < 0) {",
        test: "test/e2e/edge-timers.test.ts › a silent body is given up on every way in that takes one, declared or chunked",
      },
      {
        removed: "the time of a reader that takes nothing",
        file: "src/http/http-connection.ts",
        text: "return unsentBytes > 0 && nowMs",
        replacement: "return unsentBytes < 0 && nowMs",
        test: "test/e2e/edge-timers.test.ts › a reader that stops is cut on every way to a function",
      },
      {
        removed: "the cap of connections per address",
        file: "src/http/connection-caps.ts",
        text: "if (fromAddress >= connectionsPerAddressMax && !this.#isUncounted(address)) {",
        replacement: "if (fromAddress < 0) {",
        test: "src/gateway/connections.test.ts › connections beyond the cap per address are closed at once",
      },
      {
        removed: "the cap of connections in all",
        file: "src/http/connection-caps.ts",
        text: "if (this.#connections >= connectionsMax)",
        replacement: "if (this.#connections < 0)",
        test: "src/http/connections.test.ts › per address do not hold for a proxy; the one in all does",
      },
    ],
    alsoShownBy: [
      "test/e2e/edge-timers.test.ts › a reader of the server's own streams that stops is cut: a followed log and a backup",
      "test/e2e/edge-slow.test.ts › 300 connections with slow heads and bodies leave a working client without an error",
      "src/admin/log-stream.test.ts › that reads nothing holds the log back, and is let go after three heartbeats",
    ],
  },
  {
    id: "T16",
    threat: "endless bodies",
    defence:
      "Streamed bytes are counted against the function's caps, buffers are bounded, and a side that does not read stops the other.",
    removals: [
      {
        removed: "the cap of a streamed request body",
        file: "src/gateway/upload.ts",
        text: "if (this.#receivedBytes > bytesMax) target.tooLarge();\n    else if (!target.streamed",
        replacement: "if (!target.streamed",
        test: "test/e2e/edge-slow.test.ts › a body without an end is refused on every way in that takes one, with a key and without",
      },
      {
        removed: "the cap of a body of the admin API",
        file: "src/admin/body.ts",
        text: "if (length > limits.bytesMax) throw overLimit(limits);",
        replacement: "",
        test: "test/e2e/edge-slow.test.ts › a body without an end is refused on every way in that takes one, with a key and without",
      },
      {
        removed: "the backpressure of an upload",
        file: "src/gateway/upload.ts",
        text: "else if (!target.streamed(chunk)) http.pauseBody();",
        replacement: "else if (!target.streamed(chunk)) http.readBody();",
        test: "test/e2e/edge-slow.test.ts › an upload that the function does not read comes to rest: nothing gathers in the server",
      },
      {
        removed: "the backpressure of a download",
        file: "src/gateway/download.ts",
        text: "else if (http.write(chunk)) source.taken(bytes);",
        replacement: "else if (http.write(chunk) || bytes > 0) source.taken(bytes);",
        test: "test/e2e/edge-slow.test.ts › a reader that stops stops the function, and its leaving ends it",
      },
    ],
    alsoShownBy: [
      "test/e2e/handlers.test.ts › a response of 100 MB is over max_body_out_mb: cut when it streams, refused when its length is known",
    ],
  },
  {
    id: "T25",
    threat: "a policy or a key is passed by another spelling of a path",
    defence:
      "Paths are read as they are written; what a second reader would resolve otherwise is 400, and policies refuse what has no single spelling.",
    removals: [
      {
        removed: "the refusal of dot segments",
        file: "src/http/target-error.ts",
        text: "if (dotSegmentPattern.test(bare))",
        replacement: "if (dotSegmentPattern.test(bare) && bare === target.repeat(2))",
        test: "test/e2e/edge-paths.test.ts › no spelling runs another function than it names, %s, nor lets it see another path",
      },
      {
        removed: "the check of the server's own paths",
        file: "src/server/fallback.ts",
        text: "const unreadable = targetError(path);",
        replacement: 'const unreadable = targetError("/");',
        test: "test/e2e/edge-paths.test.ts › a target of the server's own that another reader would resolve is refused, with the admin key too",
      },
      {
        removed: "that policies see a path decoded",
        file: "src/domain/policy/policy-path.ts",
        text: 'const plain = segment.includes("%") ? decodeOnce(segment) : segment;',
        replacement: "const plain = segment as string | undefined;",
        test: "src/gateway/policies.test.ts › no spelling of a path brings a request where the path itself may not go",
      },
      {
        removed: "that policies refuse a path with an encoded slash",
        file: "src/domain/policy/policy-path.ts",
        text: "plain === undefined || doubtful.test(plain) ||",
        replacement: "plain === undefined ||",
        test: "src/gateway/policies.test.ts › no spelling of a path brings a request where the path itself may not go",
      },
      {
        removed: "the asking of policies",
        file: "src/gateway/gateway.ts",
        text: "if (denied !== undefined) {",
        replacement: "if (denied !== undefined && workerId === url) {",
        test: "src/gateway/policies.test.ts › on every way in: path, alias, revision, project, header and host",
      },
    ],
  },
  {
    id: "T26",
    threat: "the admin API is reached by a function's name",
    defence:
      "Function names are strict and the server's own are reserved; a segment that begins with `_` is never a function's.",
    removals: [
      {
        removed: "the strictness of names",
        file: "src/domain/names.ts",
        text: "if (!functionNamePattern.test(name)) {",
        replacement: "if (name.length > 200) {",
        test: "test/e2e/edge-paths.test.ts › no function can have a name that the server uses",
      },
      {
        removed: "the reserved names",
        file: "src/domain/names.ts",
        text: "if (reservedFunctionNames.has(name)) {",
        replacement: "if (reservedFunctionNames.has(`${name} `)) {",
        test: "test/e2e/edge-paths.test.ts › no function can have a name that the server uses",
      },
      {
        removed: "that a segment which begins with `_` is the server's",
        file: target,
        text: 'if (segment === "" || segment.startsWith("_")) return { kind: "other" };',
        replacement: 'if (segment === "") return { kind: "other" };',
        test: "src/gateway/target.test.ts › ${url} is ${expected}",
      },
    ],
    alsoShownBy: [
      "test/e2e/edge-paths.test.ts › no spelling reaches the server's own paths without a key, nor with one that may only invoke",
      "test/e2e/edge-paths.test.ts › on a function's own host nothing is the server's",
    ],
  },
];
