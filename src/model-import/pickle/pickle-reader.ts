import { SegmentationError, type SegmentationErrorCode } from '../../segmentation/segmentation-error.ts';

/**
 * Reads a pickle's bytes in order. Every length is checked against what is left before anything is allocated.
 */
export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #subject: string;
  #position: number;
  /** Where the opcode at work starts, for messages. */
  #opcodeAt: number;

  /** `subject` names the pickle in messages: its file, and its entry in it. */
  constructor(bytes: Uint8Array, subject: string, start = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#subject = subject;
    this.#position = start;
    this.#opcodeAt = start;
  }

  get position(): number {
    return this.#position;
  }

  /** An error that says where in the pickle it is. */
  error(code: SegmentationErrorCode, message: string): SegmentationError {
    return new SegmentationError(code, `${this.#subject}, byte ${this.#opcodeAt}: ${message}`);
  }

  opcode(): number {
    this.#opcodeAt = this.#position;
    return this.uint8();
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A length of eight bytes. One beyond the end of the pickle is refused as soon as it is used. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** The next `length` bytes, not copied. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    const part = this.bytes(length);
    return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8');
  }

  /**
   * Text up to the next line feed, which is left out. Protocol 0 writes Latin-1, and escapes for all else.
   */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#truncated('a line that ends');
    const line = latin1(this.#bytes.subarray(this.#position, end));
    this.#position = end + 1;
    return line;
  }

  /** Two's complement, little-endian. */
  long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES)
      throw this.error('CHECKPOINT_REFUSED', `a number of ${length} bytes; no checkpoint holds such numbers`);
    const bytes = this.bytes(length);
    const value = bytes.reduce((sum, byte, index) => sum | (BigInt(byte) << BigInt(8 * index)), 0n);
    return shortened(BigInt.asIntN(8 * length, value));
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start)
      throw this.#truncated(`${length} more bytes where ${this.#bytes.length - start} are left`);
    this.#position += length;
    return start;
  }

  #truncated(expected: string): SegmentationError {
    return this.error(
      'CHECKPOINT_UNREADABLE',
      `the pickle ends too early: expected ${expected}. The file is truncated or damaged; copy it anew`,
    );
  }
}

/** torch's magic number takes 10. */
const MAX_LONG_BYTES = 32;

/** As a number, where that is exact. */
export function shortened(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
