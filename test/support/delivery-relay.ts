import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands before a port. */
export interface DeliveryRelay {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Ports that stand before others. What comes first to each waits until something has come to every one of
 * them: so deliveries to all of them are under way at the same time.
 */
export async function startRelays(targets: readonly number[]): Promise<DeliveryRelay[]> {
  const { promise: allCame, resolve } = Promise.withResolvers<void>();
  const came = new Set<number>();
  return Promise.all(
    targets.map(async (target) => {
      const sockets = new Set<Socket>();
      const relayed = async (socket: Socket): Promise<void> => {
        came.add(target);
        if (came.size === targets.length) resolve();
        await allCame;
        const onwards = connect(target, '127.0.0.1');
        for (const one of [socket, onwards]) {
          sockets.add(one);
          one.setNoDelay(true);
          one
            .on('error', () => undefined)
            .once('close', () => {
              socket.destroy();
              onwards.destroy();
            });
        }
        socket.pipe(onwards).pipe(socket);
      };
      const server = createServer((socket) => {
        sockets.add(socket);
        void relayed(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        port: (server.address() as AddressInfo).port,
        close: async () => {
          const closed = once(server, 'close');
          server.close();
          for (const socket of sockets) socket.destroy();
          await closed;
        },
      };
    }),
  );
}
