/** What ended a simulation. */
export type SimulationFailureKind =
  /** The body threw, or a timer that it had set: `cause` is what was thrown. */
  | 'body'
  /** Virtual time ran out: for the body, for what it waited for, or for the nodes to agree in the end. */
  | 'time'
  /** The cluster broke a promise. That is a bug of Holdfast, not of the application. */
  | 'oracle'
  /** A node ended by itself, or something that nobody awaits threw: `cause` tells what. */
  | 'crash'
  /** The simulation itself broke: that is a bug of Holdfast's simulator, of neither the application nor the cluster. */
  | 'simulator';

/** Why a simulation did not pass, and the seed that repeats it. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  readonly kind: SimulationFailureKind;
  readonly seed: number;
  /** When, in milliseconds of virtual time since the nodes were started. */
  readonly atMs: number;

  constructor(options: {
    readonly kind: SimulationFailureKind;
    readonly seed: number;
    readonly atMs: number;
    readonly message: string;
    readonly cause?: unknown;
  }) {
    const { kind, seed, atMs, message, cause } = options;
    super(
      `seed ${seed} failed at ${atMs.toFixed(1)} ms (${kind}): ${message}`,
      cause === undefined ? undefined : { cause },
    );
    this.kind = kind;
    this.seed = seed;
    this.atMs = atMs;
  }
}
