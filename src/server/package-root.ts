import { fileURLToPath } from "node:url";

/** Reactor's own folder: its `node_modules` may hold runtimes and PostgreSQL. */
export const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
