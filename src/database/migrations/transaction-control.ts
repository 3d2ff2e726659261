import { afterSqlComment } from "../after-sql-comment.ts";
import { transactionWord } from "../query/transaction-word.ts";

/** Whatever text of SQL is not a statement's own words: comments, strings, names, quoted bodies. */
const skipped =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const word = /[A-Za-z_][\w$]*/y;

/**
 * The first statement of a migration that would begin or end a transaction, and its line; undefined
 * when there is none. Bodies of functions in SQL's own form (`BEGIN ATOMIC … END`) are no statements.
 */
export function transactionControl(
  text: string,
): { readonly word: string; readonly line: number } | undefined {
  let at = 0;
  let isStart = true;
  let bodyDepth = 0;
  let before = "";
  while (at < text.length) {
    const next = afterSkipped(text, at);
    if (next > at) {
      // A comment may stand before a statement; anything else that is skipped is a part of one.
      if (!/^(?:--|\/\*)/.test(text.slice(at, at + 2))) isStart = false;
      at = next;
      continue;
    }
    word.lastIndex = at;
    const found = word.exec(text)?.[0];
    if (found === undefined) {
      if (text[at] === ";" && bodyDepth === 0) isStart = true;
      else if (!/\s/.test(text[at] ?? " ")) isStart = false;
      at += 1;
      continue;
    }
    const upper = found.toUpperCase();
    if (isStart && transactionWord(found) !== undefined) {
      return { word: upper, line: text.slice(0, at).split("\n").length };
    }
    if (upper === "ATOMIC" && before === "BEGIN") bodyDepth = 1;
    else if (bodyDepth > 0 && upper === "CASE") bodyDepth += 1;
    else if (bodyDepth > 0 && upper === "END") bodyDepth -= 1;
    isStart = false;
    before = upper;
    at += found.length;
  }
  return undefined;
}

/** Where the comment, string or quoted text that begins here ends; `at` when none does. */
function afterSkipped(text: string, at: number): number {
  skipped.lastIndex = at;
  const found = skipped.exec(text);
  if (found === null) return at;
  const [matched] = found;
  if (matched === "/*") return afterSqlComment(text, at);
  if (!matched.startsWith("$")) return at + matched.length;
  const end = text.indexOf(matched, at + matched.length);
  return end === -1 ? text.length : end + matched.length;
}
