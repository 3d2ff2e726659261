/**
 * The handler of every throughput and latency figure: POST echoes its JSON, GET tells how many POSTs
 * this process served, so that the generator's count can be checked against it.
 */
let served = 0;

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === "GET") return Response.json({ served });
    served += 1;
    return Response.json(await request.json());
  },
};
