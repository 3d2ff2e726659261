import { stripControls } from "./strip-controls.ts";

/** A plain table: columns two spaces apart, no lines, control characters removed. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) =>
    row.map((cell) => stripControls(cell).replaceAll("\n", " ")),
  );
  const widths = headings.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Labelled values below each other; undefined ones are left out. */
export function sheet(values: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(values).filter((entry) => entry[1] !== undefined);
  const width = Math.max(0, ...entries.map(([label]) => label.length));
  return entries
    .map(([label, value]) => `${label.padEnd(width)}  ${stripControls(String(value))}`)
    .join("\n");
}
