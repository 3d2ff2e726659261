import type { Behaviour } from "./behaviours.ts";

const encodings = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  "latin1",
  "windows-1252",
  "iso-8859-2",
  "koi8-r",
  "shift_jis",
  "euc-jp",
  "iso-2022-jp",
  "euc-kr",
  "gbk",
  "gb18030",
  "big5",
  "macintosh",
  "x-user-defined",
];

function decoded(encoding: string): string {
  try {
    return new TextDecoder(encoding).decode(new Uint8Array([0x41, 0xa4, 0xa2, 0x42, 0x00, 0xe9]));
  } catch (error) {
    return (error as Error).name;
  }
}

const hex = (bytes: ArrayBufferLike | ArrayBufferView): string =>
  Buffer.from(new Uint8Array("buffer" in bytes ? bytes.buffer : bytes)).toString("hex");

/** Texts, addresses, values and languages. */
export const codecs: Readonly<Record<string, Behaviour>> = {
  base64: () => [btoa("reactor"), atob("cmVhY3Rvcg==")],
  URL: () => [
    new URL("/ä?b=c d#e", "http://user:pw@x.test:81/y").href,
    [...new URLSearchParams("a=1&a=2&b=%20")],
    URL.canParse("nope"),
    new URL("http://müller.test/").hostname,
  ],
  URLPattern: () => {
    const Pattern: unknown = Reflect.get(globalThis, "URLPattern");
    if (typeof Pattern !== "function") return "none";
    const pattern: unknown = Reflect.construct(Pattern, [{ pathname: "/a/:b" }]);
    return (pattern as { exec(url: string): { pathname: { groups: object } } }).exec("http://x/a/c")
      .pathname.groups;
  },
  TextDecoder: () => Object.fromEntries(encodings.map((encoding) => [encoding, decoded(encoding)])),
  "TextDecoder that is strict": () =>
    new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])),
  TextEncoder: () => [
    hex(new TextEncoder().encode("ü€😀")),
    new TextEncoder().encodeInto("ü", new Uint8Array(4)),
  ],
  structuredClone: () => {
    const clone = structuredClone({
      map: new Map([[1, new Date(0)]]),
      set: new Set(["a"]),
      error: new RangeError("r"),
      bytes: new Uint8Array([1, 2]),
      pattern: /a/gi,
      big: 12n,
    });
    const { map, set, error, bytes, pattern, big } = clone;
    return [
      map.get(1)?.getTime(),
      [...set],
      String(error),
      hex(bytes),
      String(pattern),
      String(big),
    ];
  },
  "structuredClone of a function": () => structuredClone(() => undefined),
  "structuredClone with transfer": () => {
    const buffer = new ArrayBuffer(8);
    structuredClone(buffer, { transfer: [buffer] });
    return buffer.byteLength;
  },
  "Intl numbers": () =>
    ["de-DE", "ar-EG", "hi-IN", "ja-JP", "fr-CH"].map((locale) => [
      new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" }).format(1234567.891),
      new Intl.NumberFormat(locale, { notation: "compact" }).format(1_234_567),
    ]),
  "Intl dates": () =>
    ["en-US", "de-DE", "ar-EG", "ja-JP-u-ca-japanese", "th-TH", "he-IL"].map((locale) =>
      new Intl.DateTimeFormat(locale, {
        dateStyle: "full",
        timeStyle: "long",
        timeZone: "Asia/Tokyo",
      }).format(0),
    ),
  "Intl time zones": () =>
    ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham"].map((timeZone) =>
      new Date(1_720_000_000_000).toLocaleString("en-GB", { timeZone, timeZoneName: "longOffset" }),
    ),
  "Intl lists what it supports": () =>
    (["calendar", "collation", "currency", "numberingSystem", "timeZone", "unit"] as const).map(
      (key) => [key, Intl.supportedValuesOf(key).length],
    ),
  "Intl texts": () => [
    ["z", "a", "ä", "Å"].toSorted(new Intl.Collator("sv").compare),
    new Intl.PluralRules("pl").select(5),
    new Intl.RelativeTimeFormat("es", { numeric: "auto" }).format(-1, "day"),
    new Intl.ListFormat("en", { type: "conjunction" }).format(["a", "b", "c"]),
    new Intl.DisplayNames("fr", { type: "region" }).of("DE"),
    [...new Intl.Segmenter("ja", { granularity: "word" }).segment("吾輩は猫である")].map(
      ({ segment }) => segment,
    ),
    "İ".toLocaleLowerCase("tr"),
    "é".normalize("NFD").length,
  ],
  "the default language and zone": () => {
    const { locale, timeZone, calendar } = new Intl.DateTimeFormat().resolvedOptions();
    return [locale, timeZone, calendar, new Date(0).getTimezoneOffset(), new Date(0).toString()];
  },
};
