import { afterSqlComment } from "../after-sql-comment.ts";

const words: ReadonlySet<string> = new Set([
  "BEGIN",
  "START",
  "COMMIT",
  "END",
  "ROLLBACK",
  "ABORT",
  "SAVEPOINT",
  "RELEASE",
]);

/**
 * The word by which a statement would begin or end a transaction; undefined for others. Only for a
 * clear message: what a statement really did to the transaction is asked of the server.
 */
export function transactionWord(text: string): string | undefined {
  const word = /^[a-z]+/i.exec(afterBlanks(text))?.[0]?.toUpperCase();
  return word !== undefined && words.has(word) ? word : undefined;
}

/** The text without the blanks and comments at its beginning. */
function afterBlanks(text: string): string {
  let rest = text.trimStart();
  for (;;) {
    if (rest.startsWith("--")) {
      const end = rest.indexOf("\n");
      rest = end === -1 ? "" : rest.slice(end + 1).trimStart();
    } else if (rest.startsWith("/*")) {
      rest = rest.slice(afterSqlComment(rest, 0)).trimStart();
    } else {
      return rest;
    }
  }
}
