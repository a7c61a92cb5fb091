import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { messageOf } from '../../../coded-error.ts';
import { TooMuchToRead } from '../../dicom-error.ts';
import type { DicomDataset } from '../../reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../reading/transfer-syntaxes.ts';
import { isUid } from '../../uids.ts';
import type { Implementation } from '../../writing/write.ts';
import { COMMAND, type Command, RESPONSE } from '../wire/command.ts';
import { pemOf, type TlsFiles } from '../wire/connect.ts';
import { MAX_PDU_BYTES, type Message, Messages } from '../wire/messages.ts';
import {
  type AssociationRequest,
  associateAccept,
  associateReject,
  PDU,
  readAssociateRequest,
} from '../wire/pdu.ts';
import { Wire } from '../wire/wire.ts';
import { Channel } from './channel.ts';
import { storeResponse } from './get.ts';
import { readDataSet } from './identifier.ts';
import { type ReceivedInstance, received, type Taken } from './incoming.ts';
import { isStorageClass, SERVICE } from './sop-classes.ts';
import { STATUS } from './status.ts';

export interface ReceiverOptions {
  readonly host: string;
  readonly port: number;
  readonly aeTitle: string;
  readonly implementation: Implementation;
  /** Undefined: without TLS. With it, whoever connects has to show a certificate of the same authority. */
  readonly tls?: TlsFiles | undefined;
  /** Longest time without a byte, in ms. */
  readonly idleMs: number;
  /** What a report on storage commitment says; it is answered once this resolves. */
  readonly reported: (report: DicomDataset) => Promise<void>;
  /** Told of connections that were given up, and of instances that nobody asked for. */
  readonly onProblem?: ((what: string) => void) | undefined;
}

/** Instances that one C-MOVE brings. */
interface Move {
  readonly instances: Channel<ReceivedInstance>;
  /** Undefined: any. */
  readonly wanted: ReadonlySet<string> | undefined;
  readonly taken: Taken;
  lastSign: number;
}

/** Instances that have arrived and are not taken yet: memory holds them, the next sender waits. */
const READ_AHEAD = 2;
const MOST_CONNECTIONS = 64;
/** A-ASSOCIATE-RJ, PS3.8 table 9-21: permanent, by the service user, called AE title not recognized. */
const CALLED_TITLE_UNKNOWN = [1, 1, 7] as const;
/** PS3.8 table 9-18. */
const CONTEXT = { accepted: 0, abstractSyntaxNotSupported: 3, transferSyntaxesNotSupported: 4 } as const;

/**
 * The port of this side's own at which an archive delivers what was asked for: instances of a C-MOVE, told
 * apart by Move Originator and Message ID (PS3.7 section 9.1.1.1), and reports on storage commitment (PS3.4
 * section J.3.3). Instances that nobody asked for are refused; none is kept anywhere.
 */
export class Receiver {
  readonly port: number;
  readonly #options: ReceiverOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #moves = new Map<number, Move>();
  /** Not from 1: another process that uses the same title by mistake is to have other numbers. */
  #messageId = Math.floor(Math.random() * MOST_MESSAGE_IDS);

