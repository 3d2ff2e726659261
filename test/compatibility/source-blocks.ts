/** What marks a line outside a fence as something a user types, sends or writes into a file. */
const codeLine: readonly RegExp[] = [
  // A command.
  /^(?:\$|reactor|flux|curl|npm|npx|bunx?|deno|node|pip|git|cd) /,
  // JavaScript, TypeScript, Python, Go.
  /^(?:import|export|const|let|var|async function|function|return|def|class|interface) .*[({;:=]/,
  /[{};]$|=>|:= /,
  /^(?:[{}[\]"'`]|\w+: .*,$|ctx\.|handler: )/,
  // TOML, and comments in a block.
  /^\w+ = |^(?:#|\s*\/\/) /,
  // Endpoints.
  /(?:^|\b)(?:GET|POST|PUT|PATCH|DELETE|\*) ?\/|^(?:GET|POST|PUT|PATCH|DELETE)$|^\/(?:api|fn)\//,
  // A tree of files, or of processes.
  /^[\w*.-]+(?:\/|\.\w+)(?: ←.*)?$|^\s*[├└│]/,
  // An indented line that is no bullet.
  /^ {2,}(?![•\d-])\S/,
];

/** Numbers (from 1) of the lines of a source that belong to a fenced or indented block or a command. */
export function codeLines(text: string): readonly number[] {
  const found: number[] = [];
  let fenced = false;
  let frontMatter = false;
  text.split("\n").forEach((line, index) => {
    if (line === "+++") frontMatter = !frontMatter;
    else if (line.startsWith("```")) fenced = !fenced;
    else if (frontMatter) return;
    else if (fenced || codeLine.some((pattern) => pattern.test(line))) found.push(index + 1);
  });
  return found;
}
