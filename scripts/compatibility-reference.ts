import { type CapabilityName, capabilities } from "../test/compatibility/capabilities.ts";
import { blockText, type Entry, missingOf, stateOf } from "../test/compatibility/source-text.ts";
import { sourceTexts } from "../test/compatibility/source-texts.ts";
import { tableCell } from "./table-cell.ts";

function count(entries: readonly Entry[], state: ReturnType<typeof stateOf>): number {
  return entries.filter((entry) => stateOf(entry) === state).length;
}

/** The first line that says something, as code; a block of more lines ends in an ellipsis. */
function shownBlock(entry: Entry): string {
  const [first = "", ...more] = blockText(entry).trim().split("\n");
  return `\`${first.replaceAll("`", "'")}${more.length > 0 ? " …" : ""}\``;
}

function pendingRows(name: CapabilityName): readonly string[] {
  return sourceTexts.flatMap(({ family, entries }) =>
    entries
      .filter((entry) => missingOf(entry).includes(name))
      .map((entry) => {
        const part = stateOf(entry) === "partly" ? "as far as it is built" : "no";
        return `| ${family} | ${entry.lines[0]} | ${tableCell(shownBlock(entry))} | ${part} |`;
      }),
  );
}

/** The page `docs/reference/compatibility.md`. */
export function compatibilityReference(): string {
  const names = Object.keys(capabilities) as CapabilityName[];
  const pending = names.filter((name) => !capabilities[name].built);
  return [
    "# Compatibility",
    "",
    "Generated from the tables of `test/compatibility` by `npm run generate`; do not edit.",
    "",
    "Each family of users has a text of its own. Every code block, command, endpoint, manifest and limit",
    "in it is an entry of a table. A covered entry is run as typed by a test; a partly covered one as far",
    "as what is built reaches; a pending one waits for the capabilities below.",
    "",
    "| family | entries | covered | partly | pending |",
    "|---|---|---|---|---|",
    ...sourceTexts.map(({ family, entries }) => {
      const asking = entries.length - count(entries, "picture");
      return `| ${family} | ${asking} | ${count(entries, "covered")} | ${count(entries, "partly")} | ${count(entries, "pending")} |`;
    }),
    ...pending.flatMap((name) => {
      const rows = pendingRows(name);
      return [
        "",
        `## Pending: ${name} (${rows.length})`,
        "",
        `Waits for ${capabilities[name].what}.`,
        "",
        "| family | line | block | run by a test |",
        "|---|---|---|---|",
        ...rows,
      ];
    }),
    "",
  ].join("\n");
}
