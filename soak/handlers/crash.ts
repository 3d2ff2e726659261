/** Dies in the way that the path names, or answers. */
export default {
  async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/exit":
        return process.exit(3);
      case "/timer":
        setTimeout(() => {
          throw new Error("in a timer");
        }, 1);
        return new Promise(() => undefined);
      default:
        return new Response("ok");
    }
  },
};
