import { type Command, hasDataSet, readCommand, writeCommand } from './command.ts';
import { MalformedPdu, PDU, PDU_HEADER_BYTES, shortPdu } from './pdu.ts';
import { ConnectionLost, type Wire } from './wire.ts';

/** What the other side may put into one PDU. */
export const MAX_PDU_BYTES = 256 * 1024;
/** Length, context and message control header of a presentation data value (PS3.8 annex E.2). */
const PDV_HEADER_BYTES = 6;
const CONTROL = { command: 0x01, last: 0x02 } as const;
/** A command takes some hundred bytes; a request for an association with 128 contexts some 20 kB. */
const LONGEST_COMMAND = 8192;
const LONGEST_OTHER_PDU = 128 * 1024;
/** Where the other side names no limit for a PDU. */
const UNLIMITED_PDU_BYTES = 128 * 1024;
const LEAST_PDU_BYTES = 1024;
/** A value of 4 GiB is the longest that there is (PS3.5 section 7.1.1), and more than any archive sends. */
const MOST_DATA_SET_BYTES = 2 ** 32 + 2 ** 26;
/** Of data sets that nobody wants, for instance of an image that was not asked for. */
const MOST_DROPPED_BYTES = 2 ** 29;
/** A fragment fills a PDU, but for the last one. Some writers are wasteful; none is like this. */
const LEAST_FRAGMENT_BYTES = 64;
const FREE_FRAGMENTS = 1_000;

export interface Message {
  readonly contextId: number;
  readonly command: Command;
  /** Of the data set, if there is one: to be read before the next message. */
  readonly data: AsyncGenerator<Buffer>;
}

/** A PDU other than data, as a whole. */
interface OtherPdu {
  readonly type: number;
  readonly body: Buffer;
}

/** DIMSE messages on an association (PS3.7 section 6.3, PS3.8 annex E), one after the other. */
export class Messages {
  readonly #wire: Wire;
  /** The most bytes of a message in one PDU towards the other side: even, as some take nothing else. */
  #fragmentBytes = LEAST_PDU_BYTES;
  /** Bytes of the PDU of data at hand that are not read yet. */
  #pduLeft = 0;
  #unread: AsyncGenerator<Buffer> | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** @param maxPduBytes that the other side takes; 0: any */
  agreed(maxPduBytes: number): void {
    const most = maxPduBytes === 0 ? UNLIMITED_PDU_BYTES : Math.min(maxPduBytes, MAX_PDU_BYTES);
    this.#fragmentBytes = Math.max(2, (most - PDV_HEADER_BYTES) & ~1);
  }

