/** A name that no bundle may hold, with a word of the reason. */
export interface HostileName {
  readonly what: string;
  readonly name: string | Uint8Array;
  readonly word: string;
}

/** Names that are refused in a zip, in a tar and among uploaded files. */
export const hostileNames: readonly HostileName[] = [
  { what: "an empty name", name: "", word: "empty" },
  { what: "the name .", name: ".", word: "names no file" },
  { what: "the name ..", name: "..", word: "`..`" },
  { what: "the name ./..", name: "./..", word: "`..`" },
  { what: "a path out of the root", name: "../up.ts", word: "`..`" },
  { what: "a path out and in again", name: "a/../../bundle/up.ts", word: "`..`" },
  { what: "a dot segment", name: "a/./b.ts", word: "`.` segment" },
  { what: "an empty segment", name: "a//b.ts", word: "empty or" },
  { what: "an absolute path", name: "/etc/passwd", word: "absolute" },
  { what: "two leading slashes", name: "//host/share", word: "absolute" },
  { what: "a drive letter", name: "C:/windows/a.ts", word: "drive letter" },
  { what: "a drive letter without a slash", name: "c:a.ts", word: "drive letter" },
  { what: "a backslash", name: "a\\..\\b.ts", word: "backslash" },
  { what: "a share of Windows", name: "\\\\host\\share", word: "backslash" },
  { what: "a NUL", name: "a.ts\0.png", word: "NUL" },
  { what: "a newline", name: "a\nb.ts", word: "control character" },
  { what: "an escape", name: "a\u001b[2Jb.ts", word: "control character" },
  { what: "a DEL", name: "a\u007fb.ts", word: "control character" },
  { what: "a C1 control", name: "a\u0085b.ts", word: "control character" },
  { what: "a trailing dot", name: "a.ts.", word: "ends in a dot or a space" },
  { what: "a trailing space", name: "a.ts ", word: "ends in a dot or a space" },
  { what: "a folder with a trailing dot", name: "a./b.ts", word: "ends in a dot or a space" },
  { what: "three dots", name: ".../b.ts", word: "ends in a dot or a space" },
  { what: "a device of Windows", name: "nul", word: "device on Windows" },
  { what: "a device with an extension", name: "lib/Com1.ts", word: "device on Windows" },
  { what: "a device as a folder", name: "AUX/b.ts", word: "device on Windows" },
  { what: "a name of 513 bytes", name: `${"é".repeat(255)}abc`, word: "512 bytes" },
  { what: "33 levels", name: Array(33).fill("a").join("/"), word: "32 levels" },
  { what: "a replacement character", name: "a\ufffd.ts", word: "UTF-8" },
  { what: "invalid UTF-8", name: Uint8Array.of(0x61, 0xff, 0x2e), word: "UTF-8" },
  { what: "overlong UTF-8", name: Uint8Array.of(0x61, 0xc0, 0xae, 0xc0, 0xaf), word: "UTF-8" },
  { what: "a surrogate in UTF-8", name: Uint8Array.of(0xed, 0xa0, 0x80), word: "UTF-8" },
];

/** Names that may not be in one bundle together. */
export const collidingNames: readonly {
  readonly what: string;
  readonly names: readonly [string, string];
  readonly word: string;
}[] = [
  { what: "case", names: ["a.ts", "A.ts"], word: "only in case" },
  { what: "case of a folder", names: ["Src/a.ts", "src/b.ts"], word: "only in case" },
  { what: "NFC and NFD", names: ["caf\u00e9.ts", "cafe\u0301.ts"], word: "Unicode form" },
  { what: "order of marks", names: ["a\u0323\u0307", "a\u0307\u0323"], word: "Unicode form" },
  { what: "ß and ss", names: ["straße.ts", "STRASSE.ts"], word: "only in case" },
  { what: "ß and ẞ", names: ["straße.ts", "stra\u1e9ee.ts"], word: "only in case" },
  { what: "long s and s", names: ["\u017f.ts", "s.ts"], word: "only in case" },
  { what: "Kelvin sign and k", names: ["\u212a.ts", "k.ts"], word: "only in case" },
  { what: "Ångström sign and å", names: ["\u212b.ts", "\u00e5.ts"], word: "only in case" },
  { what: "final sigma", names: ["\u03c3.ts", "\u03c2.ts"], word: "only in case" },
  { what: "ligature fi", names: ["\ufb01.ts", "FI.ts"], word: "only in case" },
  { what: "capital i with dot", names: ["\u0130.ts", "i\u0307.ts"], word: "only in case" },
  { what: "invisible joiner", names: ["a\u200d.ts", "a.ts"], word: "Unicode form" },
  { what: "a file below a file", names: ["a", "a/b.ts"], word: "both a file and a folder" },
  { what: "a folder that is a file", names: ["a/b.ts", "a"], word: "both a file and a folder" },
  { what: "a folder over a file in case", names: ["a/b.ts", "A"], word: "only in case" },
  { what: "twice with ./", names: ["a.ts", "./a.ts"], word: "twice" },
];
