import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const bundle = z.object({
  resourceType: z.literal('Bundle'),
  type: z.literal('transaction'),
  entry: z.array(
    z.object({
      request: z.object({ method: z.literal('PUT'), url: z.string() }),
      resource: z.looseObject({ resourceType: z.string(), id: z.string() }),
    }),
  ),
});
type Resource = z.infer<typeof bundle>['entry'][number]['resource'];

/** What a FHIR server does with a transaction of PUTs: keeps what it got, by type and id. */
export interface FhirReceiver {
  readonly port: number;
  /** By TYPE/ID; the last one that was put there. */
  readonly kept: Map<string, Resource>;
  /** The whole bundles, in order. */
  readonly bundles: unknown[];
  /** What it answers instead of taking it; undefined: it takes it. */
  refusal: { status: number; body: string } | undefined;
  readonly ofType: (type: string) => Resource[];
  /** Resolves when the next bundle has come. */
  next(): Promise<void>;
  stop(): Promise<void>;
}

/** @param port 0: any that is free */
export async function startFhirReceiver(port = 0): Promise<FhirReceiver> {
  const kept: FhirReceiver['kept'] = new Map();
  let waiting = Promise.withResolvers<void>();
  const state: Omit<FhirReceiver, 'port' | 'stop'> = {
    kept,
    bundles: [],
    refusal: undefined,
    ofType: (type) => [...kept.values()].filter(({ resourceType }) => resourceType === type),
    next: () => waiting.promise,
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const read: unknown = JSON.parse(body);
      if (state.refusal) response.writeHead(state.refusal.status).end(state.refusal.body);
      else {
        const { entry } = bundle.parse(read);
        const answers = entry.map(({ request: { url }, resource }) => {
          const status = kept.has(url) ? '200 OK' : '201 Created';
          kept.set(url, resource);
          return { response: { status, location: `${url}/_history/1` } };
        });
        state.bundles.push(read);
        response.writeHead(200, { 'Content-Type': 'application/fhir+json' });
        response.end(
          JSON.stringify({ resourceType: 'Bundle', type: 'transaction-response', entry: answers }),
        );
      }
      const { resolve } = waiting;
      waiting = Promise.withResolvers();
      resolve();
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
