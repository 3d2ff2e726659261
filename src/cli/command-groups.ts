/** What each word that only groups commands is about; shown in the help. */
export const commandGroups: Readonly<Record<string, string>> = {
  projects: "Projects beside `default`.",
  functions: "Create, deploy, promote, invoke and watch functions.",
  "functions deployments": "Look at the versions of a function.",
  "functions env": "Environment variables and secrets of a function.",
  aliases: "Named pointers to one or two deployments.",
  policies: "Rules that must hold for every invocation of a function.",
  secrets: "Secrets of a project and of its functions, and the key that seals them.",
  db: "The database of the project's functions.",
  client: "Code that calls the functions.",
  keys: "API keys.",
  backup: "Take a backup of a running server, check one, restore one.",
  playground: "Code that is not deployed.",
  invocations: "What was invoked, and how it ended.",
  schedules: "What runs by itself.",
  hooks: "Functions that a provisioning pipeline asks for.",
  microvm: "What microVMs of this machine boot from.",
};
