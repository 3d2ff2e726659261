import type { LookupHost } from "../../guest/egress-lookup.ts";
import { loadBuiltin } from "./load-builtin.ts";
import { NameAnswers, unanswered } from "./name-answers.ts";

type Asking = (...args: unknown[]) => Promise<unknown>;

/** Questions other than for addresses, by the names of their functions. */
const otherQuestions: Readonly<Record<string, string>> = {
  resolveAny: "records",
  resolveCaa: "CAA records",
  resolveCname: "CNAME records",
  resolveMx: "MX records",
  resolveNaptr: "NAPTR records",
  resolveNs: "NS records",
  resolvePtr: "PTR records",
  resolveSoa: "SOA records",
  resolveSrv: "SRV records",
  resolveTlsa: "TLSA records",
  resolveTxt: "TXT records",
  reverse: "names",
  lookupService: "the service",
};

/**
 * Makes node:dns ask the egress relay, since the sandbox has no name server: `lookup` and the
 * resolves of addresses are answered, every other question rejects with `egress_unsupported`.
 */
export function routeLookups(lookupHost: LookupHost): void {
  const dns = loadBuiltin("node:dns");
  const answers = new NameAnswers(lookupHost);
  const asked = askingFunctions(answers, bound(dns.promises, "lookup"));
  for (const [name, ask] of Object.entries(asked)) {
    replace(dns.promises, name, ask);
    replace(dns, name, calledBack(name, ask));
    if (name === "lookup" || name === "lookupService") continue;
    replace(dns.promises.Resolver.prototype, name, ask);
    replace(dns.Resolver.prototype, name, calledBack(name, ask));
  }
}

/** The functions that return promises. */
export function askingFunctions(answers: NameAnswers, platformLookup: Asking) {
  const resolve: Asking = async (host, type) => {
    const kind = typeof type === "string" ? type.toUpperCase() : "A";
    if (kind !== "A" && kind !== "AAAA") throw unanswered(`${kind} records`, host);
    return answers.resolve(String(host), kind === "A" ? 4 : 6, undefined);
  };
  const asked: Record<string, Asking> = {
    lookup: (host, options) =>
      answers.isOwn(host) ? platformLookup(host, options) : answers.lookup(String(host), options),
    resolve,
    resolve4: (host, options) => answers.resolve(String(host), 4, options),
    resolve6: (host, options) => answers.resolve(String(host), 6, options),
  };
  for (const [name, what] of Object.entries(otherQuestions)) {
    asked[name] = (host) => Promise.reject(unanswered(what, host));
  }
  return asked;
}

function bound(owner: object, name: string): Asking {
  const method: unknown = Reflect.get(owner, name);
  if (typeof method !== "function") throw new Error(`node:dns has no ${name} to route`);
  return (...args) => Reflect.apply(method, owner, args);
}

/** The same with a callback as the last argument. */
function calledBack(name: string, ask: Asking): (...args: unknown[]) => unknown {
  const promisified = Symbol.for("nodejs.util.promisify.custom");
  const ask2 = (...args: unknown[]): object => {
    const done: unknown = args.at(-1);
    if (typeof done !== "function") {
      throw Object.assign(new TypeError('The "callback" argument must be of type function'), {
        code: "ERR_INVALID_ARG_TYPE",
      });
    }
    void answerTo(done, name, ask(...args.slice(0, -1)));
    return {};
  };
  return Object.assign(ask2, name === "lookup" ? { [promisified]: ask } : {});
}

/** In a turn of its own, so that what the callback throws is nobody's rejection. */
async function answerTo(done: Function, name: string, asked: Promise<unknown>): Promise<void> {
  try {
    const answer = await asked;
    const isOne = name === "lookup" && !Array.isArray(answer);
    const values = isOne ? Object.values(Object(answer)) : [answer];
    process.nextTick(done, null, ...values);
  } catch (error) {
    process.nextTick(done, error);
  }
}

/** Only what the runtime has. */
function replace(owner: object, name: string, value: unknown): void {
  if (typeof Reflect.get(owner, name) !== "function") return;
  Object.defineProperty(value, "name", { value: name });
  Reflect.set(owner, name, value);
}
