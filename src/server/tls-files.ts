import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock, Timer } from "../base/clock.ts";
import { sha256Hex } from "../base/digest.ts";
import type { Log } from "../base/log.ts";
import type { TlsIdentity } from "../http/tls-identity.ts";
import { ConfigError } from "./config/config-error.ts";

/** How often the files are looked at for a renewed certificate. */
const lookMs = 30_000;
const fileBytesMax = 1024 * 1024;

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Reads certificate and key. Throws a ConfigError that names the file that cannot be used. */
export async function readTlsFiles({ cert, key }: TlsFiles): Promise<TlsIdentity> {
  const identity = {
    cert: await readPem("tls.cert", cert),
    key: await readPem("tls.key", key),
  };
  const certificate = parsed("tls.cert", cert, "a certificate", () => {
    return new X509Certificate(identity.cert);
  });
  const privateKey = parsed("tls.key", key, "a private key without a passphrase", () => {
    return createPrivateKey(identity.key);
  });
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new ConfigError([`tls.key ${key} is not the key of the certificate in tls.cert ${cert}`]);
  }
  return identity;
}

/** Hands over the identity again whenever the files change; a pair that cannot be used changes nothing. */
export function watchTlsFiles(options: {
  readonly files: TlsFiles;
  readonly current: TlsIdentity;
  readonly use: (identity: TlsIdentity) => void;
  readonly clock: Clock;
  readonly log: Log;
}): Timer {
  const { files, use, clock, log } = options;
  let seen = fingerprint(options.current);
  let failure = "";
  const look = async (): Promise<void> => {
    try {
      const identity = await readTlsFiles(files);
      const found = fingerprint(identity);
      if (found === seen) return;
      use(identity);
      seen = found;
      failure = "";
      log.info("The TLS certificate was renewed", { file: files.cert });
    } catch (error) {
      // Between the writing of the two files they are no pair; said once, since it lasts.
      const text = String(error);
      if (text !== failure) log.warn("The TLS files changed and cannot be used", { error: text });
      failure = text;
    }
  };
  return clock.every(lookMs, () => void look());
}

async function readPem(setting: string, file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`${setting} ${file} cannot be read: ${why}`], { cause });
  }
  if (text.length <= fileBytesMax) return text;
  throw new ConfigError([`${setting} ${file} is larger than ${fileBytesMax} bytes`]);
}

function parsed<T>(setting: string, file: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`${setting} ${file} is not ${what} in PEM: ${why}`], { cause });
  }
}

function fingerprint({ cert, key }: TlsIdentity): string {
  return sha256Hex(`${cert}\0${key}`);
}
