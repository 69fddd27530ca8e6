// Programs that are to move begin there.
declare module 'level' {
  export { Level } from '@holdfast/client/level';
}
