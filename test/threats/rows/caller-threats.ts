import type { Threat } from "../threat.ts";

const walk = "test/e2e/admin-site.test.ts";

/** What functions reach, what they write, and who asks the server: T6, T15, T17–T21. */
export const callerThreats: readonly Threat[] = [
  {
    id: "T6",
    threat: "a function reaches private addresses, metadata or the admin API",
    defence:
      "Every connection passes the relay, which resolves the name, checks every address and connects to the one it checked.",
    removals: [
      {
        removed: "the deny list",
        file: "src/domain/egress-decision.ts",
        text: "if (what === undefined) continue;",
        replacement: 'if (what !== "") continue;',
        test: "src/drivers/bun/egress.test.ts › denies %s and logs it",
      },
      {
        removed: "metadata from the deny list",
        file: "src/domain/egress.ts",
        text: '  { prefix: [169, 254], bits: 16, what: "a link-local or metadata address (169.254.0.0/16)" },\n',
        replacement: "",
        test: "src/domain/egress.test.ts › denies %s however it is written",
      },
      {
        removed: "IPv4 inside of IPv6",
        file: "src/domain/egress.ts",
        text: "if (at === undefined) return undefined;",
        replacement: "if (at !== -1) return undefined;",
        test: "src/domain/egress.test.ts › denies %s however it is written",
      },
      {
        removed: "that every address of a name is checked",
        file: "src/domain/egress-decision.ts",
        text: "for (const address of addresses) {",
        replacement: "for (const address of addresses.slice(0, 1)) {",
        test: "src/drivers/bun/egress.test.ts › denies %s and logs it",
      },
      {
        removed: "the manifest's list",
        file: "src/domain/egress-decision.ts",
        text: "if (allow !== undefined && !allow.some((rule) => egressRuleMatches(rule, host, port))) {",
        replacement: "if (allow?.length === -1) {",
        test: "src/drivers/bun/egress.test.ts › a manifest's list narrows what is open",
      },
      {
        removed: "the refusal of the server's own addresses",
        file: "src/domain/egress-decision.ts",
        text: "if (denied.some((rule) => forms.some((form) => isDenied(rule, form, port)))) {",
        replacement: "if (denied.length < 0) {",
        test: "src/drivers/bun/egress.test.ts › denies %s and logs it",
      },
      {
        removed: "the IPv6 forms of the server's own addresses",
        file: "src/domain/egress.ts",
        text: 'return inner === undefined ? [canonical] : [canonical, inner.join(".")];',
        replacement: "return inner?.length === 9 ? [] : [canonical];",
        test: "src/domain/egress-decision.test.ts › %s port %d: %s",
      },
      {
        removed: "the connection to the address that was checked",
        file: "src/drivers/process/egress-relay.ts",
        text: "await connectFirst(decision.addresses, target.port, connection)",
        replacement: "await connectFirst([target.host], target.port, connection)",
        test: "src/drivers/process/egress-relay.test.ts › a name that changes between two connections is checked each time",
      },
      {
        removed: "the server's own machine from what a range does not open",
        file: "src/domain/private-allow.ts",
        text: 'if (isOwn && ("bits" in rule || rule.wildcard)) return false;',
        replacement: "",
        test: "src/domain/private-allow.test.ts › %s opens this machine: %p",
      },
    ],
    alsoShownBy: [
      "src/drivers/suite/hostile-suite.harness.ts › %s reaches none of the spellings, and most are denied by the relay",
      "src/drivers/suite/hostile-suite.harness.ts › a redirect by %d is followed to no closed place",
      "src/drivers/bun/egress.test.ts › checks the target of a redirect like any other",
      "src/drivers/node/egress.test.ts › %s hears `egress_denied` from any other",
      "src/drivers/python/egress.test.ts › is denied %s, with a line in the log",
    ],
  },
  {
    id: "T15",
    threat: "a function floods the log",
    defence:
      "Lines and bytes per second and the length of a line are bounded, what is dropped is counted, the log on disk is a ring.",
    removals: [
      {
        removed: "the budget of lines and bytes",
        file: "src/drivers/process/log-meter.ts",
        text: "if (this.#lines < 1 || this.#bytes < bytes) {",
        replacement: "if (bytes < 0) {",
        test: "src/drivers/process/instance-log.test.ts › drops lines beyond it and counts them in one platform line",
      },
      {
        removed: "the count of what was dropped",
        file: "src/drivers/process/log-meter.ts",
        text: "this.#dropped += 1;",
        replacement: "",
        test: "src/drivers/process/instance-log.test.ts › drops lines beyond it and counts them in one platform line",
      },
      {
        removed: "the length of a line",
        file: "src/drivers/process/instance-log.ts",
        text: "const end = Math.min(payload.length, from + lineBytesMax);",
        replacement: "const end = payload.length;",
        test: "src/drivers/process/instance-log.test.ts › with a line beyond 16 KiB are cut and say how much is missing",
      },
    ],
    alsoShownBy: ["src/drivers/suite/log-cases.ts › a log flood is not kept whole"],
  },
  {
    id: "T17",
    threat: "prototype pollution",
    defence: "JSON is parsed, validated and copied; a key `__proto__` is refused.",
    removals: [
      {
        removed: "the refusal of `__proto__` by the admin API",
        file: "src/admin/body.ts",
        text: 'if (key === "__proto__" && !Array.isArray(value)) {',
        replacement: 'if (key === "__proto__ " && !Array.isArray(value)) {',
        test: "src/admin/admin.test.ts › that try to reach a prototype are refused and reach none",
      },
      {
        removed: "the refusal of a file named `__proto__`",
        file: "src/admin/upload.ts",
        text: 'if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "__proto__")) {',
        replacement:
          'if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "__proto__ ")) {',
        test: "src/admin/admin.test.ts › with a file named __proto__ are refused rather than shortened",
      },
      {
        removed: "the refusal of `__proto__` in what a handler gets",
        file: "src/drivers/guest/json-text.ts",
        text: 'if (key === "__proto__") polluting = true;',
        replacement: 'if (key === "__proto__ ") polluting = true;',
        test: "src/drivers/guest/define-function-shape.test.ts › the body ${body} is 400 and pollutes nothing",
      },
    ],
  },
  {
    id: "T18",
    threat: "keys are guessed, or told by time",
    defence:
      "Keys are 32 random bytes; only digests are kept and looked up, so that nothing is compared with a key; failures are limited per address.",
    removals: [
      {
        removed: "the limit of failures at the admin API",
        file: "src/admin/access.ts",
        text: "failures.check(address);",
        replacement: "",
        test: "src/admin/admin-edge.test.ts › that are unknown are refused, and after 20 in a minute the address waits",
      },
      {
        removed: "the limit of failures at functions",
        file: "src/gateway/gateway.ts",
        text: "return limited ?? error;",
        replacement: "return limited === undefined ? error : error;",
        test: "src/gateway/jwt-access.test.ts › gets 429 with Retry-After after 20 in a minute, and right ones pass all the while",
      },
      {
        removed: "the limit of failures at the metrics",
        file: "src/admin/access.ts",
        text: "failures.failed(address);",
        replacement: "",
        test: `${walk} › keys cannot be guessed at the metrics either`,
      },
      {
        removed: "that only a digest is kept",
        file: "src/control/new-api-key.ts",
        text: "prefix: key.slice(0, prefixChars),",
        replacement: "prefix: key,",
        test: "src/control/env-and-keys.test.ts › a key authenticates from memory until it is revoked, and only its digest is kept",
      },
    ],
    notYet:
      "There is no comparison of keys whose time could tell anything, and so none to take out: a key is found by its SHA-256.",
  },
  {
    id: "T19",
    threat: "another site's page, or a rebound name, uses the admin API",
    defence:
      "Host allow list, Origin and Sec-Fetch-Site on every request to the server's own paths; no cookie, no CORS; loopback by default.",
    removals: [
      {
        removed: "the list of hosts",
        file: "src/http/check-host.ts",
        text: "if (name === plainAddress(localAddress).toLowerCase()) return;",
        replacement: "if (name !== plainAddress(localAddress)) return;",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "the check of Origin",
        file: "src/http/check-origin.ts",
        text: "if (origin !== undefined && !isSameOrigin(origin, host)) refuseOrigin(origin);",
        replacement: "if (origin !== undefined) isSameOrigin(origin, host);",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "the check of Sec-Fetch-Site",
        file: "src/http/check-origin.ts",
        text: "refuseOrigin(origin ?? fetchSite);",
        replacement: "void (origin ?? fetchSite);",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "that a followed link changes nothing",
        file: "src/http/check-origin.ts",
        text: 'if (fetchMode === "navigate" && (method === "GET" || method === "HEAD")) return;',
        replacement: 'if (fetchMode === "navigate" || method === "") return;',
        test: `${walk} › that sends a form or follows a link changes nothing`,
      },
      {
        removed: "the check on the worker family's API",
        file: "src/admin/workers/worker-api.ts",
        text: "checkSite(http, services.hosts);",
        replacement: "",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "the check on /invoke/{id}",
        file: "src/gateway/worker-refusal.ts",
        text: "checkHost(host, hosts, http.localAddress);",
        replacement: "",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "that an Origin which is said twice counts for nothing",
        file: "src/gateway/request-headers.ts",
        text: "return before === undefined ? value : `${before}, ${value}`;",
        replacement: "return value === before ? before : value;",
        test: `${walk} › that says %s twice gets nothing, whichever comes last`,
      },
      {
        removed: "the check on the metrics",
        file: "src/admin/admin.ts",
        text: "checkSite(http, options.hosts);",
        replacement: "",
        test: `${walk} › gets nothing of any route`,
      },
      {
        removed: "the check of Host on a development server",
        file: "src/gateway/same-site.ts",
        text: "if (host !== undefined && !isLocal(host, functionsDomain)) {",
        replacement: 'if (host === "" && !isLocal(host, functionsDomain)) {',
        test: "src/gateway/gateway.test.ts › under dev a changing request of another site is refused, and any request for a foreign name",
      },
    ],
    alsoShownBy: [
      `${walk} › is never told by a preflight that it may`,
      `${walk} › count for nothing: no cookie, no password of a dialog, no key in the query`,
      `${walk} › a log that is followed is refused before it begins, to another site and to another name`,
    ],
  },
  {
    id: "T20",
    threat: "a function's output runs as script in the console",
    defence:
      "Answers of functions on a shared host are sandboxed by CSP and not sniffed; the admin API allows nothing by CSP.",
    removals: [
      {
        removed: "the sandbox of functions' pages on a shared host",
        file: "src/gateway/response-headers.ts",
        text: 'this.list.push("Content-Security-Policy", sandbox);',
        replacement: "",
        test: "src/gateway/headers.test.ts › JSON is not sandboxed; what has no type is, and is not sniffed",
      },
    ],
    notYet: "There is no console, so the fields that it would show are not tried in a browser.",
  },
  {
    id: "T21",
    threat: "terminal escapes in logs",
    defence:
      "The CLI strips control sequences from whatever a function said, unless asked with --raw.",
    removals: [
      {
        removed: "the stripping of sequences",
        file: "src/cli/strip-controls.ts",
        text: 'return text.replace(sequences, "").replace(controls, "");',
        replacement: "return text;",
        test: "src/cli/strip-controls.test.ts › leaves no control character in any mix of pieces",
      },
      {
        removed: "the stripping of log lines",
        file: "src/cli/print-logs.ts",
        text: ": stripControls(line.message).trimEnd()",
        replacement: ": line.message.trimEnd()",
        test: "src/cli/commands/functions/logs.test.ts › strips escape sequences and indents further lines, so that no message can pass for another entry",
      },
    ],
  },
];
