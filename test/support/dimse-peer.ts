import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Messages } from '../../src/dicom/dimse/wire/messages.ts';
import {
  type AssociationRequest,
  associateAccept,
  associateReject,
  readAssociateRequest,
} from '../../src/dicom/dimse/wire/pdu.ts';
import { Wire } from '../../src/dicom/dimse/wire/wire.ts';
import { IMPLEMENTATION } from '../../src/implementation.ts';

/** An association that a peer has accepted. */
export interface PeerAssociation {
  readonly request: AssociationRequest;
  readonly messages: Messages;
  readonly socket: Socket;
  /** The number of the first context of a class, or of a class and a transfer syntax. */
  readonly contextOf: (sopClassUid: string, transferSyntaxUid?: string) => number;
}

export interface PeerScript {
  /** A-ASSOCIATE-RJ to the n-th association; undefined accepts it. */
  readonly reject?: (n: number) => readonly [result: number, source: number, reason: number] | undefined;
  readonly accepts?: (sopClassUid: string, transferSyntaxUid: string) => boolean;
  /** What happens on the n-th association; it is released, aborted or closed by what the script does. */
  readonly serve: (association: PeerAssociation, n: number) => Promise<void>;
}

/** An archive that does what a script says, on a free port; what of it fails ends the connection. */
export async function startPeer({ reject, accepts = () => true, serve }: PeerScript) {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void talk(socket, ++count).catch(() => socket.destroy());
  });
  const talk = async (socket: Socket, n: number): Promise<void> => {
    const wire = new Wire(socket, { idleMs: 10_000 });
    const messages = new Messages(wire);
    const request = readAssociateRequest((await messages.other()).body);
    const rejection = reject?.(n);
    if (rejection) {
      await wire.write(associateReject(...rejection));
      return wire.end();
    }
    const contexts = request.contexts.map(({ id, abstractSyntaxUid, transferSyntaxUids }) => {
      const taken = transferSyntaxUids.find((uid) => accepts(abstractSyntaxUid, uid));
      return { id, result: taken ? 0 : 3, transferSyntaxUid: taken ?? '1.2.840.10008.1.2' };
    });
    const { roles } = request;
    await wire.write(associateAccept(request, { contexts, roles, maxPduBytes: 16_384 }, IMPLEMENTATION));
    const contextOf = (sopClassUid: string, transferSyntaxUid?: string): number => {
      const found = request.contexts.find(
        (one) =>
          one.abstractSyntaxUid === sopClassUid &&
          (!transferSyntaxUid || one.transferSyntaxUids.includes(transferSyntaxUid)),
      );
      return found?.id ?? 0;
    };
    await serve({ request, messages, socket, contextOf }, n);
    while (await messages.next());
    wire.end();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    associations: () => count,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
