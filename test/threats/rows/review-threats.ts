import type { Threat } from "../threat.ts";

const jwt = "src/gateway/jwt/jwt-verifier.ts";
const jwtTest = "src/gateway/jwt/jwt-verifier.test.ts";

/** What was found in review and must hold too. */
export const reviewThreats: readonly Threat[] = [
  {
    id: "R1",
    threat: "PostgreSQL: one project's code reaches another's database",
    defence: "A database and a login for each project.",
    removals: [],
    notYet: "There are no databases.",
  },
  {
    id: "R2",
    threat: "a backup that is damaged, foreign or tells the data key",
    defence:
      "Every byte of a backup is under a digest, the store in it is inspected before it is used, and the data key is left out or wrapped.",
    removals: [
      {
        removed: "the digest of each file",
        file: "src/domain/backup/read-backup.ts",
        text: "if (found === file.sha256) return;",
        replacement: 'if (found !== "") return;',
        test: "src/domain/backup/read-backup.test.ts › with one bit flipped at any of 2,000 seeded places is refused",
      },
      {
        removed: "that a backup ends where it says",
        file: "src/domain/backup/read-backup.ts",
        text: 'if (end.length < tarEnd.length) throw truncated(source, "its end");\n  if (Buffer.compare(end, tarEnd) !== 0) {',
        replacement: "if (end.length < 0) {",
        test: "src/domain/backup/read-backup.test.ts › cut off anywhere is refused and says where",
      },
    ],
    alsoShownBy: [
      "test/e2e/backup.test.ts › a backup taken under load restores to a server that answers as before, secrets included",
      "test/e2e/backup.test.ts › without the data key create says so loudly, and the restored server names the key it needs",
    ],
  },
  {
    id: "R3",
    threat:
      "a blob is collected while a deploy of the same bytes begins, or a change is lost in a power cut",
    defence:
      "What nothing names is removed after a grace time and never while a put runs; the store syncs before it acknowledges, several changes by one sync.",
    removals: [
      {
        removed: "the grace time",
        file: "src/control/blob-collector.ts",
        text: "return oldestPut > mark.number && clock.monotonicMs() - mark.sinceMs >= graceMs;",
        replacement: "return oldestPut > mark.number && graceMs >= 0;",
        test: "src/control/blob-collector.test.ts › removes a blob that no row names once it was unused for the grace time, and counts it",
      },
      {
        removed: "the regard for puts that run",
        file: "src/control/blob-collector.ts",
        text: "return oldestPut > mark.number && clock",
        replacement: "return oldestPut > -1 && clock",
        test: "src/control/blob-collector.test.ts › 300 seeded interleavings of put, row and four passes lose no blob that a row names",
      },
      {
        removed: "synchronous = full",
        file: "src/store/sqlite/open-sqlite-store.ts",
        text: "pragma synchronous = full;",
        replacement: "pragma synchronous = off;",
        test: "test/faults/disk-faults.test.ts › whichever %s of the store fails, what is acknowledged is there and the rest is not",
      },
    ],
    alsoShownBy: [
      "src/store/group-commit.test.ts › those that wait at the same time share few, and one alone has its own at once",
      "src/control/blob-collector.test.ts › deploys of one bundle through the control plane, with a collector that never rests, all keep their code",
    ],
  },
  {
    id: "R4",
    threat: "a volume is copied while it is written, or grows beyond its quota",
    defence: "It is frozen for the copy; a quota is a loop-mounted image.",
    removals: [],
    notYet: "There are no volumes.",
  },
  {
    id: "R5",
    threat: "asynchronous invocations pile up, or tell others about themselves",
    defence:
      "Count and byte caps, scoped idempotency keys, unguessable status URLs, payloads encrypted.",
    removals: [],
    notYet: "There are no asynchronous invocations.",
  },
  {
    id: "R6",
    threat: "a rule of a user's runs without end on the gateway's thread",
    defence:
      "Globs and CEL instead of regular expressions; an expression has a cost, which is bounded before it is stored.",
    removals: [
      {
        removed: "the bound of an expression's cost",
        file: "src/domain/policy/cel/compile-cel.ts",
        text: "if (cost > celLimits.cost) {",
        replacement: "if (cost < 0) {",
        test: "src/domain/policy/compile-policy.test.ts › an expression that may take too long is refused",
      },
      {
        removed: "the bound of an expression's length",
        file: "src/domain/policy/cel/compile-cel.ts",
        text: "if (expression.length > celLimits.lengthMax) {",
        replacement: "if (expression.length < 0) {",
        test: "src/domain/policy/compile-policy.test.ts › and so is one that is too long",
      },
    ],
    alsoShownBy: [
      "src/domain/policy/compile-policy.test.ts › and so are calls whose time nothing bounds",
    ],
  },
  {
    id: "R7",
    threat: "a forged or foreign token is believed, or the issuer's keys are fetched from inside",
    defence:
      "Issuer, audience and expiry are required, the algorithm is pinned to the kind of key, and key sets come under the rules of egress.",
    removals: [
      {
        removed: "the issuer",
        file: jwt,
        text: "issuer: rules.issuer,",
        replacement: "",
        test: `${jwtTest} › a token is not believed`,
      },
      {
        removed: "the audience",
        file: jwt,
        text: "audience: [...rules.audiences],",
        replacement: "",
        test: `${jwtTest} › a token is not believed`,
      },
      {
        removed: "the operator's algorithms",
        file: jwt,
        text: "if (rules.jwksUrls.length === 0 || !rules.algorithms.includes(algorithm)) {",
        replacement: "if (rules.jwksUrls.length < 0) {",
        test: `${jwtTest} › an algorithm that the operator did not name is refused though the key fits`,
      },
      {
        removed: "the rules of egress for key sets",
        file: "src/server/open-jwt.ts",
        text: "privateAllow: settings.egressPrivateAllow,",
        replacement: 'privateAllow: [...settings.egressPrivateAllow, "127.0.0.1", "localhost"],',
        test: "test/e2e/access.test.ts › keys on a private address are fetched only when the operator opened it",
      },
    ],
  },
  {
    id: "R8",
    threat: "a revoked key goes on working",
    defence: "It is out of the plan when its revocation returns, also where it was used before.",
    removals: [
      {
        removed: "that a revocation is published",
        file: "src/control/commands/keys.ts",
        text: "details: { id, name: record.name },\n          touched: [{ keys: true }],",
        replacement: "details: { id, name: record.name },\n          touched: [],",
        test: "test/e2e/access.test.ts › end when they are revoked: the next request is refused",
      },
      {
        removed: "that revoked keys are left out of the plan",
        file: "src/control/build-plan.ts",
        text: "if (record.revokedAtMs !== undefined || project === undefined) continue;",
        replacement: "if (project === undefined) continue;",
        test: "src/control/env-and-keys.test.ts › a key authenticates from memory until it is revoked, and only its digest is kept",
      },
      {
        removed: "that an expired key is refused",
        file: "src/gateway/access.ts",
        text: "return expiresAtMs !== undefined && this.#clock.now() >= expiresAtMs;",
        replacement: "return expiresAtMs === -1 && this.#clock.now() >= 0;",
        test: "src/gateway/jwt-access.test.ts › a key that expires is refused from that moment, also where it was used before",
      },
    ],
    alsoShownBy: ["src/gateway/ways-in.test.ts › may not pass any more once its key is revoked"],
  },
];
