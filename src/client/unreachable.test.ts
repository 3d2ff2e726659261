import { afterAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { createClient } from "./client.ts";
import { unreachable } from "./unreachable.ts";

const closing = createServer((socket) => {
  socket.once("data", () => socket.destroy());
});
const port = await new Promise<number>((resolve, reject) => {
  closing.listen(0, "127.0.0.1", () => {
    const address = closing.address();
    if (address !== null && typeof address === "object") resolve(address.port);
    else reject(new Error("no port"));
  });
});
afterAll(() => void closing.close());

async function refusal(url: string): Promise<string> {
  return createClient({ url })
    .listFunctions()
    .then(
      () => "answered",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
}

test("a server that speaks TLS, asked without, is not said to be down", async () => {
  expect(await refusal(`http://127.0.0.1:${port}`)).toBe(
    `Cannot reach Reactor at http://127.0.0.1:${port}: it closed the connection without an answer; when it speaks TLS, ask with https:// instead`,
  );
});

test.each([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "NODE_EXTRA_CA_CERTS=/path/to/cert.pem"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "NODE_EXTRA_CA_CERTS=/path/to/cert.pem"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "ask under a name that the certificate has"],
  ["EPROTO", "it does not speak TLS; ask with http:// instead"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "it does not speak TLS; ask with http:// instead"],
])("%s is said with its remedy, on Bun and on Node", (code, remedy) => {
  const fault = Object.assign(new Error("some sentence"), { code });
  for (const cause of [fault, new TypeError("fetch failed", { cause: fault })]) {
    const { message, details } = unreachable("https://reactor.example.com", cause);
    expect(message).toEndWith(remedy);
    expect(message).not.toContain("reactor serve");
    expect(details).toEqual({ url: "https://reactor.example.com" });
  }
});

test("where nothing listens the command that starts a server is named", () => {
  const cause = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  const { message, details } = unreachable("http://127.0.0.1:1", cause);
  expect(message).toContain("nothing listens there; start it with `reactor serve`");
  expect(details["next"]).toBe("reactor serve");
});