  private constructor(options: ReceiverOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : options.port;
    const event = options.tls ? 'secureConnection' : 'connection';
    server.on(event, (socket: Socket) => void this.#serve(socket));
    server.on('tlsClientError', (error) => this.#tell(`TLS: ${messageOf(error)}`));
    server.on('error', (error) => this.#tell(messageOf(error)));
  }

  /** @throws the system's error where the port cannot be had */
  static async open(options: ReceiverOptions): Promise<Receiver> {
    const { tls } = options;
    const server = tls
      ? createTlsServer({ ...pemOf(tls), minVersion: 'TLSv1.2', requestCert: true })
      : createServer();
    server.maxConnections = MOST_CONNECTIONS;
    server.listen(options.port, options.host);
    await once(server, 'listening');
    return new Receiver(options, server);
  }

  /** The Message ID for one C-MOVE, and what comes for it. */
  expect(wanted: ReadonlySet<string> | undefined, taken: Taken) {
    do this.#messageId = (this.#messageId % MOST_MESSAGE_IDS) + 1;
    while (this.#moves.has(this.#messageId));
    const messageId = this.#messageId;
    const move: Move = { instances: new Channel(READ_AHEAD), wanted, taken, lastSign: performance.now() };
    this.#moves.set(messageId, move);
    return {
      messageId,
      instances: move.instances,
      lastSign: () => move.lastSign,
      forget: () => {
        this.#moves.delete(messageId);
        move.instances.end();
      },
    };
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const { instances } of this.#moves.values()) instances.end(new Error('the receiver was closed'));
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const wire = new Wire(socket, { idleMs: this.#options.idleMs });
    const messages = new Messages(wire);
    try {
      const { type, body } = await messages.other();
      if (type !== PDU.associateRequest) throw new Error(`it begins with a PDU of type ${type}`);
      const request = readAssociateRequest(body);
      if (request.calledAeTitle !== this.#options.aeTitle) {
        await wire.write(associateReject(...CALLED_TITLE_UNKNOWN));
        this.#tell(`${request.callingAeTitle} calls the AE title ${request.calledAeTitle}`);
      } else await this.#answer(request, wire, messages);
      wire.end();
    } catch (error) {
      this.#tell(messageOf(error));
      wire.destroy();
    }
  }

  async #answer(request: AssociationRequest, wire: Wire, messages: Messages): Promise<void> {
    const contexts = request.contexts.map(({ id, abstractSyntaxUid, transferSyntaxUids }) => {
      const [first = ''] = transferSyntaxUids;
      // Nothing is converted here: the first is most likely the stored one.
      const transferSyntaxUid = isStorageClass(abstractSyntaxUid)
        ? first
        : (transferSyntaxUids.find((uid) => UNCOMPRESSED.includes(uid)) ?? '');
      const result = !isTaken(abstractSyntaxUid)
        ? CONTEXT.abstractSyntaxNotSupported
        : isUid(transferSyntaxUid)
          ? CONTEXT.accepted
          : CONTEXT.transferSyntaxesNotSupported;
      return { id, result, transferSyntaxUid: transferSyntaxUid || TRANSFER_SYNTAX.implicitLittleEndian };
    });
    const { roles } = request;
    const answer = { contexts, roles, maxPduBytes: MAX_PDU_BYTES };
    await wire.write(associateAccept(request, answer, this.#options.implementation));
    messages.agreed(request.maxPduBytes);
    for (let message = await messages.next(); message; message = await messages.next()) {
      const { contextId } = message;
      const context = contexts.find(({ id, result }) => id === contextId && result === CONTEXT.accepted);
      if (!context) throw new Error('a message in a context that was not accepted');
      const sender = request.callingAeTitle;
      await messages.send(contextId, await this.#respond(message, context.transferSyntaxUid, sender));
    }
  }

  async #respond(message: Message, transferSyntaxUid: string, sender: string): Promise<Command> {
    const { command, data } = message;
    const { commandField = 0, messageId = 0 } = command;
    switch (commandField) {
      case COMMAND.store:
        return storeResponse(command, await this.#take(message, transferSyntaxUid, sender));
      case COMMAND.eventReport: {
        await this.#options.reported(await readDataSet(data, transferSyntaxUid, 'a report'));
        return eventResponse(command);
      }
      default: {
        const status = commandField === COMMAND.echo ? STATUS.success : STATUS.unrecognizedOperation;
        const { affectedSopClassUid = SERVICE.verification } = command;
        const response = commandField | RESPONSE;
        return { affectedSopClassUid, commandField: response, messageIdBeingRespondedTo: messageId, status };
      }
    }
  }

  /** @returns the status of the answer */
  async #take(message: Message, transferSyntaxUid: string, sender: string): Promise<number> {
    const { command } = message;
    const move = this.#moveOf(command);
    if (!move) {
      this.#tell(`${sender} sends an instance that was not asked for`);
      return STATUS.notAuthorized;
    }
    const { implementation } = this.#options;
    const alive = setInterval(() => (move.lastSign = performance.now()), SIGN_MS);
    try {
      const instance = await received(
        message,
        transferSyntaxUid,
        { aeTitle: sender, implementation },
        move.taken,
      );
      const isTakenOn = await move.instances.put(instance);
      return isTakenOn ? STATUS.success : STATUS.processingFailure;
    } catch (error) {
      // Of a broken connection the archive tells itself, in its answer to the C-MOVE.
      if (error instanceof TooMuchToRead) move.instances.end(error);
      throw error;
    } finally {
      clearInterval(alive);
      move.lastSign = performance.now();
    }
  }

  /** Where the archive names no originator, as some don't: the one move that waits for this instance. */
  #moveOf({ moveOriginator, moveOriginatorMessageId, affectedSopInstanceUid = '' }: Command) {
    if (moveOriginatorMessageId !== undefined) {
      if (moveOriginator !== undefined && moveOriginator !== this.#options.aeTitle) return undefined;
      const move = this.#moves.get(moveOriginatorMessageId);
      return move?.wanted && !move.wanted.has(affectedSopInstanceUid) ? undefined : move;
    }
    const waiting = [...this.#moves.values()].filter(({ wanted }) => wanted?.has(affectedSopInstanceUid));
    return waiting.length === 1 ? waiting[0] : undefined;
  }

  #tell(what: string): void {
    this.#options.onProblem?.(what);
  }
}

/** Message IDs have 16 bits. */
const MOST_MESSAGE_IDS = 0xffff;
const SIGN_MS = 1_000;
const UNCOMPRESSED: readonly string[] = [
  TRANSFER_SYNTAX.explicitLittleEndian,
  TRANSFER_SYNTAX.implicitLittleEndian,
];

const isTaken = (uid: string): boolean =>
  uid === SERVICE.verification || uid === SERVICE.storageCommitment || isStorageClass(uid);

/** N-EVENT-REPORT-RSP (PS3.7 section 10.3.1.2). */
export const eventResponse = (request: Command): Command => ({
  ...(request.affectedSopClassUid ? { affectedSopClassUid: request.affectedSopClassUid } : {}),
  commandField: COMMAND.eventReport | RESPONSE,
  messageIdBeingRespondedTo: request.messageId ?? 0,
  status: STATUS.success,
  ...(request.affectedSopInstanceUid ? { affectedSopInstanceUid: request.affectedSopInstanceUid } : {}),
  ...(request.eventTypeId === undefined ? {} : { eventTypeId: request.eventTypeId }),
});
