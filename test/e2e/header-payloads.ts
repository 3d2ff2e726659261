/** Header values that would split an answer where they got out as they are. */
export const headerPayloads = {
  "CR LF": "a\r\nInjected: yes",
  "two answers": "a\r\n\r\nHTTP/1.1 200 OK\r\nInjected: yes",
  LF: "a\nInjected: yes",
  CR: "a\rInjected: yes",
  NUL: "a\0Injected: yes",
  "control character": "a\u0001Injected: yes",
  "CR LF in wide characters": "a\u560d\u560aInjected: yes",
  "line separator": "a\u2028Injected: yes",
} as const;

/** Lines of an answer's head that are no header, split where a lenient client would. */
export function splitLines(head: string): readonly string[] {
  const [, ...lines] = head.split(/\r\n|\r|\n/);
  return lines.filter(
    (line) =>
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e\x80-\xff]*$/.test(line) ||
      /^injected/i.test(line),
  );
}
