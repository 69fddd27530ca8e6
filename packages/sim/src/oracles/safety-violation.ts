/** Something that the cluster promises never to do was seen. */
export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
  readonly oracle: string;

  constructor(oracle: string, message: string) {
    super(`${oracle}: ${message}`);
    this.oracle = oracle;
  }
}
