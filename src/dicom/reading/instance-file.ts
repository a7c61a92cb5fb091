import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { messageOf } from '../../coded-error.ts';
import { DicomError, TooMuchToRead } from '../dicom-error.ts';
import { GatheredBytes } from '../gathered-bytes.ts';
import { type DicomDataset, frameLayout } from './dataset.ts';
import { type ElementHeader, type Encoded, readHeader, UNDEFINED_LENGTH } from './element-header.ts';
import { readElements } from './elements.ts';
import { encoded, inflationLimit, readMeta } from './part10.ts';
import { cutOff } from './tag-words.ts';
import { isNative, TRANSFER_SYNTAX } from './transfer-syntaxes.ts';

/** A DICOM file of which no more than the header was read into memory. */
export interface InstanceFile {
  /** File meta information. */
  readonly meta: DicomDataset;
  /** Without pixel data. */
  readonly dataset: DicomDataset;
  readonly transferSyntaxUid: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Offset of the data set, behind the file meta information. */
  readonly datasetOffset: number;
  readonly hasPixelData: boolean;
}

/** How much of a file is read until its header is complete; most need the first. */
const HEAD_BYTES = [64 * 1024, 1024 * 1024, 8 * 1024 * 1024, 32 * 1024 * 1024] as const;
const LARGEST_HEAD_BYTES = HEAD_BYTES[3];
const PIXEL_DATA_GROUP = 0x7fe0;
const PIXEL_DATA = '7FE00010';
const ITEM = 'FFFEE000';
const SEQUENCE_END = 'FFFEE0DD';
/** The longest header of an element: tag, VR, two reserved bytes, length. */
const ELEMENT_HEADER_BYTES = 12;
/** Fragments that no real instance has; each is looked for in the file. */
const MAX_FRAGMENTS = 400_000;

/**
 * Reads the header of a DICOM file (PS3.10) of any size, and sees that its pixel data is all there, without
 * taking the pixels into memory.
 * @param source names the file in messages
 * @param only tags whose values are taken; those of the pixels' size have to be among them
 * @throws DicomError DICOM_UNREADABLE where it is not DICOM, cut off, corrupt, or its header is over 32 MiB;
 *   DICOM_ATTRIBUTE where there are pixels, but not their size
 */
export async function readInstanceFile(
  path: string,
  source: string,
  only?: ReadonlySet<string>,
): Promise<InstanceFile> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const whole: Contents = { size, read: (offset, length) => readAt(file, offset, length) };
    const meta = await readHead(whole, source, (bytes) => readMeta(bytes, source));
    const { transferSyntaxUid, end: datasetOffset } = meta;
    const deflated = transferSyntaxUid === TRANSFER_SYNTAX.deflated;
    const contents = deflated ? await inflatedContents(path, datasetOffset, size, source) : whole;
    const start = deflated ? 0 : datasetOffset;
    const { dataset, end, implicit } = await readHead(contents, source, (bytes) =>
      readElements(encoded(bytes, transferSyntaxUid, source), start, { beforeGroup: PIXEL_DATA_GROUP, only }),
    );
    const hasPixelData = await checkPixels(contents, end, { dataset, transferSyntaxUid, implicit, source });
    return { meta: meta.dataset, dataset, transferSyntaxUid, size, datasetOffset, hasPixelData };
  } finally {
    await file.close();
  }
}

