import { type Fault, faults } from "../test/faults/faults.ts";
import type { Threat } from "../test/threats/threat.ts";
import { threats } from "../test/threats/threats.ts";
import { tableCell } from "./table-cell.ts";

/** The page `docs/reference/threats.md`. */
export function threatReference(): string {
  return [
    "# Threats and faults",
    "",
    "Generated from `test/threats` and `test/faults` by `npm run generate`; do not edit.",
    "",
    "## Threats",
    "",
    "Each defence was taken out of the product once, and the test beside it failed then (`npm run threats`, results in `test/threats/results.json`).",
    "",
    ...threats.flatMap(threatSection),
    "## Faults",
    "",
    ...faults.flatMap(faultSection),
  ].join("\n");
}

function threatSection({ id, threat, defence, removals, alsoShownBy, notYet }: Threat): string[] {
  return [
    `### ${id}: ${threat}`,
    "",
    defence,
    "",
    ...(removals.length === 0 ? [] : ["| without | this fails |", "|---|---|"]),
    ...removals.map(({ removed, test }) => `| ${tableCell(removed)} | \`${tableCell(test)}\` |`),
    ...(removals.length === 0 ? [] : [""]),
    ...(alsoShownBy ?? []).map((test) => `- also shown by \`${test}\``),
    ...(alsoShownBy === undefined ? [] : [""]),
    ...(notYet === undefined ? [] : [`Not shown: ${notYet}`, ""]),
  ];
}

function faultSection({ fault, mustHold, tests, script, notYet }: Fault): string[] {
  return [
    `### ${fault}`,
    "",
    `What must hold: ${mustHold}.`,
    "",
    ...tests.map((test) => `- \`${test}\``),
    ...(script === undefined ? [] : [`- further: \`${script}\``]),
    "",
    ...(notYet === undefined ? [] : [`Not shown: ${notYet}`, ""]),
  ];
}
