/** The argument that names a policy. */
export const policyArgument = { summary: "Name of the policy" } as const;
