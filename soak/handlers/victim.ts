/** Answers at once and says which boot of the instance it was. */
const boot = crypto.randomUUID();

export default {
  fetch: (): Response => Response.json({ boot }),
};
