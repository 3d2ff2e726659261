/** Never answers. */
export default {
  fetch: (): Promise<Response> => new Promise(() => undefined),
};
