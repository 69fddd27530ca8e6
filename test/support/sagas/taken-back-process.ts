// A process that runs sagas whose last step fails: node taken-back-process.ts <location> run <id> | work
// One that runs stands still amid a compensation, once that has had its effect, until somebody kills it.
import { Holdfast } from '@holdfast/client';
import { Sagas, saga } from '@holdfast/client/sagas';

const [location = '', command = '', id = ''] = process.argv.slice(2);
const effects = new Holdfast(location, { namespace: 'effects' });
const sagas = new Sagas(new Holdfast(location, { namespace: 'sagas' }), { ttlMs: 1000 });

const takenBack = saga<null>('taken-back')
  .step('first', {
    run: ({ once }) => once(effects, [{ type: 'increment', key: 'first', by: 1 }]),
    compensate: ({ once }) => once(effects, [{ type: 'increment', key: 'first', by: -1 }]),
  })
  .step('second', {
    run: ({ once }) => once(effects, [{ type: 'increment', key: 'second', by: 1 }]),
    compensate: async ({ once, attempt }) => {
      await once(effects, [{ type: 'increment', key: 'second', by: -1 }]);
      await effects.put(`${command} ${attempt}`, 'second');
      if (command === 'run') await new Promise(() => {});
    },
    timeoutMs: 600_000,
  })
  .step('third', {
    run: () => {
      throw Object.assign(new Error('there is no third'), { retryable: false });
    },
  });

if (command === 'run') await sagas.run(takenBack, id, null);
else sagas.work([takenBack], { scanMs: 200, onError: (error) => console.error(error) });