  /**
   * The next message; undefined where the other side releases the association, which is answered.
   * @throws ConnectionLost where it aborts or closes; MalformedPdu
   */
  async next(): Promise<Message | undefined> {
    await this.#dropUnread();
    const parts: Buffer[] = [];
    const size = new MessageSize('a command', LONGEST_COMMAND);
    for (;;) {
      if (this.#pduLeft === 0 && !(await this.#nextData())) return undefined;
      this.#wire.begin();
      const { contextId, control, bytes } = await this.#pdv();
      if ((control & CONTROL.command) === 0) throw new MalformedPdu('data without a command');
      size.add(bytes);
      parts.push(await this.#wire.exactly(bytes));
      if ((control & CONTROL.last) === 0) continue;
      const command = readCommand(Buffer.concat(parts));
      if (hasDataSet(command)) this.#unread = this.#data(contextId);
      else this.#wire.rest();
      return { contextId, command, data: this.#unread ?? nothing() };
    }
  }

  async #dropUnread(): Promise<void> {
    let dropped = 0;
    for await (const rest of this.#unread ?? []) {
      dropped += rest.length;
      if (dropped > MOST_DROPPED_BYTES) throw new MalformedPdu('a data set that nobody wants does not end');
    }
    this.#unread = undefined;
  }

  /** @param data chunks of any length, taken as there is room for them */
  async send(
    contextId: number,
    command: Command,
    data?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#sendFragment(contextId, CONTROL.command | CONTROL.last, writeCommand(command, !!data));
    if (!data) return;
    let waiting: Uint8Array = new Uint8Array();
    for await (const chunk of data) {
      let rest = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      while (rest.length > this.#fragmentBytes) {
        await this.#sendFragment(contextId, 0, rest.subarray(0, this.#fragmentBytes));
        rest = rest.subarray(this.#fragmentBytes);
      }
      waiting = rest;
    }
    await this.#sendFragment(contextId, CONTROL.last, waiting);
  }

  async #sendFragment(contextId: number, control: number, bytes: Uint8Array): Promise<void> {
    const head = Buffer.alloc(PDU_HEADER_BYTES + PDV_HEADER_BYTES);
    head[0] = PDU.data;
    head.writeUInt32BE(bytes.length + PDV_HEADER_BYTES, 2);
    head.writeUInt32BE(bytes.length + 2, PDU_HEADER_BYTES);
    head.set([contextId, control], PDU_HEADER_BYTES + 4);
    await this.#wire.write(head, bytes);
  }

  async *#data(contextId: number): AsyncGenerator<Buffer> {
    const size = new MessageSize('a data set', MOST_DATA_SET_BYTES);
    for (;;) {
      if (this.#pduLeft === 0 && !(await this.#nextData())) {
        throw new ConnectionLost('the association was released within a data set');
      }
      const pdv = await this.#pdv();
      if ((pdv.control & CONTROL.command) !== 0 || pdv.contextId !== contextId) {
        throw new MalformedPdu('another message within a data set');
      }
      size.add(pdv.bytes);
      let left = pdv.bytes;
      while (left > 0) {
        const some = await this.#wire.some(left);
        left -= some.length;
        yield some;
      }
      if ((pdv.control & CONTROL.last) === 0) continue;
      this.#wire.rest();
      return;
    }
  }

  async #pdv(): Promise<{ contextId: number; control: number; bytes: number }> {
    if (this.#pduLeft < PDV_HEADER_BYTES) throw new MalformedPdu('a presentation data value is cut off');
    const head = await this.#wire.exactly(PDV_HEADER_BYTES);
    const bytes = head.readUInt32BE(0) - 2;
    this.#pduLeft -= PDV_HEADER_BYTES;
    if (bytes < 0 || bytes > this.#pduLeft) {
      throw new MalformedPdu('a presentation data value is longer than its PDU');
    }
    this.#pduLeft -= bytes;
    return { contextId: head[4] ?? 0, control: head[5] ?? 0, bytes };
  }

  /** Goes on to the next PDU of data; false where the association is released instead. */
  async #nextData(): Promise<boolean> {
    const other = await this.#nextPdu();
    if (other === undefined) return true;
    if (other.type === PDU.releaseRequest) {
      await this.#wire.write(shortPdu(PDU.releaseResponse));
      return false;
    }
    if (other.type === PDU.releaseResponse) return false;
    throw new MalformedPdu(`a PDU of type ${other.type} in an association`);
  }

  /** The next PDU that is no data. @throws ConnectionLost where the other side aborts; MalformedPdu */
  async other(): Promise<OtherPdu> {
    const other = await this.#nextPdu();
    if (!other) throw new MalformedPdu('data before there is an association');
    return other;
  }

  /** Undefined: a PDU of data, whose content is to be read. */
  async #nextPdu(): Promise<OtherPdu | undefined> {
    const first = await this.#wire.exactly(1);
    // From here on it is on its way: nobody is kept waiting by a byte now and then.
    this.#wire.begin();
    const [type = 0] = first;
    const length = (await this.#wire.exactly(PDU_HEADER_BYTES - 1)).readUInt32BE(1);
    if (type === PDU.data) {
      if (length > MAX_PDU_BYTES) throw new MalformedPdu(`a PDU of ${length} bytes`);
      this.#pduLeft = length;
      return undefined;
    }
    if (length > LONGEST_OTHER_PDU) throw new MalformedPdu(`a PDU of type ${type} and ${length} bytes`);
    const body = await this.#wire.exactly(length);
    this.#wire.rest();
    if (type === PDU.abort) throw new ConnectionLost(`the association was aborted${abortWords(body)}`);
    return { type, body };
  }
}

/** How much of a command or a data set has come: what neither ends nor brings anything is ended. */
class MessageSize {
  readonly #what: string;
  readonly #most: number;
  #bytes = 0;
  #fragments = 0;

  constructor(what: string, most: number) {
    this.#what = what;
    this.#most = most;
  }

  /** @throws MalformedPdu */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.#fragments += 1;
    if (this.#bytes > this.#most) throw new MalformedPdu(`${this.#what} is too long`);
    if (this.#fragments > FREE_FRAGMENTS + this.#bytes / LEAST_FRAGMENT_BYTES) {
      throw new MalformedPdu(`${this.#what} comes in fragments of next to nothing`);
    }
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}

/** PS3.8 table 9-26. */
function abortWords(body: Buffer): string {
  const [source, reason] = [body[2], body[3]];
  if (source !== 2) return '';
  return ` by the other side's protocol machine (reason ${reason})`;
}
