import { encodeResponseHead } from "../../wire/heads.ts";

function collect(this: string[], value: string, name: string): void {
  this.push(name, value);
}

/** Head of a response in wire form; each Set-Cookie is a header of its own. */
export function responseHeadOf(response: Response, bodyBytes: number | undefined): string {
  const headers: string[] = [];
  response.headers.forEach(collect, headers);
  if (bodyBytes !== undefined && !response.headers.has("content-length")) {
    headers.push("content-length", String(bodyBytes));
  }
  return encodeResponseHead({ status: response.status, headers });
}

/** Whether an answer to this method with this status has no body, whatever the Response holds. */
export function isBodiless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 205 || status === 304;
}
