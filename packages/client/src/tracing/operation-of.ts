import type { AnyCall, WriteCall } from '../session/call.ts';

/** What a call is named in traces and logs: the method of the database that asks for it, as far as it can be told. */
export function operationOf(call: AnyCall): string {
  switch (call.kind) {
    case 'write':
      return writeOf(call);
    case 'read':
      return call.keys.length === 1 ? 'get' : 'getMany';
    case 'scan':
      return 'iterate';
    case 'snapshot':
    case 'watch':
      return call.kind;
    case 'bound':
      return call.answeredBy === 'scanPage' ? 'iterate' : 'get';
  }
}

function writeOf({ operations, otherwise, clear }: WriteCall): string {
  if (clear !== undefined) return 'clear';
  if (otherwise !== undefined) return 'transaction';
  const [first] = operations;
  return operations.length === 1 && first !== undefined ? first.kind : 'batch';
}
