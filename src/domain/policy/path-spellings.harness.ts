/** Ways to write a path of one segment that some reader takes for it, or for another path. */
export function spellingsOf(path: string): string[] {
  const [, name = ""] = path.split("/");
  const first = name.charCodeAt(0).toString(16);
  const rest = name.slice(1);
  const segments = [
    `%${first}${rest}`,
    `%${first.toUpperCase()}${rest}`,
    `%25${first}${rest}`,
    `${name};x=1`,
    `${name}%3b`,
    `${name}%00`,
    `${name}%0a`,
    `${name}%5c`,
    `%5c${name}`,
    `${name}%`,
    `%c1%a1${rest}`,
    `${name}%ef%bb%bf`,
    `${name}%e2%80%a8`,
    `%09${name}`,
  ];
  const around = (segment: string): string[] => [
    `/${segment}`,
    `//${segment}`,
    `/./${segment}`,
    `/%2e/${segment}`,
    `/x/../${segment}`,
    `/x/%2e%2e/${segment}`,
    `/x/.%2e/${segment}`,
    `/x%2f..%2f${segment}`,
    `/x%5c..%5c${segment}`,
    `/%2f${segment}`,
    `/${segment}/.`,
    `/${segment}/%2e`,
    `/${segment}//`,
    `/${segment}%2f`,
    `/${segment}?`,
    `/${segment}?a=/x`,
  ];
  return [name, ...segments].flatMap(around);
}
