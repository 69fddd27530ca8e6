import type { IncomingMessage } from 'node:http';

const EXPLANATION_BYTES_MAX = 1024;

/** Reads the first words of an HTTP answer that is no handshake; `done` is called once with status and words. */
export function explainRefusal(response: IncomingMessage, done: (reason: string) => void): void {
  let text = '';
  const finish = (): void => {
    response.off('close', finish);
    done(`HTTP ${response.statusCode}: ${text.trim() || (response.statusMessage ?? '')}`);
  };
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text = (text + part).slice(0, EXPLANATION_BYTES_MAX);
  });
  response.on('error', () => {});
  response.on('close', finish);
}
