/** Longest chunk-size line, extensions included. */
const sizeLineBytesMax = 256;
/** Most bytes that the extensions of one body may have together. */
const extensionBytesMax = 16 * 1024;
/** Most bytes of the trailers, which are dropped. */
const trailerBytesMax = 8 * 1024;
/** Digits of a chunk size: up to 4 GiB, far over any body's cap. */
const sizeDigitsMax = 8;

const cr = 13;
const lf = 10;

//  size --digits--> size --;--> extension --CR--> sizeEnd
//  size --CR--> sizeEnd --LF--> data --all--> dataCr --CR--> dataLf --LF--> size
//  sizeEnd --LF, size 0--> trailerStart --CR--> lastLf --LF--> done
//  trailerStart --other--> trailer --CR--> trailerLf --LF--> trailerStart
type State =
  | "size"
  | "extension"
  | "sizeEnd"
  | "data"
  | "dataCr"
  | "dataLf"
  | "trailerStart"
  | "trailer"
  | "trailerLf"
  | "lastLf"
  | "done";

/**
 * Decodes a chunked body, piece by piece and strictly: sizes are one to eight hexadecimal digits,
 * lines end with CR LF, extensions and trailers are bounded and dropped.
 */
export class ChunkedDecoder {
  /** Why the body cannot be understood; nothing can be read after it. */
  fault: string | undefined;
  #state: State = "size";
  #size = 0;
  #digits = 0;
  #left = 0;
  #lineBytes = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  /** Where the decoded bytes of this piece end. */
  #end = 0;

  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Decodes from `start` on, in place: the decoded bytes are moved together at `start`. Returns
   * where they end; `consumed` says how far the piece was read, which is short of its end only when
   * the body is done or at fault.
   */
  decode(piece: Buffer, start: number): { readonly end: number; readonly consumed: number } {
    let at = start;
    this.#end = start;
    while (at < piece.length && this.#state !== "done" && this.fault === undefined) {
      if (this.#state === "data") at = this.#takeData(piece, at);
      else this.#take(piece[at++] as number);
    }
    return { end: this.#end, consumed: at };
  }

  #takeData(piece: Buffer, at: number): number {
    const taken = Math.min(this.#left, piece.length - at);
    if (this.#end !== at) piece.copyWithin(this.#end, at, at + taken);
    this.#end += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#state = "dataCr";
    return at + taken;
  }

  #take(byte: number): void {
    switch (this.#state) {
      case "size":
        this.#takeSize(byte);
        break;
      case "extension":
        this.#takeExtension(byte);
        break;
      case "sizeEnd":
        if (this.#isByte(byte, lf, "a chunk size")) this.#sized();
        break;
      case "dataCr":
        if (this.#isByte(byte, cr, "a chunk")) this.#state = "dataLf";
        break;
      case "dataLf":
        if (this.#isByte(byte, lf, "a chunk")) this.#state = "size";
        break;
      case "trailerLf":
        if (this.#isByte(byte, lf, "a trailer")) this.#state = "trailerStart";
        break;
      case "lastLf":
        if (this.#isByte(byte, lf, "the body")) this.#state = "done";
        break;
      case "trailerStart":
      case "trailer":
        this.#takeTrailer(byte);
        break;
      // `decode` takes these bytes, or stops at them.
      case "data":
      case "done":
        break;
    }
  }

  #takeSize(byte: number): void {
    const digit = digitOf(byte);
    if (digit >= 0) {
      this.#digits += 1;
      if (this.#digits > sizeDigitsMax) this.fault = "a chunk size is too long";
      this.#size = this.#size * 16 + digit;
    } else if (this.#digits === 0) this.fault = "a chunk size is not a hexadecimal number";
    else if (byte === cr) this.#state = "sizeEnd";
    else if (byte === 0x3b) this.#state = "extension";
    else this.fault = "a chunk size is not a hexadecimal number";
  }

  #takeExtension(byte: number): void {
    this.#lineBytes += 1;
    this.#extensionBytes += 1;
    if (byte === cr) this.#state = "sizeEnd";
    else if (isControl(byte)) this.fault = "a chunk extension holds a control character";
    else if (this.#lineBytes > sizeLineBytesMax || this.#extensionBytes > extensionBytesMax) {
      this.fault = `chunk extensions are over ${sizeLineBytesMax} bytes each or ${extensionBytesMax} bytes in all`;
    }
  }

  #sized(): void {
    this.#left = this.#size;
    this.#state = this.#size === 0 ? "trailerStart" : "data";
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
  }

  #takeTrailer(byte: number): void {
    this.#trailerBytes += 1;
    if (this.#trailerBytes > trailerBytesMax) {
      this.fault = `its trailers are over ${trailerBytesMax} bytes`;
    } else if (byte === cr) this.#state = this.#state === "trailer" ? "trailerLf" : "lastLf";
    else if (isControl(byte)) this.fault = "a trailer holds a control character";
    else this.#state = "trailer";
  }

  #isByte(byte: number, wanted: number, what: string): boolean {
    if (byte !== wanted) this.fault = `${what} does not end with CR LF`;
    return byte === wanted;
  }
}

function isControl(byte: number): boolean {
  return (byte < 32 && byte !== 9) || byte === 127;
}

/** Value of a hexadecimal digit, or -1. */
function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
