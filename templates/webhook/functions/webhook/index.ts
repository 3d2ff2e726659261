import { createHmac, timingSafeEqual } from "node:crypto";
import type { FetchHandler } from "@reactor/functions";

/** Takes signed events: the sender signs the body with a secret that both sides know. */
export default {
  async fetch(request, ctx) {
    const body = await request.text();
    const signature = request.headers.get("x-hub-signature-256") ?? "";
    if (!isSignedWith(ctx.secrets.get("WEBHOOK_SECRET"), body, signature)) {
      return Response.json({ error: "the signature is missing or wrong" }, { status: 401 });
    }
    const event = parse(body);
    if (event === undefined) {
      return Response.json({ error: "the body is not JSON" }, { status: 400 });
    }
    ctx.log("received", event);
    return Response.json({ received: true });
  },
} satisfies FetchHandler;

function isSignedWith(secret: string, body: string, signature: string): boolean {
  const wanted = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const [given, expected] = [Buffer.from(signature), Buffer.from(wanted)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
