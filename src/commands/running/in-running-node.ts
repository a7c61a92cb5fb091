import type { LocalAccess } from '../../http/security/local-access.ts';
import type { CommandParts } from '../definition/command.ts';
import { ALIVE_MS, RemoteError, wireMessage } from './wire.ts';

/** How long the node may be silent. */
const SILENCE_MS = 6 * ALIVE_MS;

/**
 * Has a running node do the command.
 * @throws RemoteError with the code and the messages of what failed there
 */
export async function runInNode(
  { url, token }: LocalAccess,
  command: { readonly name: string; readonly options: object },
  { print, onProgress }: Pick<CommandParts, 'print' | 'onProgress'>,
): Promise<void> {
  const silent = new AbortController();
  const expire = () => silent.abort(new RemoteError('NODE_SILENT', ['the running node does not answer']));
  const timer = setTimeout(expire, SILENCE_MS);
  try {
    const response = await fetch(`${url}/api/commands/${command.name}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(command.options),
      signal: silent.signal,
    }).catch((cause: unknown) => {
      throw new RemoteError('NODE_SILENT', [
        'a node runs on this database but cannot be asked: it may be starting or stopping; try again',
        String(cause),
      ]);
    });
    if (!response.ok || !response.body) {
      throw new RemoteError('NODE_REFUSED', [
        `the running node refused the command with status ${response.status}`,
        await response.text(),
      ]);
    }
    for await (const line of linesOf(response.body)) {
      timer.refresh();
      const message = wireMessage.parse(JSON.parse(line));
      if ('print' in message) print(message.print);
      else if ('progress' in message) onProgress(message.progress);
      else if ('failed' in message)
        throw new RemoteError(message.failed.code ?? 'UNEXPECTED', message.failed.messages);
      else if ('done' in message) return;
    }
    throw new RemoteError('NODE_SILENT', ['the running node ended during the command']);
  } finally {
    clearTimeout(timer);
  }
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
