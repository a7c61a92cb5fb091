import type { Implementation } from '../../writing/write.ts';
import { type Address, connected } from './connect.ts';
import { MAX_PDU_BYTES, Messages } from './messages.ts';
import {
  associateRequest,
  PDU,
  type ProposedContext,
  type Role,
  readAssociateAccept,
  shortPdu,
} from './pdu.ts';
import { ConnectionLost, Wire } from './wire.ts';

/** Who asks whom, and how. */
export interface Peer extends Address {
  readonly calledAeTitle: string;
  readonly callingAeTitle: string;
  readonly implementation: Implementation;
  /** Longest time without a byte, in ms. */
  readonly idleMs: number;
}

/** A service that is proposed: in one presentation context, or in one for each transfer syntax. */
export interface Proposal {
  readonly sopClassUid: string;
  readonly transferSyntaxUids: readonly string[];
  /** One context for each, so that the other side can say yes to each. */
  readonly apart?: boolean;
  /** Whether this side offers to be the SCP: instances of the class come to it by C-GET. */
  readonly asScp?: boolean;
}

export interface AgreedContext {
  readonly id: number;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

/** A-ASSOCIATE-RJ (PS3.8 section 9.3.4). */
export class AssociationRejected extends Error {
  override readonly name = 'AssociationRejected';
  /** Whether the other side says that it may pass. */
  readonly isTransient: boolean;

  constructor(result: number, source: number, reason: number) {
    super(`the association was rejected: ${REASONS[`${source}.${reason}`] ?? `reason ${source}.${reason}`}`);
    this.isTransient = result === REJECTED_TRANSIENT || source === SOURCE_PRESENTATION;
  }
}

const REJECTED_TRANSIENT = 2;
const SOURCE_PRESENTATION = 3;

/** PS3.8 table 9-21, by source and reason. */
const REASONS: Readonly<Record<string, string>> = {
  '1.1': 'no reason given',
  '1.2': 'application context not supported',
  '1.3': 'the calling AE title is not known there: register archive.dimse.aeTitle in the archive',
  '1.7': 'the called AE title is not known there: check archive.dimse.calledAeTitle',
  '2.1': 'no reason given',
  '2.2': 'protocol version not supported',
  '3.1': 'temporary congestion',
  '3.2': 'local limit exceeded: too many associations',
};

/** How long the answer to a release may take. */
const RELEASE_MS = 5_000;
/** PS3.8 section 9.3.2.2: odd numbers up to 255. */
export const MOST_CONTEXTS = 128;

/** An association that this side asked for (PS3.8 section 7). */
export class Association {
  readonly messages: Messages;
  readonly contexts: readonly AgreedContext[];
  readonly #wire: Wire;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  #messageId = 0;
  #isOver = false;

  private constructor(
    wire: Wire,
    messages: Messages,
    contexts: readonly AgreedContext[],
    { signal, abort }: { signal: AbortSignal | undefined; abort: () => void },
  ) {
    this.#wire = wire;
    this.messages = messages;
    this.contexts = contexts;
    this.#signal = signal;
    this.#abort = abort;
  }

  /**
   * @param lastSign when the other side last showed elsewhere that it is at work
   * @throws ConnectionLost, AssociationRejected, MalformedPdu; the signal's reason
   */
  static async open(
    peer: Peer,
    proposals: readonly Proposal[],
    signal?: AbortSignal,
    lastSign?: () => number,
  ): Promise<Association> {
    const wire = new Wire(await connected(peer, peer.idleMs, signal), { idleMs: peer.idleMs, lastSign });
    const messages = new Messages(wire);
    const abort = (): void => wire.destroy(signal?.reason);
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      const proposed = contextsOf(proposals);
      const request = {
        ...peer,
        contexts: proposed,
        roles: rolesOf(proposals),
        maxPduBytes: MAX_PDU_BYTES,
      };
      await wire.write(associateRequest(request, peer.implementation));
      const { type, body } = await messages.other();
      if (type === PDU.associateReject) {
        throw new AssociationRejected(body[1] ?? 0, body[2] ?? 0, body[3] ?? 0);
      }
      if (type !== PDU.associateAccept) throw new ConnectionLost(`a PDU of type ${type} was the answer`);
      const answer = readAssociateAccept(body);
      messages.agreed(answer.maxPduBytes);
      const contexts = answer.contexts.flatMap(({ id, result, transferSyntaxUid }) => {
        const asked = proposed.find((one) => one.id === id);
        return asked && result === 0 ? [{ id, sopClassUid: asked.abstractSyntaxUid, transferSyntaxUid }] : [];
      });
      return new Association(wire, messages, contexts, { signal, abort });
    } catch (error) {
      signal?.removeEventListener('abort', abort);
      wire.destroy();
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** The context of a service; undefined where the other side accepted none. */
  contextOf(sopClassUid: string, transferSyntaxUid?: string): AgreedContext | undefined {
    return this.contexts.find(
      (one) =>
        one.sopClassUid === sopClassUid &&
        (transferSyntaxUid === undefined || one.transferSyntaxUid === transferSyntaxUid),
    );
  }

  /** MessageID of the next request (PS3.7 section 9.1): unique on this association. */
  nextMessageId(): number {
    this.#messageId += 1;
    return this.#messageId;
  }

  /**
   * Ends the association in good order; that the other side does not answer is no matter any more.
   * @param reading who reads its messages already, until there are no more
   */
  async release(reading?: Promise<void>): Promise<void> {
    if (!this.#ends()) return;
    const late = setTimeout(() => this.#wire.destroy(), RELEASE_MS);
    try {
      await this.#wire.write(shortPdu(PDU.releaseRequest));
      if (reading) await reading;
      else while (await this.messages.next());
      this.#wire.end();
    } catch {
      this.#wire.destroy();
    } finally {
      clearTimeout(late);
    }
  }

  /** Breaks it off (A-ABORT): whatever comes is not wanted any more. */
  abort(): void {
    if (!this.#ends()) return;
    void this.#wire.write(shortPdu(PDU.abort)).then(
      () => this.#wire.end(),
      () => this.#wire.destroy(),
    );
  }

  /** Whoever reads from it gets `why`. */
  giveUp(why: ConnectionLost): void {
    this.#wire.destroy(why);
  }

  /** @returns false where it was released or broken off before */
  #ends(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    return true;
  }
}

function contextsOf(proposals: readonly Proposal[]): ProposedContext[] {
  const contexts = proposals.flatMap(({ sopClassUid, transferSyntaxUids, apart = false }) =>
    (apart ? transferSyntaxUids.map((uid) => [uid]) : [transferSyntaxUids]).map((uids) => ({
      abstractSyntaxUid: sopClassUid,
      transferSyntaxUids: uids,
    })),
  );
  return contexts.slice(0, MOST_CONTEXTS).map((context, i) => ({ id: 2 * i + 1, ...context }));
}

const rolesOf = (proposals: readonly Proposal[]): Role[] =>
  proposals.filter(({ asScp }) => asScp).map(({ sopClassUid }) => ({ sopClassUid, scu: false, scp: true }));
