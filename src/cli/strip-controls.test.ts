import { describe, expect, test } from "bun:test";
import { stripControls } from "./strip-controls.ts";

const esc = "\u001b";

describe("stripControls()", () => {
  test.each([
    ["colours", `a${esc}[31mb${esc}[0mc`, "abc"],
    ["cursor movement and clearing", `${esc}[2J${esc}[1;1Hx${esc}[K`, "x"],
    ["private modes", `${esc}[?1049hx${esc}[?25l`, "x"],
    ["titles ended by BEL", `${esc}]0;owned\u0007x`, "x"],
    ["titles ended by ST", `${esc}]2;owned${esc}\\x`, "x"],
    ["clipboard writes", `${esc}]52;c;ZXZpbA==\u0007x`, "x"],
    ["hyperlinks", `${esc}]8;;http://evil${esc}\\text${esc}]8;;${esc}\\`, "text"],
    ["device control strings", `${esc}P+q544e${esc}\\x`, "x"],
    ["application commands", `${esc}_G payload${esc}\\x`, "x"],
    ["C1 forms", "\u009b31mx\u009d0;t\u009cy", "xy"],
    ["two-character escapes", `${esc}cx${esc}7y${esc}(B`, "xy"],
    ["carriage returns and backspaces", "safe\rEVIL\b\b", "safeEVIL"],
    ["bells, NULs and DEL", "a\u0007b\u0000c\u007f", "abc"],
    ["marks that turn text around", "a\u202eb\u2066c", "abc"],
    [
      "an unfinished sequence only by its start",
      `${esc}]0;title without end`,
      "0;title without end",
    ],
    ["an escape inside an escape", `${esc}${esc}[31m[31mx`, "[31mx"],
  ])("removes %s", (_, dirty, clean) => {
    expect(stripControls(dirty)).toBe(clean);
  });

  test("keeps tabs, line feeds and every other letter", () => {
    const text = "a\tb\nä 日本 🙂 [31m";
    expect(stripControls(text)).toBe(text);
  });

  test("leaves no control character in any mix of pieces", () => {
    const pieces = [esc, "[", "]", "31m", "\u0007", "\u009b", "P", "\\", "x", "\u009c", ";", "\r"];
    for (let seed = 0; seed < 5000; seed++) {
      let text = "";
      for (let rest = seed * 7919 + 1; rest > 0; rest = Math.floor(rest / 12))
        text += pieces[rest % 12];
      expect(stripControls(text)).not.toMatch(/[\p{Cc}--[\t\n]]/v);
    }
  });

  test("takes time in proportion to its input", () => {
    expect(stripControls(`${esc}]`.repeat(100_000)).includes(esc)).toBe(false);
    expect(stripControls(`${esc}[${"0;".repeat(100_000)}`).includes(esc)).toBe(false);
    expect(stripControls("\u009d".repeat(200_000))).toBe("");
    expect(stripControls("\u0090x".repeat(200_000))).toBe("x".repeat(200_000));
  });
});
