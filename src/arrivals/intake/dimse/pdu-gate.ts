/** PS3.8 section 9.3.1: PDU types. */
const PDU = { associationRequest: 0x01, data: 0x04 } as const;
/** Type, a reserved byte, and a length of 32 bits. */
const PDU_HEADER_BYTES = 6;
/** Of a presentation data value: its length, the context, the message control header (PS3.8 annex E.2). */
const PDV_HEADER_BYTES = 6;
const CONTROL = { command: 0x01, last: 0x02 } as const;

/** 128 presentation contexts with a few transfer syntaxes each take some 20 kB. */
const LONGEST_ASSOCIATION_PDU = 128 * 1024;
/** Release, abort: four bytes. */
const LONGEST_OTHER_PDU = 1024;
/** A command of C-STORE takes some 300 bytes. */
const LONGEST_COMMAND = 4096;

/** CommandField (0000,0100), PS3.7 annex E.1: what a storage SCP is asked. */
const TAKEN_COMMANDS: ReadonlySet<number> = new Set([0x0001, 0x0030, 0x0fff]); // C-STORE, C-ECHO, C-CANCEL
const COMMAND_FIELD = Buffer.from([0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00]);

/** What a connection sends is none of what a storage SCP takes. */
class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

/**
 * Looks at what comes in before the library does, which collects everything but data sets in memory and
 * parses it in the main thread: requests for an association and commands of ordinary length only, and no
 * command but those that are served, as the library would take in and inflate the data set of any other.
 */
export class PduGate {
  readonly #maxDataBytes: number;
  readonly #header = Buffer.alloc(PDU_HEADER_BYTES);
  #headerBytes = 0;
  /** Of the PDU at hand. */
  #left = 0;
  #isData = false;
  readonly #pdv = Buffer.alloc(PDV_HEADER_BYTES);
  #pdvBytes = 0;
  #pdvLeft = 0;
  #control = 0;
  #command: Uint8Array[] = [];
  #commandBytes = 0;

  /** @param maxDataBytes of one PDU of data, as was agreed */
  constructor(maxDataBytes: number) {
    this.#maxDataBytes = maxDataBytes;
  }

  /** @throws NotTaken; the connection is of no use then */
  look(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#headerBytes < PDU_HEADER_BYTES) {
        this.#header[this.#headerBytes] = chunk[at] ?? 0;
        this.#headerBytes += 1;
        at += 1;
        if (this.#headerBytes === PDU_HEADER_BYTES) this.#begin();
      } else {
        const some = chunk.subarray(at, at + this.#left);
        this.#left -= some.length;
        at += some.length;
        if (this.#isData) this.#lookAtData(some);
      }
      if (this.#headerBytes === PDU_HEADER_BYTES && this.#left === 0) this.#headerBytes = 0;
    }
  }

  #begin(): void {
    const type = this.#header[0];
    this.#left = this.#header.readUInt32BE(2);
    this.#isData = type === PDU.data;
    this.#pdvBytes = 0;
    const limit = this.#isData
      ? this.#maxDataBytes
      : type === PDU.associationRequest
        ? LONGEST_ASSOCIATION_PDU
        : LONGEST_OTHER_PDU;
    if (this.#left > limit) throw new NotTaken(`it sends a PDU of type ${type} and ${this.#left} bytes`);
  }

  #lookAtData(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#pdvBytes < PDV_HEADER_BYTES) {
        this.#pdv[this.#pdvBytes] = bytes[at] ?? 0;
        this.#pdvBytes += 1;
        at += 1;
        if (this.#pdvBytes < PDV_HEADER_BYTES) continue;
        const length = this.#pdv.readUInt32BE(0); // with the two bytes behind it
        if (length < 2) throw new NotTaken('it sends a presentation data value without its header');
        this.#pdvLeft = length - 2;
        this.#control = this.#pdv[PDV_HEADER_BYTES - 1] ?? 0;
      } else {
        const some = bytes.subarray(at, at + this.#pdvLeft);
        this.#pdvLeft -= some.length;
        at += some.length;
        if (this.#isCommand) this.#keep(some);
      }
      if (this.#pdvLeft > 0) continue;
      this.#pdvBytes = 0;
      if (this.#isCommand && (this.#control & CONTROL.last) !== 0) this.#endCommand();
    }
  }

  get #isCommand(): boolean {
    return (this.#control & CONTROL.command) !== 0;
  }

  #keep(some: Uint8Array): void {
    this.#commandBytes += some.length;
    if (this.#commandBytes > LONGEST_COMMAND) {
      throw new NotTaken(`it sends a command of more than ${LONGEST_COMMAND} bytes`);
    }
    this.#command.push(some.slice());
  }

  #endCommand(): void {
    const command = Buffer.concat(this.#command);
    this.#command = [];
    this.#commandBytes = 0;
    const at = command.indexOf(COMMAND_FIELD);
    const isComplete = at >= 0 && at + COMMAND_FIELD.length + 2 <= command.length;
    const field = isComplete ? command.readUInt16LE(at + COMMAND_FIELD.length) : -1;
    if (!TAKEN_COMMANDS.has(field)) throw new NotTaken('it asks for what is neither C-STORE nor C-ECHO');
  }
}
