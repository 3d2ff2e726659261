import type { LookupHost } from "../guest/egress-lookup.ts";
import { unanswered } from "../javascript/guest/name-answers.ts";
import { deno } from "./deno-api.ts";

const { NotFound, NotSupported, PermissionDenied } = deno.errors;

/**
 * Makes `Deno.resolveDns` ask the egress relay for A and AAAA records; others reject with Deno's
 * `NotSupported`. A name that is denied rejects with `PermissionDenied`, both with the platform's code.
 */
export function routeDenoLookups(lookupHost: LookupHost): void {
  Object.assign(deno, {
    async resolveDns(query: string, type: string): Promise<readonly string[]> {
      if (type !== "A" && type !== "AAAA") {
        const { message } = unanswered(`${type} records`, query);
        throw Object.assign(new NotSupported(message), { code: "egress_unsupported" });
      }
      const found = await lookupHost(query).catch((error: unknown) => fail(error));
      const fit = found.filter((address) => address.includes(":") === (type === "AAAA"));
      if (fit.length === 0) throw new NotFound(`${query} has no ${type} record`);
      return fit;
    },
  });
}

function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  const Kind = code === "egress_unreachable" ? NotFound : PermissionDenied;
  throw Object.assign(new Kind(message), { code });
}
