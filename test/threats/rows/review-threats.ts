import type { Threat } from "../threat.ts";

const jwt = "src/gateway/jwt/jwt-verifier.ts";
const jwtTest = "src/gateway/jwt/jwt-verifier.test.ts";

/** What was found in review and must hold too. */
export const reviewThreats: readonly Threat[] = [
  {
    id: "R1",
    threat: "PostgreSQL: one project's code reaches another's database, or what a session left",
    defence:
      "A database and a login for each project, whose password no trust replaces; what tells of others is closed, and a session is reset before the next.",
    removals: [
      {
        removed: "that a login takes its password",
        file: "src/database/postgres/run-folder.ts",
        text: '"local sameuser all scram-sha-256",',
        replacement: '"local sameuser all trust",',
        test: "src/database/managed-postgres.test.ts › nobody gets in by trust: a login without its password is refused",
      },
      {
        removed: "that catalogues of all databases are closed",
        file: "src/database/postgres/provision-project.ts",
        text: "await client.query(`REVOKE SELECT ON pg_catalog.${name} FROM PUBLIC`);",
        replacement: "void name;",
        test: "src/database/function-databases.test.ts › a project reads nothing of another's, and not who else there is",
      },
      {
        removed: "the reset of a session",
        file: "src/database/postgres/database-connection.ts",
        text: 'await this.command("DISCARD ALL");',
        replacement: "",
        test: "src/database/function-databases.test.ts › a session leaves nothing to the next: settings, temporary tables, locks, open transactions",
      },
    ],
    alsoShownBy: [
      "src/database/managed-postgres.test.ts › a folder of another version is refused, and the message names what would open it",
      "src/database/function-databases.test.ts › a project gets no further than its database: no superuser, no program, no file",
    ],
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
      "Count and bytes are bounded for each function, idempotency keys are the caller's own, status URLs cannot be guessed, requests are sealed at rest.",
    removals: [
      {
        removed: "the bound of the number that is queued",
        file: "src/control/queue/queue-tallies.ts",
        text: "if (count >= countMax) {",
        replacement: "if (count < 0) {",
        test: "test/e2e/async-bounds.test.ts › more than a function may have queued are 429, by number and by bytes",
      },
      {
        removed: "the bound of the bytes that are queued",
        file: "src/control/queue/queue-tallies.ts",
        text: "if (taken + bytes > bytesMax) {",
        replacement: "if (taken < 0) {",
        test: "test/e2e/async-bounds.test.ts › more than a function may have queued are 429, by number and by bytes",
      },
      {
        removed: "that an idempotency key is its caller's own",
        file: "src/control/queue/queue-intake.ts",
        text: 'seal.digest("idempotency", functionId, callerIdentity(caller), key)',
        replacement:
          'seal.digest("idempotency", functionId, callerIdentity(caller).slice(0, 0), key)',
        test: "test/e2e/async-bounds.test.ts › an Idempotency-Key is its caller's own: another's with the same key is another invocation",
      },
      {
        removed: "the sealing of what is queued",
        file: "src/control/queue/queue-intake.ts",
        text: 'request: seal.seal(id, "request", { facts, body })',
        replacement:
          "request: facts === undefined ? seal.seal(id, 'request', { facts, body }) : body",
        test: "test/e2e/async-bounds.test.ts › nothing of a queued request's body lies on disk in clear",
      },
      {
        removed: "the token of a status URL",
        file: "src/control/commands/queued-invocations.ts",
        text: "given.length !== wanted.length || !timingSafeEqual(given, wanted)",
        replacement: "(given.length === 0 && timingSafeEqual(given, wanted))",
        test: "test/e2e/async.test.ts › the status URL of another invocation, or with another token, tells nothing",
      },
    ],
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
