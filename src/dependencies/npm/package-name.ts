const namePart = "[A-Za-z0-9~_][A-Za-z0-9._~-]*";
const nameForm = new RegExp(
  `^(?:@${namePart.replace("[A-Za-z0-9~_]", "[A-Za-z0-9~_-]")}/)?${namePart}$`,
);
const versionForm =
  /^\d{1,16}\.\d{1,16}\.\d{1,16}(?:-[0-9A-Za-z.-]{1,100})?(?:\+[0-9A-Za-z.-]{1,100})?$/;

/** Whether a text can be the name of an npm package, and so part of a path below node_modules. */
export function isPackageName(name: string): boolean {
  return name.length <= 214 && nameForm.test(name) && name !== "node_modules";
}

/** Whether a text is one exact version. */
export function isExactVersion(version: string): boolean {
  return versionForm.test(version);
}

/** Splits `name@rest`, where the name may have a scope; undefined when it is not of that form. */
export function splitAtVersion(
  text: string,
): { readonly name: string; readonly rest: string } | undefined {
  const at = text.indexOf("@", 1);
  if (at === -1) return undefined;
  return { name: text.slice(0, at), rest: text.slice(at + 1) };
}
