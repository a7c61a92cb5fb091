import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** Answers one request in place of the archive. */
export type HostileAnswer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What is asked of a study, by the end of its path. */
export type AskedFor = 'series' | 'metadata' | 'retrieve';

export interface HostileArchive {
  /** Root of the DICOMweb service. */
  readonly url: string;
  /** From now on the archive answers so, where this is asked of this study; everything else is honest. */
  answer(study: string, askedFor: AskedFor, how: HostileAnswer): void;
  stop(): Promise<void>;
}

const PATHS: readonly (readonly [AskedFor, RegExp])[] = [
  ['series', /^\/studies\/([\d.]+)\/series$/],
  ['metadata', /^\/studies\/([\d.]+)\/series\/[\d.]+\/metadata$/],
  ['retrieve', /^\/studies\/([\d.]+)(?:\/series\/[\d.]+(?:\/instances\/[\d.]+)?)?$/],
];

/** An archive, most of whose answers are those of an honest one; of some studies it gives what it likes. */
export async function startHostileArchive(honestUrl: string): Promise<HostileArchive> {
  const honest = new URL(honestUrl);
  const answers = new Map<string, HostileAnswer>();
  const server = http.createServer((request, response) => {
    const path = (request.url ?? '').slice(honest.pathname.length).replace(/\?.*$/, '');
    const asked = request.method === 'GET' ? PATHS.find(([, form]) => form.test(path)) : undefined;
    const study = asked?.[1].exec(path)?.[1];
    const how = asked && answers.get(`${study} ${asked[0]}`);
    const done = how ? Promise.resolve(how(request, response)) : passOn(honest, request, response);
    // The node goes when it has had enough.
    done.catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${honest.pathname}`,
    answer: (study, askedFor, how) => void answers.set(`${study} ${askedFor}`, how),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function passOn(honest: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request;
  const onward = http.request(new URL(request.url ?? '/', honest), { method, headers });
  const answered = once(onward, 'response');
  answered.catch(() => undefined);
  await pipeline(request, onward);
  const [answer]: IncomingMessage[] = (await answered) as [IncomingMessage];
  if (!answer) return;
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  await pipeline(answer, response);
}
