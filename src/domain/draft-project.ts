const prefix = "playground-";

/** Whom a project's drafts run as: they share nothing with its functions. */
export function draftProject(projectId: string): string {
  return `${prefix}${projectId}`;
}

/** Whether what runs there is a draft. */
export function isDraftProject(projectId: string): boolean {
  return projectId.startsWith(prefix);
}
