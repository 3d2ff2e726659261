import { expect, test } from "bun:test";
import { type ExchangeWire, HttpExchange } from "./http-exchange.ts";
import { ParsedHead } from "./parsed-head.ts";

/** A connection whose socket sends later what it is given, from the bytes that it was given. */
class LateWire implements ExchangeWire {
  readonly remoteAddress = "";
  readonly localAddress = "";
  readonly secure = false;
  readonly closing = false;
  readonly dateLine = "";
  readonly bufferedBytes = 0;
  readonly held: Buffer[] = [];

  get unsentBytes(): number {
    return this.held.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  take(): undefined {}

  lend(): undefined {}

  untake(): void {}

  write(bytes: Buffer | string): boolean {
    this.held.push(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return false;
  }

  wake(): void {}

  answered(): void {}

  cut(): void {}
}

function streamed(wire: ExchangeWire, text: string): void {
  const exchange = new HttpExchange(wire, new ParsedHead());
  exchange.opened();
  exchange.start(200, [], 2 * text.length);
  exchange.write(Buffer.from(text));
  exchange.write(Buffer.from(text));
}

function answer(wire: ExchangeWire, text: string): void {
  const exchange = new HttpExchange(wire, new ParsedHead());
  exchange.opened();
  exchange.whole(200, [], Buffer.from(text));
}

test("an answer that its socket has not taken stays as it was while others are answered", () => {
  for (const bytes of [10, 10_000, 20_000]) {
    const late = new LateWire();
    answer(late, "a".repeat(bytes));
    answer(new LateWire(), "b".repeat(bytes));
    expect(late.held.join("")).toEndWith(`\r\n\r\n${"a".repeat(bytes)}`);
  }
});

test("pieces that their socket has not taken stay as they were while others are sent", () => {
  for (const bytes of [10, 65_536, 70_000]) {
    const late = new LateWire();
    streamed(late, "a".repeat(bytes));
    streamed(new LateWire(), "b".repeat(bytes));
    expect(late.held.join("")).toEndWith(`\r\n\r\n${"a".repeat(2 * bytes)}`);
  }
});
