import { TooMuchToRead } from '../dicom-error.ts';
import type { DicomDataset } from './dataset.ts';

/**
 * Of all headers of a series together, which are in memory while its volume is made. Ten thousand images with
 * three hundred values each have 3 million.
 */
const MOST_VALUES = 3_000_000;
/** Where it is known how many images there are: so many for each, and some more. */
const VALUES_PER_IMAGE = 1_500;
const MORE_VALUES = 300_000;

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
  readonly #most: number;
  #values = 0;

  /**
   * @param what they are headers of, for the message
   * @param images how many images they are of, where that is known
   */
  constructor(what: string, images = Number.POSITIVE_INFINITY) {
    this.#what = what;
    this.#most = Math.min(MOST_VALUES, MORE_VALUES + VALUES_PER_IMAGE * images);
  }

  /** @throws TooMuchToRead where these and the others hold more than any series */
  count(header: DicomDataset): void {
    this.#values += valuesIn(header);
    if (this.#values <= this.#most) return;
    const words = `its headers hold more than ${this.#most} values`;
    throw new TooMuchToRead('DICOM_UNREADABLE', `${this.#what}: ${words}`);
  }
}
