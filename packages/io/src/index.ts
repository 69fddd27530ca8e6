export { NodeDisk } from './node-disk.ts';
export { SystemClock } from './system-clock.ts';
export { SystemRandom } from './system-random.ts';
export { WebSocketTransport, type WebSocketTransportOptions } from './web-socket-transport.ts';
