export { decodeClientMessages, encodeClientMessages } from './client-frames.ts';
export { EntryCodec } from './entry-codec.ts';
export { decodePeerFrame, encodePeerFrame, type PeerFrame } from './peer-frames.ts';
export { decodePeerHello, encodePeerHello } from './peer-hello.ts';
export { type RequestProblem, readProblem, writeProblem } from './request-limits.ts';
export { decodeServerMessages, encodeServerMessages } from './server-frames.ts';
export { decodeSnapshotMessage, encodeSnapshotMessage } from './snapshot-frames.ts';
export { formatTraceparent, parseTraceparent, type TraceparentParts } from './traceparent.ts';
