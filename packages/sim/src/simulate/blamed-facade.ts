import { AssertionError, HoldfastError } from '@holdfast/types';
import { blame } from '../run/blame.ts';
import { SimulationFailure } from './simulation-failure.ts';

/**
 * What an application calls of the simulator. What comes out of it is the simulator's own error, but for what it says on
 * purpose: that an argument makes no sense, that a wait was in vain, and what the cluster itself refuses. `takingCode`:
 * methods that call what they are given, which is the application's.
 */
export function blamedFacade<Target extends object>(
  target: Target,
  takingCode: readonly (keyof Target)[],
): Target {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== 'function') return value;
      if (takingCode.includes(name as keyof Target)) return value.bind(of);
      return (...words: unknown[]) => {
        try {
          const result: unknown = value.apply(of, words);
          if (result instanceof Promise) result.then(undefined, blameUnlessMeant);
          return result;
        } catch (error) {
          blameUnlessMeant(error);
          throw error;
        }
      };
    },
  });
}

function blameUnlessMeant(error: unknown): void {
  const isMeant = [AssertionError, HoldfastError, SimulationFailure].some((kind) => error instanceof kind);
  if (!isMeant) blame(error, 'simulator');
}
