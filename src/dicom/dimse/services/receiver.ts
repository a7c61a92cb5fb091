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
import { ConnectionLost, Wire } from '../wire/wire.ts';
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
  /**
   * Undefined: without TLS. With it, whoever connects has to show a certificate that `ca` signed, which has
   * to be named: public authorities sign for everybody.
   */
  readonly tls?: TlsFiles | undefined;
  /** Longest time without a byte, in ms. */
  readonly idleMs: number;
  /**
   * What a report on storage commitment says; it is answered once this resolves, with whether it was waited
   * for.
   */
  readonly reported: (report: DicomDataset) => Promise<boolean>;
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
  /** Nobody waits for it any more. */
  isOver: boolean;
}

/** Instances that have arrived and are not taken yet: memory holds them, the next sender waits. */
const READ_AHEAD = 2;
const MOST_CONNECTIONS = 64;
/** So many times the longest silence a connection may last that brings nothing that was asked for. */
const MOST_SILENCES = 5;
/** Enough for TLS on the slowest line. */
const HANDSHAKE_MS = 20_000;
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
    // With TLS too: what has not shown a certificate yet is closed with the others.
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('tlsClientError', (error) => this.#tell(`TLS: ${messageOf(error)}`));
    server.on('error', (error) => this.#tell(messageOf(error)));
  }

  /** @throws the system's error where the port cannot be had; TypeError where `tls` names no `ca` */
  static async open(options: ReceiverOptions): Promise<Receiver> {
    const { tls, idleMs } = options;
    if (tls && !tls.ca) throw new TypeError('archive.ca has to name who signs for whom may connect');
    const handshakeTimeout = Math.min(idleMs, HANDSHAKE_MS);
    const server = tls
      ? createTlsServer({ ...pemOf(tls), minVersion: 'TLSv1.2', requestCert: true, handshakeTimeout })
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
    const instances = new Channel<ReceivedInstance>(READ_AHEAD);
    const move: Move = { instances, wanted, taken, lastSign: performance.now(), isOver: false };
    this.#moves.set(messageId, move);
    return {
      messageId,
      instances: move.instances,
      lastSign: () => move.lastSign,
      forget: () => {
        this.#moves.delete(messageId);
        move.isOver = true;
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
    const { idleMs } = this.#options;
    const wire = new Wire(socket, { idleMs });
    const messages = new Messages(wire);
    const patience = new Patience(MOST_SILENCES * idleMs, () =>
      wire.destroy(new ConnectionLost('it brings nothing that was asked for')),
    );
    try {
      const { type, body } = await messages.other();
      if (type !== PDU.associateRequest) throw new Error(`it begins with a PDU of type ${type}`);
      const request = readAssociateRequest(body);
      if (request.calledAeTitle !== this.#options.aeTitle) {
        await wire.write(associateReject(...CALLED_TITLE_UNKNOWN));
        this.#tell(`${request.callingAeTitle} calls the AE title ${request.calledAeTitle}`);
      } else await this.#answer(request, { wire, messages, patience });
      wire.end();
    } catch (error) {
      this.#tell(messageOf(error));
      wire.destroy();
    } finally {
      patience.stop();
    }
  }

  async #answer(request: AssociationRequest, { wire, messages, patience }: Connection): Promise<void> {
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
      const how = { transferSyntaxUid: context.transferSyntaxUid, sender: request.callingAeTitle, patience };
      await messages.send(contextId, await this.#respond(message, how));
    }
  }

  async #respond(message: Message, how: Delivery): Promise<Command> {
    const { command, data } = message;
    const { transferSyntaxUid } = how;
    const { commandField = 0, messageId = 0 } = command;
    switch (commandField) {
      case COMMAND.store:
        return storeResponse(command, await this.#take(message, how));
      case COMMAND.eventReport: {
        const report = await readDataSet(data, transferSyntaxUid, 'a report');
        if (await this.#options.reported(report)) how.patience.start();
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
  async #take(message: Message, { transferSyntaxUid, sender, patience }: Delivery): Promise<number> {
    const { command } = message;
    const move = this.#moveOf(command);
    if (!move) {
      this.#tell(`${sender} sends an instance that was not asked for`);
      return STATUS.notAuthorized;
    }
    const { implementation } = this.#options;
    const alive = setInterval(() => (move.lastSign = performance.now()), SIGN_MS);
    patience.stop();
    try {
      const instance = await received(
        { command, data: whileWanted(message.data, move) },
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
      patience.start();
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

interface Connection {
  readonly wire: Wire;
  readonly messages: Messages;
  readonly patience: Patience;
}

/** What a message comes in, and from whom. */
interface Delivery {
  readonly transferSyntaxUid: string;
  readonly sender: string;
  readonly patience: Patience;
}

/** Runs out unless it is stopped, or started anew. */
class Patience {
  readonly #ms: number;
  readonly #out: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, out: () => void) {
    this.#ms = ms;
    this.#out = out;
    this.start();
  }

  start(): void {
    this.stop();
    this.#timer = setTimeout(this.#out, this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** @throws ConnectionLost where who waited for it has given up meanwhile */
async function* whileWanted(data: AsyncIterable<Buffer>, move: Move): AsyncGenerator<Buffer> {
  for await (const chunk of data) {
    if (move.isOver) throw new ConnectionLost('nobody waits for the instance any more');
    yield chunk;
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