/** Bytes that are read where they are needed: of a file, or of what was deflated in it. */
interface Contents {
  readonly size: number;
  /** May give fewer than asked for, at the end. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

/** Parses a beginning of the contents, and a longer one where that was cut off within what is parsed. */
async function readHead<T extends { readonly end: number }>(
  contents: Contents,
  source: string,
  parse: (head: Uint8Array<ArrayBuffer>) => T,
): Promise<T> {
  const { size } = contents;
  for (const limit of HEAD_BYTES) {
    const head = await contents.read(0, Math.min(limit, size));
    const isWhole = head.length >= size;
    try {
      const parsed = parse(head);
      if (isWhole || parsed.end < head.length) return parsed;
    } catch (error) {
      if (isWhole || !(error instanceof DicomError) || error instanceof TooMuchToRead) throw error;
    }
  }
  throw new DicomError(
    'DICOM_UNREADABLE',
    `${source}: no readable header within its first ${LARGEST_HEAD_BYTES / 2 ** 20} MiB`,
  );
}

/** Inflates everything to see that it can be done and how much it is; keeps the beginning. */
async function inflatedContents(
  path: string,
  start: number,
  size: number,
  source: string,
): Promise<Contents> {
  const limit = inflationLimit(size - start);
  const kept = new GatheredBytes();
  let inflatedBytes = 0;
  try {
    await pipeline(createReadStream(path, { start }), createInflateRaw(), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        inflatedBytes += chunk.length;
        if (inflatedBytes > limit) throw new Error(`it becomes more than ${limit} bytes`);
        if (kept.size < LARGEST_HEAD_BYTES) kept.add(chunk);
      }
    });
  } catch (cause) {
    throw new DicomError(
      'DICOM_UNREADABLE',
      `${source}: the deflated data set is corrupt: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  const head = await kept.take();
  return { size: inflatedBytes, read: async (offset, length) => head.subarray(offset, offset + length) };
}

interface Header {
  readonly dataset: DicomDataset;
  readonly transferSyntaxUid: string;
  readonly implicit: boolean;
  readonly source: string;
}

/** Whether there is pixel data; refuses what has less than its header says. */
async function checkPixels(contents: Contents, start: number, header: Header): Promise<boolean> {
  const { dataset, transferSyntaxUid, source } = header;
  const elements = new ElementHeaders(contents, start, header);
  for (let element = await elements.next(); element; element = await elements.next()) {
    const { tag, length } = element;
    if (Number.parseInt(tag.slice(0, 4), 16) !== PIXEL_DATA_GROUP) return false; // padding, signatures
    if (tag !== PIXEL_DATA) {
      elements.skip(length);
      continue;
    }
    if (isNative(transferSyntaxUid) !== (length !== UNDEFINED_LENGTH)) {
      throw new DicomError('DICOM_UNREADABLE', `${source}: PixelData has the wrong form for its syntax`);
    }
    const { numberOfFrames, frameBits } = frameLayout(dataset, source);
    const needed = Math.ceil((frameBits * numberOfFrames) / 8);
    if (length === UNDEFINED_LENGTH) await checkFragments(elements, numberOfFrames, source);
    else if (length < needed) throw cutOff(source, `PixelData has ${length} bytes and needs ${needed}`);
    return true;
  }
  return false;
}

/**
 * The items of compressed pixel data (PS3.5 A.4): an offset table, and at least one fragment for each frame.
 */
async function checkFragments(items: ElementHeaders, frames: number, source: string): Promise<void> {
  for (let count = 0; count <= MAX_FRAGMENTS; count++) {
    const item = await items.next();
    if (!item) throw cutOff(source, 'the compressed PixelData has no end');
    if (item.tag === SEQUENCE_END && count > frames) return;
    if (item.tag !== ITEM || item.length === UNDEFINED_LENGTH) break;
    items.skip(item.length);
  }
  throw new DicomError('DICOM_UNREADABLE', `${source}: the fragments of PixelData are corrupt, or too few`);
}

/** Headers of elements one after the other, without their values. */
class ElementHeaders {
  readonly #contents: Contents;
  readonly #header: Header;
  #offset: number;

  constructor(contents: Contents, start: number, header: Header) {
    this.#contents = contents;
    this.#header = header;
    this.#offset = start;
  }

  /**
   * The next header; undefined at the end of the contents. Throws DICOM_UNREADABLE where less follows than it
   * says.
   */
  async next(): Promise<ElementHeader | undefined> {
    const left = this.#contents.size - this.#offset;
    if (left <= 0) return undefined;
    const { transferSyntaxUid, implicit, source } = this.#header;
    const bytes = await this.#contents.read(this.#offset, ELEMENT_HEADER_BYTES);
    const input: Encoded = { ...encoded(bytes, transferSyntaxUid, source), implicit };
    const element = readHeader(input, 0, left);
    this.#offset += element.valueOffset;
    return element;
  }

  skip(bytes: number): void {
    this.#offset += bytes;
  }
}
