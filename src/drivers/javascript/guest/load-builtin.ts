// Taken before user code can replace it.
const getBuiltinModule = process.getBuiltinModule.bind(process);

/**
 * Loads a module of the runtime when it is needed: importing node:net, node:fs and node:util at the
 * start would take twice as long as the rest of the guest, and many functions use none of them.
 */
export const loadBuiltin: typeof process.getBuiltinModule = getBuiltinModule;
