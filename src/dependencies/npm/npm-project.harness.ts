export interface NpmProject {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** Entries of the lockfile by folder below node_modules. */
  readonly packages?: Readonly<Record<string, unknown>>;
}

/** A package.json and the package-lock.json that npm would write for it. */
export function npmProject(project: NpmProject): Record<string, string> {
  const { packages: locked = {}, ...tables } = project;
  const entries = Object.entries(locked).map(([path, entry]) => [`node_modules/${path}`, entry]);
  return {
    "package.json": JSON.stringify(tables),
    "package-lock.json": JSON.stringify({
      lockfileVersion: 3,
      packages: { "": tables, ...Object.fromEntries(entries) },
    }),
  };
}
