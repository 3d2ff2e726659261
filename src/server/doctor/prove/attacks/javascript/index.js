/**
 * The function that `reactor doctor prove` deploys on Bun, Node and Deno: it tries to do what a
 * sandbox must not let it do, and says how that went. It runs inside an instance and is never
 * imported by the server.
 */
import { endAttacks } from "./end-attacks.js";
import { fileAttacks } from "./file-attacks.js";
import { kernelAttacks } from "./kernel-attacks.js";
import { networkAttacks } from "./network-attacks.js";
import { processAttacks } from "./process-attacks.js";
import { resourceAttacks } from "./resource-attacks.js";

const attacks = {
  ...fileAttacks,
  ...processAttacks,
  ...kernelAttacks,
  ...networkAttacks,
  ...resourceAttacks,
  ...endAttacks,
};

export default {
  async fetch(request) {
    const { attack, args } = await request.json();
    const answer = await attacks[attack](args);
    return answer instanceof Response ? answer : Response.json(answer);
  },
};
