/** One server-sent event, or a comment (heartbeat) when `data` is undefined. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string | undefined;
}

/** Longest event that is buffered; far beyond any log line. */
const eventCharsMax = 8 * 1024 * 1024;

/**
 * Parses a server-sent event stream that comes in arbitrary pieces: each call returns the events
 * and comments completed by its piece. Throws when one event is over 8 Mi characters.
 */
export function createEventParser(): (piece: string) => readonly ServerSentEvent[] {
  let rest = "";
  let data: string[] = [];
  let event = "";
  let dataChars = 0;
  const onLine = (line: string): ServerSentEvent | undefined => {
    if (line === "") {
      const whole = { event: event === "" ? "message" : event, data: data.join("\n") };
      const empty = data.length === 0;
      data = [];
      event = "";
      dataChars = 0;
      return empty ? undefined : whole;
    }
    if (line.startsWith(":")) return { event: "comment", data: undefined };
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") {
      data.push(value);
      dataChars += value.length;
    } else if (field === "event") event = value;
    return undefined;
  };
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    const events = lines
      .map((line) => onLine(line.endsWith("\r") ? line.slice(0, -1) : line))
      .filter((found) => found !== undefined);
    if (rest.length + dataChars > eventCharsMax) {
      throw new Error(`An event of the log is over ${eventCharsMax} characters`);
    }
    return events;
  };
}
