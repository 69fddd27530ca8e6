import type { HistoryEvent, HistoryValue } from '../../src/index.ts';
import type { PlannedOperation, RealObject } from './random-history.ts';

export class RealRegister implements RealObject {
  #value: HistoryValue = null;

  apply(operation: PlannedOperation): Partial<HistoryEvent> {
    switch (operation.op) {
      case 'get':
        return { value: this.#value };
      case 'cas': {
        const swapped = this.#value === operation.expected;
        if (swapped) this.#value = operation.value;
        return { swapped };
      }
      default:
        this.#value = operation.op === 'delete' ? null : operation.value;
        return {};
    }
  }

  lie(answer: Partial<HistoryEvent>, { op, lie }: PlannedOperation): Partial<HistoryEvent> {
    if (op === 'get') return { value: lie === 4 ? null : (lie as number) };
    return op === 'cas' ? { swapped: answer.swapped !== true } : answer;
  }
}

export class RealCounter implements RealObject {
  #value: number | null = null;

  apply(operation: PlannedOperation): Partial<HistoryEvent> {
    if (operation.op === 'increment') this.#value = (this.#value ?? 0) + operation.value;
    return { value: this.#value };
  }

  lie(_answer: Partial<HistoryEvent>, { lie }: PlannedOperation): Partial<HistoryEvent> {
    return { value: lie as number };
  }
}

/** Revisions grow over all keys, as in the product; here the gaps come from the values written. */
export class RealKeyValue implements RealObject {
  #value: HistoryValue = null;
  #revision = 0;

  apply(operation: PlannedOperation): Partial<HistoryEvent> {
    if (operation.op === 'get')
      return { value: this.#value, revision: this.#value === null ? 0 : this.#revision };
    this.#value = operation.op === 'delete' ? null : operation.value;
    this.#revision += 1;
    return { revision: this.#revision };
  }

  lie(answer: Partial<HistoryEvent>, { lie }: PlannedOperation): Partial<HistoryEvent> {
    return { ...answer, revision: lie as number };
  }
}
