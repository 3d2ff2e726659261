import { invalidBundle, shownName } from "./bundle-limits.ts";
import { readPaxRecords } from "./pax-records.ts";
import { decodeTarName, readTarHeader, type TarHeader } from "./tar-header.ts";

/** Hears what a tar holds, in its order. What it throws ends the parsing. */
export interface TarListener {
  /** A file begins; its bytes follow. */
  onFile(name: string, bytes: number): void;
  /** Bytes of the last file; the array is the caller's and must be copied to be kept. */
  onBytes(piece: Uint8Array): void;
  onFolder(name: string): void;
  /** A header that holds for all that follow, which counts as an entry although it is none. */
  onGlobalHeader(): void;
}

const blockBytes = 512;
/** Room for a name of 512 bytes and the times, owners and attributes that go with it. */
const extensionBytesMax = 65_536;

//  header --zero block--> closing --zero block--> closed (only zeros may follow)
//  header --file, pax, long name--> body --its last byte--> padding --> header
type State = "header" | "body" | "padding" | "closing" | "closed";

/**
 * Parses a tar piece by piece, holding never more of it than one header or one extended header.
 * Own, because two readers of a tar must not disagree about names and sizes: what pax and GNU headers
 * may say is a short list, and everything else is refused by name.
 */
export class TarParser {
  readonly #listener: TarListener;
  #state: State = "header";
  /** Bytes of the body or padding still to come. */
  #left = 0;
  #current: TarHeader | undefined;
  #currentName = "";
  /** What an extended header said of the entry that comes next. */
  #extended = false;
  #nextName: string | undefined;
  #nextBytes: number | undefined;
  #extension: Uint8Array[] = [];
  readonly #block = new Uint8Array(blockBytes);
  #filled = 0;

  constructor(listener: TarListener) {
    this.#listener = listener;
  }

  /** Parses the next piece of the tar, of any length. ReactorError `bundle_invalid`. */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#state === "closed") {
        requireZeros(piece.subarray(at));
        return;
      }
      const inBlock = this.#state === "header" || this.#state === "closing";
      const part = piece.subarray(at, at + (inBlock ? blockBytes - this.#filled : this.#left));
      at += part.length;
      if (inBlock) this.#takeBlock(part);
      else if (this.#state === "body") this.#takeBody(part);
      else this.#takePadding(part);
    }
  }

  /** Says that no more comes; `bundle_invalid` when the tar is cut short. */
  end(): void {
    if (this.#state === "closed") return;
    const inBody = this.#state === "body";
    const where = inBody ? `in the middle of ${shownName(this.#currentName)}` : "before its end";
    throw damaged(`it is cut short ${where}`);
  }

  #takeBlock(piece: Uint8Array): void {
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled < blockBytes) return;
    this.#filled = 0;
    this.#takeHeader();
  }

  #takeHeader(): void {
    if (this.#block.every((byte) => byte === 0)) {
      if (this.#extended) throw damaged("it ends after an extended header, without its entry");
      this.#state = this.#state === "closing" ? "closed" : "closing";
      return;
    }
    if (this.#state === "closing") throw damaged("an empty block is in the middle of it");
    const header = readTarHeader(this.#block);
    this.#current = header;
    this.#left = header.bodyBytes;
    if (header.kind === "file" || header.kind === "folder") this.#openEntry(header);
    else this.#openExtension(header);
    this.#state = "body";
    if (this.#left === 0) this.#closeBody(header);
  }

  #openEntry(header: TarHeader): void {
    const name = this.#nextName ?? header.name;
    this.#nextName = undefined;
    this.#extended = false;
    this.#currentName = name;
    const bytes = this.#nextBytes ?? header.bodyBytes;
    this.#nextBytes = undefined;
    if (bytes !== header.bodyBytes) {
      throw invalidBundle(
        `a pax header of the tar gives ${shownName(name)} ${bytes} bytes, its own header ${header.bodyBytes}`,
      );
    }
    if (header.kind === "file") this.#listener.onFile(name, header.bodyBytes);
    else this.#listener.onFolder(name);
  }

  #openExtension({ kind, name, bodyBytes }: TarHeader): void {
    this.#currentName = name;
    this.#extension = [];
    if (kind === "global-pax") this.#listener.onGlobalHeader();
    else if (this.#extended) throw damaged("an entry has two extended headers");
    else this.#extended = true;
    if (bodyBytes <= extensionBytesMax) return;
    throw invalidBundle(
      `an extended header of the tar has ${bodyBytes} bytes, at most ${extensionBytesMax} are allowed`,
    );
  }

  #takeBody(piece: Uint8Array): void {
    this.#left -= piece.length;
    if (this.#current?.kind === "file") this.#listener.onBytes(piece);
    else this.#extension.push(piece.slice());
    if (this.#left === 0 && this.#current !== undefined) this.#closeBody(this.#current);
  }

  #closeBody(header: TarHeader): void {
    this.#takeExtension(header);
    this.#left = (blockBytes - (header.bodyBytes % blockBytes)) % blockBytes;
    this.#state = this.#left > 0 ? "padding" : "header";
  }

  #takeExtension({ kind, name }: TarHeader): void {
    if (kind === "file" || kind === "folder") return;
    const body = Buffer.concat(this.#extension);
    if (kind === "long-name") {
      this.#nextName = readLongName(body);
      return;
    }
    const { path, bytes } = readPaxRecords(body);
    if (kind === "pax") {
      this.#nextName = path;
      this.#nextBytes = bytes;
    } else if (path !== undefined || bytes !== undefined) {
      throw invalidBundle(
        `the global pax header ${shownName(name)} sets a path or a size, which would be every entry's`,
      );
    }
  }

  /** Zeros by the format; whatever else hides there is not part of any file. */
  #takePadding(piece: Uint8Array): void {
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = "header";
  }
}

function readLongName(body: Uint8Array): string {
  const end = body.indexOf(0);
  const text = end === -1 ? body : body.subarray(0, end);
  if (end !== -1 && body.subarray(end).some((byte) => byte !== 0)) {
    throw invalidBundle("the name of an entry of the tar has a NUL inside");
  }
  return decodeTarName(text);
}

function requireZeros(rest: Uint8Array): void {
  if (rest.some((byte) => byte !== 0)) throw damaged("data follows its end");
}

function damaged(reason: string): Error {
  return invalidBundle(`the tar is damaged: ${reason}`);
}
