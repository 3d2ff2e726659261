import { plainAddress } from "../http/plain-address.ts";

/** Headers of every admin answer: nothing is sniffed, framed, cached or shared with other origins. */
export const edgeHeaders: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Cache-Control", "no-store"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
];

/** Whether the connection came from this machine. */
export function isLoopback(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain === "::1" || /^127\.\d+\.\d+\.\d+$/.test(plain);
}
