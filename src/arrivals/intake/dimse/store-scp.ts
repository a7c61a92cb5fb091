import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import dimse from 'dcmjs-dimse';
import { messageOf } from '../../../coded-error.ts';
import { isUid } from '../../../dicom/uids.ts';
import { fileMeta } from '../../../dicom/writing/file-meta.ts';
import { IMPLEMENTATION } from '../../../implementation.ts';
import { IntakeError, type IntakeRefusal } from '../intake-error.ts';
import type { Expectation, Spool } from '../spool.ts';
import {
  type Association,
  acceptedTransferSyntax,
  negotiate,
  type PresentationContext,
  type Rejection,
} from './association.ts';
import { IncomingDataSet } from './incoming-data-set.ts';
import { PduGate } from './pdu-gate.ts';

export interface StoreScpParts {
  readonly spool: Spool;
  /** Why the association is not accepted; undefined: it is. */
  readonly admit: (association: Association, scp: StoreScp) => Rejection | undefined;
  readonly log: ScpLog;
  /** Longest time without a byte from the sender, in ms. */
  readonly idleMs: number;
}

/** The part of a pino logger that the SCP uses. */
export interface ScpLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type CEchoRequest = InstanceType<typeof dimse.requests.CEchoRequest>;
type CEchoResponse = InstanceType<typeof dimse.responses.CEchoResponse>;
type CStoreRequest = InstanceType<typeof dimse.requests.CStoreRequest>;
type CStoreResponse = InstanceType<typeof dimse.responses.CStoreResponse>;
type Dataset = InstanceType<typeof dimse.Dataset>;

/** PS3.4 table B.2-1 and PS3.7 annex C. */
const STATUS = {
  success: 0x0000,
  processingFailure: 0x0110,
  outOfResources: 0xa700,
  doesNotMatch: 0xa900,
  cannotUnderstand: 0xc000,
} as const;

const STATUS_OF: Readonly<Record<IntakeRefusal, number>> = {
  full: STATUS.outOfResources,
  'too-large': STATUS.outOfResources,
  unreadable: STATUS.cannotUnderstand,
  'wrong-study': STATUS.doesNotMatch,
};

/** What a sender may put into one PDU. */
const MAX_PDU_BYTES = 256 * 1024;
/**
 * The most that may come in outside of a data set (incomplete PDUs, commands without an end), as the library
 * keeps all of it in memory. Far more than what may pile up while a data set waits for the disk.
 */
const STRAY_LIMIT_BYTES = 2 * 1024 * 1024;

/**
 * One connection of a sender: C-ECHO and C-STORE (PS3.4 annexes A and B). Data sets pass to the spool byte
 * for byte: the library's own way reads and writes them anew, loses private attributes and prints values.
 */
export class StoreScp extends dimse.Scp {
  readonly #socket: Socket;
  readonly #parts: StoreScpParts;
  #callingAeTitle = '';
  #strayBytes = 0;
  #incoming: { readonly dataSet: IncomingDataSet; readonly status: Promise<number> } | undefined;
  #status: number = STATUS.processingFailure;

  constructor(socket: Socket, parts: StoreScpParts) {
    super(socket, { connectTimeout: parts.idleMs });
    this.#socket = socket;
    this.#parts = parts;
    this.#lookFirst(socket);
    socket.on('data', ({ length }) => {
      this.#strayBytes += length;
      if (this.#strayBytes > STRAY_LIMIT_BYTES) this.#end('it sends what is no DICOM message');
      else if (this.#incoming?.dataSet.isBehind) socket.pause();
    });
    socket.once('close', () => this.#incoming?.dataSet.destroy());
    this.on('networkError', (error: unknown) =>
      this.#end(error instanceof Error ? error.message : 'unknown'),
    );
  }

  /** Before the library, which listens already: it never sees what is not taken. */
  #lookFirst(socket: Socket): void {
    const gate = new PduGate(MAX_PDU_BYTES);
    const library = socket.listeners('data');
    socket.removeAllListeners('data');
    socket.on('data', (chunk) => {
      if (socket.destroyed) return;
      try {
        gate.look(chunk);
        for (const listener of library) listener.call(socket, chunk);
      } catch (error) {
        this.#end(messageOf(error));
      }
    });
  }

  /** What the library calls must not throw: some of it is called where nothing catches. */
  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#end(messageOf(error));
    }
  }

  override associationRequested(association: Association): void {
    this.#safely(() => this.#answer(association));
  }

