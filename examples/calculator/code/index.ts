interface Calculation {
  readonly operation?: string;
  readonly a?: number | string;
  readonly b?: number | string;
}

const operations: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ["add", (a: number, b: number) => a + b],
  ["subtract", (a: number, b: number) => a - b],
  ["multiply", (a: number, b: number) => a * b],
  ["divide", (a: number, b: number) => a / b],
]);

/** Calculates what the JSON body asks for, `{ operation, a, b }`. */
export function handler(event: Calculation): { statusCode: number; body: string } {
  const calculate = operations.get(event.operation ?? "");
  if (calculate === undefined) return answer(400, { error: "Invalid operation" });
  const a = Number(event.a ?? 0);
  const b = Number(event.b ?? 0);
  const divisionByZero = event.operation === "divide" && b === 0;
  return answer(200, { result: divisionByZero ? "Error: Division by zero" : calculate(a, b) });
}

function answer(statusCode: number, body: object): { statusCode: number; body: string } {
  return { statusCode, body: JSON.stringify(body) };
}
