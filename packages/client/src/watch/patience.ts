import type { Timer } from '@holdfast/types';
import type { Seams } from '../seams.ts';

/** Bound of the first pause, and of any. Milliseconds. */
const PAUSE_MS_MIN = 10;
const PAUSE_MS_MAX = 1000;

/** Pauses before something is tried again in vain: doubled from the first to the longest, half of each random. */
export class Patience {
  readonly #seams: Pick<Seams, 'clock' | 'random'>;
  #pause: Timer | undefined;

  constructor(seams: Pick<Seams, 'clock' | 'random'>) {
    this.#seams = seams;
  }

  /** `times`: how often there was a pause before, without success since. Resolves at its end, or when it is ended. */
  rest(times: number): Promise<void> {
    const { clock, random } = this.#seams;
    const boundMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(times, 16));
    return new Promise((resolve) => {
      const timer = clock.setTimer(boundMs * (0.5 + random.next() / 2), resolve);
      this.#pause = {
        cancel: () => {
          timer.cancel();
          resolve();
        },
      };
    });
  }

  /** Whoever closes what is waited for does not want to be waited for. */
  end(): void {
    this.#pause?.cancel();
  }
}
