import { TooMuchToRead } from '../dicom-error.ts';
import type { DicomDataset } from './dataset.ts';

/**
 * Of all headers of a series together, which are in memory while its volume is made. Ten thousand images with
 * three hundred values each have 3 million.
 */
const MOST_VALUES = 3_000_000;

/** Values and items within one another. */
export function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof ArrayBuffer) return 1;
  let size = 1;
  for (const one of Object.values(value)) size += valuesIn(one);
  return size;
}

/** Counts what the headers of a series hold that are kept. */
export class HeaderValues {
  readonly #what: string;
  #values = 0;

  /** @param what they are headers of, for the message */
  constructor(what: string) {
    this.#what = what;
  }

  /** @throws TooMuchToRead where these and the others hold more than any series */
  count(header: DicomDataset): void {
    this.#values += valuesIn(header);
    if (this.#values <= MOST_VALUES) return;
    const words = `its headers hold more than ${MOST_VALUES} values`;
    throw new TooMuchToRead('DICOM_UNREADABLE', `${this.#what}: ${words}`);
  }
}
