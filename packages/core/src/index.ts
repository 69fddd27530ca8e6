export { quorumSize } from './acks/ack-rules.ts';
export * from './api.ts';
export { Core } from './core.ts';
export { timeLeft } from './state/expiry.ts';
