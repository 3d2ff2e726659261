const plain = /^[ !#-[\]-~]*$/;

/** A string as JSON. Printable ASCII without quote and backslash, which ids are, costs no escape. */
export function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}
