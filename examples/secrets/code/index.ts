import { createHmac, timingSafeEqual } from "node:crypto";
import type { FunctionContext } from "@reactor/functions";

/**
 * `GET` tells the public key. `POST` accepts a webhook whose header `x-signature` is the HMAC-SHA256
 * of its body under the secret, in hex: the secret is used and never shown.
 */
export default {
  async fetch(request: Request, ctx: FunctionContext): Promise<Response> {
    if (request.method === "GET") {
      return Response.json({ publicKey: ctx.env["STRIPE_PUBLIC_KEY"] });
    }
    const secret = ctx.secrets.get("STRIPE_SECRET_KEY");
    const body = Buffer.from(await request.arrayBuffer());
    const expected = createHmac("sha256", secret).update(body).digest();
    const given = Buffer.from(request.headers.get("x-signature") ?? "", "hex");
    const isGenuine = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isGenuine) return Response.json({ accepted: false }, { status: 401 });
    ctx.log("webhook accepted", { bytes: body.length });
    return Response.json({ accepted: true });
  },
};
