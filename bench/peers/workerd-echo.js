// The same echo for workerd.
let served = 0;
export default {
  async fetch(request) {
    if (request.method === "GET") return Response.json({ served });
    served += 1;
    return Response.json(await request.json());
  },
};
