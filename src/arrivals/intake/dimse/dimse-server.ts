import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Spool } from '../spool.ts';
import { type AssociationRules, rejectionOf, TOO_MANY_ASSOCIATIONS } from './association.ts';
import { silenceLibrary } from './silence.ts';
import { type ScpLog, StoreScp } from './store-scp.ts';

export interface DimseOptions extends AssociationRules {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly maxAssociations: number;
  /** Longest time without a byte from a sender, in ms. */
  readonly idleMs: number;
}

export interface DimseServer {
  readonly port: number;
  /** Breaks off what is under way: senders see that, and send again. */
  close(): Promise<void>;
}

/** Connections beyond the allowed associations, so that a sender too many can be told why. */
const SPARE_CONNECTIONS = 8;
/** How long a connection may take until it asks for an association (ARTIM, PS3.8 section 9.1.5). */
const ASSOCIATION_LIMIT_MS = 30_000;

/**
 * Receives by C-STORE, and answers C-ECHO. DICOM's titles name a sender, they prove nothing: whoever reaches
 * the port and knows the titles may send.
 */
export async function listenForDimse(
  options: DimseOptions,
  { spool, log }: { readonly spool: Spool; readonly log: ScpLog },
): Promise<DimseServer> {
  silenceLibrary();
  const sockets = new Set<Socket>();
  const admitted = new Set<StoreScp>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const late = setTimeout(() => socket.destroy(), ASSOCIATION_LIMIT_MS);
    socket.on('error', () => socket.destroy());
    const scp = new StoreScp(socket, {
      spool,
      log,
      idleMs: options.idleMs,
      admit: (association, asking) => {
        clearTimeout(late);
        const rejection = rejectionOf(association, options);
        if (rejection) return rejection;
        if (admitted.size >= options.maxAssociations) return TOO_MANY_ASSOCIATIONS;
        admitted.add(asking);
        return undefined;
      },
    });
    socket.once('close', () => {
      clearTimeout(late);
      sockets.delete(socket);
      admitted.delete(scp);
    });
  });
  server.maxConnections = options.maxAssociations + SPARE_CONNECTIONS;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  log.info({ host: options.host, port, aeTitle: options.aeTitle }, 'receiving by C-STORE');
  return {
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