  #answer(association: Association): void {
    this.#callingAeTitle = association.getCallingAeTitle().trim();
    const rejection = this.#parts.admit(association, this);
    if (rejection) {
      const { result, source, reason, words } = rejection;
      this.#parts.log.warn({ callingAeTitle: this.#callingAeTitle, reason: words }, 'association rejected');
      this.sendAssociationReject(result, source, reason);
      this.#socket.end();
      return;
    }
    negotiate(association);
    // The library answers with the smaller of both limits, and would take 0 (no limit) for the smaller.
    association.setMaxPduLength(MAX_PDU_BYTES);
    this.sendAssociationAccept();
  }

  override associationReleaseRequested(): void {
    this.#safely(() => this.sendAssociationReleaseResponse());
    this.#socket.end();
  }

  override abort(): void {
    this.#socket.destroy();
  }

  override cEchoRequest(request: CEchoRequest, callback: (response: CEchoResponse) => void): void {
    this.#strayBytes = 0;
    this.#safely(() => {
      const response = dimse.responses.CEchoResponse.fromRequest(request);
      response.setStatus(STATUS.success);
      callback(response);
    });
  }

  override createStoreWritableStream(
    context: PresentationContext | undefined,
    request: CStoreRequest,
  ): Writable {
    const transferSyntaxUid = acceptedTransferSyntax(context);
    if (transferSyntaxUid === undefined) throw new Error('a data set in a context that was not accepted');
    // One request at a time (PS3.7 annex D.3.3.3, nothing else was agreed); the library would mix them up.
    if (this.#incoming) throw new Error('another instance before the answer to the one before');
    const [sopClassUid, sopUid] = [request.getAffectedSopClassUid(), request.getAffectedSopInstanceUid()];
    const dataSet = new IncomingDataSet(this.#socket, () => {
      this.#strayBytes = 0;
    });
    dataSet.on('error', ({ message }) => this.#end(message)); // such as fragments after the last one
    const status =
      isUidText(sopClassUid) && isUidText(sopUid)
        ? this.#receive(dataSet, { sopClassUid, sopUid, transferSyntaxUid })
        : Promise.resolve(STATUS.cannotUnderstand).finally(() => dataSet.resume());
    this.#incoming = { dataSet, status };
    return dataSet;
  }

  override createDatasetFromStoreWritableStream(
    _dataSet: Writable,
    context: PresentationContext,
    callback: (dataset: Dataset) => void,
  ): void {
    const { status } = this.#incoming ?? {};
    void (status ?? Promise.resolve(STATUS.processingFailure)).then((outcome) => {
      this.#status = outcome;
      this.#incoming = undefined;
      try {
        callback(new dimse.Dataset({}, context.getAcceptedTransferSyntaxUid()));
      } catch {
        this.#end('it goes on before it is answered'); // the library has no request any more to answer
      }
    });
  }

  override cStoreRequest(request: CStoreRequest, callback: (response: CStoreResponse) => void): void {
    this.#safely(() => {
      const response = dimse.responses.CStoreResponse.fromRequest(request);
      response.setStatus(this.#status);
      this.#status = STATUS.processingFailure; // of a request that comes without a data set
      callback(response);
    });
  }

  /** The status that the sender is answered with. */
  async #receive(
    dataSet: IncomingDataSet,
    uids: { sopClassUid: string; sopUid: string; transferSyntaxUid: string },
  ): Promise<number> {
    const { spool, log } = this.#parts;
    const callingAeTitle = this.#callingAeTitle;
    const head = fileMeta({
      ...uids,
      implementationClassUid: IMPLEMENTATION.classUid,
      implementationVersionName: IMPLEMENTATION.versionName,
      sourceAeTitle: callingAeTitle,
    });
    const asAnnounced: Expectation = ({ identity }) => {
      if (identity.sopUid === uids.sopUid && identity.sopClassUid === uids.sopClassUid) return;
      throw new IntakeError('wrong-study', 'the data set is not the instance that its command names');
    };
    try {
      const source = { kind: 'dimse', callingAeTitle } as const;
      await spool.keep([await spool.receive(dataSet.behind(head), source, asAnnounced)]);
      return STATUS.success;
    } catch (error) {
      // The sender has broken off: nobody hears the answer.
      if (this.#socket.destroyed) return STATUS.processingFailure;
      if (error instanceof IntakeError) {
        const { refusal, message } = error;
        log.warn(
          { callingAeTitle, sopInstanceUid: uids.sopUid, refusal, reason: message },
          'instance refused',
        );
        return STATUS_OF[refusal];
      }
      log.error({ callingAeTitle, err: error }, 'an instance could not be taken into the spool');
      return STATUS.processingFailure;
    }
  }

  #end(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#parts.log.warn({ callingAeTitle: this.#callingAeTitle, reason }, 'association ended');
    this.#socket.destroy();
  }
}

/** The library gives what the command holds, whatever that is. */
function isUidText(value: unknown): value is string {
  return typeof value === 'string' && isUid(value);
}
