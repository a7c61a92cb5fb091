import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { TooMuchToRead } from '../dicom-error.ts';
import type { DicomDataset } from './dataset.ts';
import { valuesIn } from './header-values.ts';

/**
 * A data set on its way between threads. As one message, the largest would take the thread that gets it a
 * second to unpack; so its entries and the items of its long sequences are packed apart, and unpacked in
 * turns of the event loop.
 */
export interface PackedDataset {
  /** Each in memory of its own, which is given away with it and let go when it is unpacked. */
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

/** What is given away with data sets, so that they are not copied. */
export function buffersOf(datasets: readonly PackedDataset[]): ArrayBuffer[] {
  return datasets.flatMap(({ pieces }) => pieces.map(({ buffer }) => buffer));
}

/** What is in a piece: entries of the data set; and further items of its last entry, a list. */
type Piece = { readonly entries: readonly (readonly [string, unknown])[] } | { readonly items: unknown[] };

/** Values and items of a piece, which takes some milliseconds. */
const PIECE_VALUES = 10_000;
/** One item that holds more cannot be cut: no image and no report of ours has any like that. */
const MOST_VALUES_OF_ITEM = 200_000;
/** How long pieces are unpacked one after the other before others get their turn, in ms. */
const TURN_MS = 10;

/** @throws TooMuchToRead where it cannot be cut into small pieces */
export function packed(dataset: DicomDataset, source: string): PackedDataset {
  return { pieces: [...piecesOf(dataset, source)] };
}

/**
 * As `packed`, of many data sets, in turns of the event loop.
 * @throws TooMuchToRead as `packed`
 */
export async function packedInTurns(
  datasets: readonly DicomDataset[],
  source: string,
): Promise<PackedDataset[]> {
  const all: PackedDataset[] = [];
  const turn = takingTurns();
  for (const dataset of datasets) {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (const piece of piecesOf(dataset, source)) {
      pieces.push(piece);
      await turn();
    }
    all.push({ pieces });
  }
  return all;
}

function* piecesOf(dataset: DicomDataset, source: string): Generator<Uint8Array<ArrayBuffer>> {
  let entries: [string, unknown][] = [];
  let values = 0;
  for (const [keyword, value] of Object.entries(dataset)) {
    const size = valuesIn(value);
    if (entries.length > 0 && values + size > PIECE_VALUES) {
      yield inOwnMemory({ entries });
      entries = [];
      values = 0;
    }
    if (size <= PIECE_VALUES || !Array.isArray(value)) {
      entries.push([keyword, value]);
      values += size;
      continue;
    }
    yield inOwnMemory({ entries: [[keyword, []]] });
    for (const items of cut(value, `${source}: ${keyword}`)) yield inOwnMemory({ items });
  }
  if (entries.length > 0) yield inOwnMemory({ entries });
}

function inOwnMemory(content: Piece): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = serialize(content);
  const isAlone = buffer instanceof ArrayBuffer && length === buffer.byteLength;
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(buffer, byteOffset, length).slice();
}

function* cut(list: readonly unknown[], what: string): Generator<unknown[]> {
  let items: unknown[] = [];
  let values = 0;
  for (const item of list) {
    const size = valuesIn(item);
    if (size > MOST_VALUES_OF_ITEM) {
      const words = `an item of it holds more than ${MOST_VALUES_OF_ITEM} values`;
      throw new TooMuchToRead('DICOM_UNREADABLE', `${what}: ${words}`);
    }
    if (values > 0 && values + size > PIECE_VALUES) {
      yield items;
      items = [];
      values = 0;
    }
    items.push(item);
    values += size;
  }
  yield items;
}

/** The pieces are gone afterwards. */
export function unpacked({ pieces }: PackedDataset): DicomDataset {
  const unpacking = new Unpacking();
  for (const bytes of pieces) unpacking.add(bytes);
  return unpacking.dataset;
}

/** As `unpacked`, in turns of the event loop. */
export async function unpackedInTurns({ pieces }: PackedDataset): Promise<DicomDataset> {
  const unpacking = new Unpacking();
  const turn = takingTurns();
  for (const bytes of pieces) {
    unpacking.add(bytes);
    await turn();
  }
  return unpacking.dataset;
}

class Unpacking {
  readonly dataset: Record<string, unknown> = {};
  #list: unknown[] = [];

  add(bytes: Uint8Array<ArrayBuffer>): void {
    const piece = deserialize(bytes) as Piece;
    bytes.buffer.transfer(0); // else it stays until garbage is collected, beside what was made of it
    if ('items' in piece) {
      for (const item of piece.items) this.#list.push(item);
      return;
    }
    for (const [keyword, value] of piece.entries) this.dataset[keyword] = value;
    const last = piece.entries.at(-1)?.[1];
    this.#list = Array.isArray(last) ? last : [];
  }
}

/** Waits for a turn of the event loop, where there was none for a while. */
function takingTurns(): () => Promise<void> {
  let turnEnds = performance.now() + TURN_MS;
  return async () => {
    if (performance.now() < turnEnds) return;
    await turnOfTheLoop();
    turnEnds = performance.now() + TURN_MS;
  };
}
