import { manifestKeys } from "../src/domain/manifest-keys.ts";
import { tableCell } from "./table-cell.ts";

/** The reference page of the manifest's keys. */
export function manifestReference(): string {
  const rows = manifestKeys.map(
    ({ pointer, type, bounds, default: fallback, description }) =>
      `| \`${name(pointer)}\` | ${type} | ${tableCell(bounds)} | ${tableCell(fallback)} | ${tableCell(description)} |`,
  );
  return `# Manifest keys

Made by \`scripts/generate.ts\` from \`src/domain/manifest-keys.ts\`; do not edit.

The manifest is \`reactor.json\` (or \`flux.json\`, or \`manifest.json\`) in the function's folder, and
it may be absent. An unknown key is an error that names the nearest valid one. A key whose type is
"not built" belongs to a capability that this version does not have; writing it is refused by name.

Where a server setting bounds a key too (\`functions.invoke_max_timeout_ms\` for \`limits.timeout_ms\`,
\`functions.bun_max_instances_per_fn\` for \`concurrency.max_instances\`), the setting wins: a manifest
that asks for more is refused with the setting's name, and a silent one gets the setting's default.

| key | type | values | default | meaning |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

/** The pointer as people write it: \`limits.timeout_ms\`. */
function name(pointer: string): string {
  return pointer.slice(1).replaceAll("/", ".");
}
