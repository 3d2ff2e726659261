/** Why an expression is refused, and where. */
export class CelFault extends Error {
  /** Characters before the fault. */
  readonly offset: number;

  constructor(message: string, offset: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CelFault";
    this.offset = offset;
  }
}
