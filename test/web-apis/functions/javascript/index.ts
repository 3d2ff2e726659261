import { behaviours } from "./behaviours.ts";
import { surface } from "./surface.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const { origin } = (await request.json()) as { readonly origin: string };
    return Response.json({ surface: await surface(), behaviours: await behaviours(origin) });
  },
};
