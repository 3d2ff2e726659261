/** Runs one statement; a failure becomes a ReactorError whose message starts with `Cannot <action>`. */
export type Attempt = <T>(action: string, statement: () => Promise<T>) => Promise<T>;
