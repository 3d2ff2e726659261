import { checkHost } from "./check-host.ts";
import { checkOrigin } from "./check-origin.ts";
import { headerValue } from "./header-value.ts";
import type { HttpExchange } from "./http-exchange.ts";

/** Throws `permission_denied` unless the request names this server and no page of another origin sent it. */
export function checkSite(http: HttpExchange, hosts: readonly string[]): void {
  const { method, host, headers } = http;
  checkHost(host, hosts, http.localAddress);
  checkOrigin({
    method,
    host,
    origin: headerValue(headers, "origin"),
    fetchSite: headerValue(headers, "sec-fetch-site"),
    fetchMode: headerValue(headers, "sec-fetch-mode"),
  });
}
