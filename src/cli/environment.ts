/** Environment variables as they were handed in; the CLI never looks at the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;
