/** A character of a method or a header name (RFC 9110 `tchar`). */
export const tokenClass = 1;
/** A character of a request target: visible ASCII without `#`, which no target may hold. */
export const targetClass = 2;
/** A character of a header value: visible, space, tab and the upper half of Latin-1. */
export const valueClass = 4;
/** A character of a Host: of names, IPv4 and bracketed IPv6 addresses, and ports. */
export const hostClass = 8;

/** The classes of every Latin-1 character, as bits. */
export const characterClasses: Uint8Array = classify();

function classify(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let code = 0; code < 256; code++) {
    const char = String.fromCharCode(code);
    let bits = 0;
    if (/[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char)) bits |= tokenClass;
    if (/[\x21-\x7e]/.test(char) && char !== "#") bits |= targetClass;
    if (/[\t\x20-\x7e\x80-\xff]/.test(char)) bits |= valueClass;
    if (/[0-9A-Za-z.:_[\]-]/.test(char)) bits |= hostClass;
    classes[code] = bits;
  }
  return classes;
}
