/** E.g. `1 project`, `2 projects`. */
export function countProjects(count: number): string {
  return count === 1 ? "1 project" : `${count} projects`;
}
