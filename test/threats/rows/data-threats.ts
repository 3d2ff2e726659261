import type { Threat } from "../threat.ts";

/** Secrets, bundles and packages: T4, T5, T8–T10, T23, T24. */
export const dataThreats: readonly Threat[] = [
  {
    id: "T4",
    threat: "secrets are read or swapped at rest",
    defence:
      "AES-256-GCM with a data key for each secret, wrapped by the server's; function, key and version are authenticated.",
    removals: [
      {
        removed: "what value and key are bound to",
        file: "src/control/secret-box.ts",
        text: '  return Buffer.from([format, "value", owner, key, String(version)].join("\\0"));\n}\n\nfunction wrapContext(keyId: string, { owner, key, version }: SecretSubject): Buffer {\n  return Buffer.from([format, "wrap", keyId, owner, key, String(version)].join("\\0"));',
        replacement:
          '  return Buffer.from([format, "value"].join("\\0"));\n}\n\nfunction wrapContext(keyId: string, { owner, key, version }: SecretSubject): Buffer {\n  return Buffer.from([format, "wrap", keyId].join("\\0"));',
        test: "src/control/secret-box.test.ts › a sealed value opens for no other function, key or version",
      },
      {
        removed: "that a stored form has one spelling",
        file: "src/control/secret-box.ts",
        text: "if (head !== format || rest.length > 0 || !canonical || !longEnough) {",
        replacement: "if (head !== format || rest.length > 0 || !longEnough) {",
        test: "src/control/secret-box.test.ts › flipping any bit of any character of a sealed value makes it unreadable",
      },
      {
        removed: "the sealing",
        file: "src/control/commands/env.ts",
        text: "value: secret ? context.secretBox.seal(input.value, subject) : input.value,",
        replacement: "value: input.value,",
        test: "src/control/env-and-keys.test.ts › secrets are listed without their values and are in no audit row or file in clear",
      },
    ],
    alsoShownBy: [
      "test/e2e/rotation.test.ts › the data key is rotated three times under load, and no invocation fails or starts an instance",
      "test/e2e/secrets.test.ts › no file of the data folder holds it, database pages and write-ahead log included",
    ],
  },
  {
    id: "T5",
    threat: "secrets leak into logs, errors or the API",
    defence:
      "Values of 8 and more characters are masked in every line and error, in the spellings that logs produce; the API only takes them.",
    removals: [
      {
        removed: "the mask of log lines",
        file: "src/drivers/process/instance-log.ts",
        text: "const message = this.#mask(text);",
        replacement: "const message = text;",
        test: "test/e2e/secrets.test.ts › it is masked in the function's log and in errors",
      },
      {
        removed: "the mask of encoded spellings",
        file: "src/domain/mask-secrets.ts",
        text: "    hex,\n",
        replacement: "",
        test: "src/domain/mask-secrets.test.ts › a value is masked in plain and in the spellings that logs produce",
      },
      {
        removed: "that control gives no value of a secret",
        file: "src/control/commands/env.ts",
        text: "value: secret ? undefined : record.value, updatedAtMs",
        replacement: "value: record.value, updatedAtMs",
        test: "src/control/env-and-keys.test.ts › secrets are listed without their values and are in no audit row or file in clear",
      },
      {
        removed: "that the admin API gives no value of a secret",
        file: "src/admin/resources/env.ts",
        text: "value: record.secret ? null : (record.value ?? null),",
        replacement: "value: record.value ?? null,",
        test: "src/admin/admin-routes.test.ts › never shows what is internal or secret",
      },
    ],
    alsoShownBy: [
      "test/e2e/secrets.test.ts › no admin answer holds it",
      "test/e2e/secrets.test.ts › nothing the server printed holds it",
    ],
  },
  {
    id: "T8",
    threat: "a bundle writes outside its folder or means two things",
    defence:
      "Regular files and folders below the root; no links, devices or set-id bits; names that some file system could not tell apart are refused.",
    removals: [
      {
        removed: "the refusal of `..`",
        file: "src/domain/bundle-path.ts",
        text: 'if (segments.includes("..")) return',
        replacement: 'if (segments.includes("...")) return',
        test: "src/control/archive/hostile-archives.test.ts › is refused",
      },
      {
        removed: "the refusal of absolute paths",
        file: "src/domain/bundle-path.ts",
        text: 'if (raw.startsWith("/")) return',
        replacement: 'if (raw.startsWith("//")) return',
        test: "src/control/archive/hostile-archives.test.ts › is refused",
      },
      {
        removed: "the refusal of links and devices in a zip",
        file: "src/archive/zip-directory.ts",
        text: "if (kind !== 0 && kind !== kindFile && kind !== kindFolder) {",
        replacement: "if (kind === -1) {",
        test: "src/control/archive/read-upload.test.ts › a zip with a link, a device or a setuid file is refused; a folder's setgid bit is ignored",
      },
      {
        removed: "the refusal of links in a tar",
        file: "src/archive/tar-header.ts",
        text: '"5": "folder",',
        replacement: '"5": "folder",\n  "1": "file",\n  "2": "file",',
        test: "src/control/archive/read-upload.test.ts › a tar with a ${type} is refused",
      },
      {
        removed: "the folding of case and Unicode forms",
        file: "src/domain/bundle-path.ts",
        text: 'return plain.toLowerCase().toUpperCase().toLowerCase().normalize("NFD");',
        replacement: "return path;",
        test: "src/control/archive/read-upload.test.ts › names that differ only in case or Unicode form, or twice the same, are refused",
      },
      {
        removed: "the refusal of set-id bits",
        file: "src/archive/tar-header.ts",
        text: 'if (kind === "file" && (readOctal(block, 100, 8, name) & setIdMask) !== 0) {',
        replacement: 'if (kind === "file" && readOctal(block, 100, 8, name) < 0) {',
        test: "src/control/archive/read-upload.test.ts › a setuid file in a tar is refused",
      },
    ],
    alsoShownBy: [
      "test/e2e/archives.test.ts › every upload of the hostile corpus is refused by name, and nothing of it is kept",
    ],
  },
  {
    id: "T9",
    threat: "an archive unpacks without end",
    defence:
      "Packed and unpacked bytes, their ratio, entries, path and depth are bounded and counted while it unpacks.",
    removals: [
      {
        removed: "the bound of the ratio",
        file: "src/archive/bundle-limits.ts",
        text: "if (bytes > limits.ratioFreeBytes && bytes > packedBytes * limits.ratioMax) {",
        replacement: "if (bytes < 0) {",
        test: "src/control/archive/read-upload.test.ts › a bomb is refused by its ratio long before it is unpacked, in zip and tar.gz",
      },
      {
        removed: "the bound of unpacked bytes",
        file: "src/archive/bundle-limits.ts",
        text: "if (bytes > limits.unpackedBytesMax) {",
        replacement: "if (bytes < 0) {",
        test: "src/control/archive/read-upload.test.ts › an archive over the packed or unpacked bound is refused",
      },
      {
        removed: "the bound of packed bytes",
        file: "src/archive/bundle-limits.ts",
        text: "if (packedBytes > limits.packedBytesMax) {",
        replacement: "if (packedBytes < 0) {",
        test: "src/control/archive/read-upload.test.ts › an archive over the packed or unpacked bound is refused",
      },
      {
        removed: "the bound of entries",
        file: "src/archive/bundle-limits.ts",
        text: "if (count <= limits.entriesMax) return;",
        replacement: "if (count >= 0) return;",
        test: "src/control/archive/read-upload.test.ts › too many entries are refused, folders counted",
      },
      {
        removed: "the bounds of path and depth",
        file: "src/domain/bundle-path.ts",
        text: "if (segments.length > bundleDepthMax) return",
        replacement: "if (segments.length < 0) return",
        test: "src/control/archive/hostile-archives.test.ts › is refused",
      },
    ],
    alsoShownBy: [
      "test/e2e/archives.test.ts › of 1 GiB is refused within 64 MiB of memory and leaves nothing",
    ],
  },
  {
    id: "T10",
    threat: "a corrupt bundle is served",
    defence:
      "The digest is recomputed at upload, before a promote and at load; the previous version goes on.",
    removals: [
      {
        removed: "the digest of an upload",
        file: "src/control/prepare-bundle.ts",
        text: "if (claimed === undefined || claimed === digest) return;",
        replacement: 'if (claimed === undefined || digest !== "") return;',
        test: "test/e2e/wrong-input.test.ts › a wrong claimed digest is refused",
      },
      {
        removed: "the check before a promote",
        file: "src/control/commands/promotions.ts",
        text: "await requireArtifact(context.blobs, deployment, actions[kind]);",
        replacement: "",
        test: "test/e2e/archives.test.ts › is not promoted by any way, and the previous version goes on serving",
      },
      {
        removed: "the digest of what is loaded",
        file: "src/blobs/directory/open-directory-blob-store.ts",
        text: "if (bytes === undefined || sha256Hex(bytes) === digest) return bytes;",
        replacement: 'if (bytes === undefined || digest !== "") return bytes;',
        test: "test/e2e/archives.test.ts › under the live version: a warm instance serves, a cold one says what to do, the sound file heals it",
      },
    ],
  },
  {
    id: "T23",
    threat: "old code answers after a promote",
    defence:
      "An instance is bound to one deployment; a promote is one swap of the plan, after which nobody reaches the old one.",
    removals: [
      {
        removed: "the swap of the routes",
        file: "src/serving/create-serving.ts",
        text: "this.routes = new RouteTable(plan);",
        replacement:
          "if (this.routes === undefined || plan.version < 3) this.routes = new RouteTable(plan);",
        test: "test/e2e/server.test.ts › promote under load: no request fails, none is answered by the old version after it returned",
      },
      {
        removed: "that a route is looked up again at its turn",
        file: "src/serving/create-serving.ts",
        text: "const route = this.#current(invocation.route);",
        replacement: "const route = invocation.route as ReturnType<typeof this.#current>;",
        test: "src/serving/applying.test.ts › a route that was looked up before the swap is looked up again",
      },
    ],
    alsoShownBy: [
      "src/serving/applying.test.ts › after it returns no request reaches the old deployment, and what runs there finishes",
    ],
  },
  {
    id: "T24",
    threat: "a dependency's scripts run",
    defence:
      "Packages come by the lockfile, each checked against its digest, and are only unpacked; nothing of them runs at deploy.",
    removals: [
      {
        removed: "that nothing of a package runs (its scripts are run instead)",
        file: "src/dependencies/npm/install-packages.ts",
        text: "if (installScripts(own).length > 0) withScripts.push(what);",
        replacement:
          'if (installScripts(own).length > 0) Bun.spawnSync(["sh", "-c", JSON.parse(Buffer.from(own.get("package.json") ?? []).toString()).scripts.postinstall]);',
        test: "test/e2e/dependencies.test.ts › an install script never runs, at deploy or later",
      },
      {
        removed: "the check against the lockfile's digest",
        file: "src/dependencies/npm/install-packages.ts",
        text: "if (!matchesIntegrity(archive, integrity)) {",
        replacement: "if (archive.length < 0) {",
        test: "test/e2e/dependencies.test.ts › %s is a failed deployment whose log says why",
      },
    ],
  },
];
