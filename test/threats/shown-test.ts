/** A test as SPECIFICATION.md names it. */
export interface ShownTest {
  readonly path: string;
  readonly name: string;
  /** Finds the test by its full name; what a table fills in stands for anything. */
  readonly pattern: string;
}

/** Reads `path › name`. */
export function shownTest(text: string): ShownTest {
  const [path = "", name = ""] = text.split(" › ");
  const pattern = name
    .split(/%[spdj]|\$\{?[a-z]+\}?/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return { path, name, pattern };
}
