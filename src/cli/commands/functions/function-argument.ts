/** The argument that names a function in every command about one. */
export const functionArgument = { summary: "Name or id of the function" } as const;
