/** One happy request per operation, what it must become, and a body that must be refused. */
export interface RouteRow {
  id: string;
  method: string;
  path: string;
  body?: unknown;
  status?: number;
  command: string | undefined;
  input?: unknown;
  answer: unknown;
  wrong?: { body: unknown; pointer: string };
}
