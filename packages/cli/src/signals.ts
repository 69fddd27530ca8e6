/** Ctrl-C as a condition to look at, for commands that have something to say before they end. */
export interface SignalWatch {
  readonly isGiven: boolean;
  readonly given: Promise<void>;
  /** Resolves after this time, or at once when the signal comes. */
  within(ms: number): Promise<void>;
  close(): void;
}

export function untilSignal(): SignalWatch {
  let isGiven = false;
  let onSignal = (): void => {};
  const given = new Promise<void>((resolve) => {
    onSignal = () => {
      isGiven = true;
      resolve();
    };
  });
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    get isGiven() {
      return isGiven;
    },
    given,
    async within(ms) {
      let timer: NodeJS.Timeout | undefined;
      const passed = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([passed, given]);
      clearTimeout(timer);
    },
    close() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
