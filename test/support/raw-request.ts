import net from 'node:net';

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** `100 Continue` and the like come before the answer. */
const INTERIM = /^(HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)+/;
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) /;

/** How long a request that promises more than it sends is kept open. */
const PATIENCE_MS = 300;

/**
 * Sends bytes that no HTTP client would send, on a connection of their own.
 * @returns the status, or `closed` where the server ended the connection without a word
 */
export async function sendRaw(
  url: string,
  { method, target, headers, body }: RawRequest,
): Promise<number | 'closed'> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<number | 'closed'>();
  let answer = '';
  const socket = net.connect(Number(port), hostname, () => {
    const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(body);
    // Not at once: a server takes a connection that is half closed for given up, and answers nothing.
    socket.setTimeout(PATIENCE_MS, () => socket.end());
  });
  socket.on('data', (chunk: Buffer) => {
    answer = (answer + chunk.toString('latin1')).replace(INTERIM, '');
    const status = STATUS_LINE.exec(answer)?.[1];
    if (status === undefined) return;
    resolve(Number(status));
    socket.destroy();
  });
  socket.on('error', () => resolve('closed'));
  socket.on('close', () => resolve('closed'));
  return promise;
}
