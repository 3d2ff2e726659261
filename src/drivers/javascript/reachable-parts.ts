/** Larger modules are taken to use everything: importing them costs far more than what is saved. */
const scannedBytesMax = 1024 * 1024;

/** Which of the runtime's modules a function's code may reach. */
export interface BuiltinUse {
  /** node:net, or a module above it such as node:http. */
  readonly sockets: boolean;
  /** node:fs. */
  readonly files: boolean;
  /** node:dns. */
  readonly names: boolean;
  /** node:dgram. */
  readonly datagrams: boolean;
}

/** Modules that open node:net sockets, as a whole string. */
const socketModules =
  /["'`](?:node:)?(?:net|tls|https?|http2|_http_\w+|_tls_\w+|cluster|inspector(?:\/promises)?|undici|ws|node-fetch)["'`]/;
const nameModules = /["'`](?:node:)?dns(?:\/promises)?["'`]/;
const datagramModules = /["'`](?:node:)?dgram["'`]/;
const fileModules = /["'`](?:node:)?fs(?:\/promises)?["'`]/;
/** Ways to a module whose name need not stand in the code, and ways to code that is made at run time. */
const namelessRoutes =
  /\b_*require\b|createRequire|getBuiltinModule|\bimport\s*\(\s*(?!\s|["'][^"']*["']\s*[,)])|\beval\b|\bFunction\s*\(|\bnode:(?:module|vm)\b|["'`](?:module|vm)["'`]/;

/**
 * Tells from a bundled module's text which of the runtime's modules it may reach. Errs towards yes:
 * esbuild writes the names of imported modules as they are, and code that could hold others counts
 * as using everything.
 */
export function builtinUse(code: Uint8Array): BuiltinUse {
  if (code.byteLength > scannedBytesMax) {
    return { sockets: true, files: true, names: true, datagrams: true };
  }
  // All that is looked for is ASCII, and Latin-1 needs no decoding.
  const text = Buffer.from(code.buffer, code.byteOffset, code.byteLength).toString("latin1");
  const isNameless = namelessRoutes.test(text);
  return {
    sockets: isNameless || socketModules.test(text),
    files: isNameless || fileModules.test(text),
    names: isNameless || nameModules.test(text),
    datagrams: isNameless || datagramModules.test(text),
  };
}
