import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { TooMuchToRead } from '../dicom-error.ts';
import type { DicomDataset } from './dataset.ts';

/**
 * A data set on its way between threads. As one message, the largest would take the thread that gets it a
 * second to unpack; so its entries and the items of its long sequences are packed apart, and unpacked in
 * turns of the event loop.
 */
export interface PackedDataset {
  readonly pieces: readonly Uint8Array[];
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
    const pieces: Uint8Array[] = [];
    for (const piece of piecesOf(dataset, source)) {
      pieces.push(piece);
      await turn();
    }
    all.push({ pieces });
  }
  return all;
}

function* piecesOf(dataset: DicomDataset, source: string): Generator<Uint8Array> {
  let entries: [string, unknown][] = [];
  let values = 0;
  for (const [keyword, value] of Object.entries(dataset)) {
    const size = sizeOf(value);
    if (entries.length > 0 && values + size > PIECE_VALUES) {
      yield serialize({ entries } satisfies Piece);
      entries = [];
      values = 0;
    }
    if (size <= PIECE_VALUES || !Array.isArray(value)) {
      entries.push([keyword, value]);
      values += size;
      continue;
    }
    yield serialize({ entries: [[keyword, []]] } satisfies Piece);
    for (const items of cut(value, `${source}: ${keyword}`)) yield serialize({ items } satisfies Piece);
  }
  if (entries.length > 0) yield serialize({ entries } satisfies Piece);
}

function* cut(list: readonly unknown[], what: string): Generator<unknown[]> {
  let items: unknown[] = [];
  let values = 0;
  for (const item of list) {
    const size = sizeOf(item);
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

/** Values and items within one another. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return 1;
  let size = 1;
  for (const one of Object.values(value)) size += sizeOf(one);
  return size;
}

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

  add(bytes: Uint8Array): void {
    const piece = deserialize(bytes) as Piece;
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
