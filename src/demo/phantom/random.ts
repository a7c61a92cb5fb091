/** A small seeded generator (sfc32): the same seed gives the same phantom on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed, 0x9e3779b1) | 0;
    this.#c = 0x243f6a88;
    // sfc32 needs about a dozen rounds until seeds that differ in one bit give unrelated numbers.
    for (let i = 0; i < 16; i++) this.bits();
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  uniform(low: number, high: number): number {
    return low + ((high - low) * this.bits()) / 0x100000000;
  }

  /** A value around `centre`, uniformly within +-`spread`. */
  around(centre: number, spread: number): number {
    return this.uniform(centre - spread, centre + spread);
  }

  /**
   * Close to normal, mean 0 and standard deviation 1: the sum of four bytes (never beyond 3.5), quick enough
   * for every voxel.
   */
  gaussian(): number {
    const u = this.bits();
    return ((u & 255) + ((u >>> 8) & 255) + ((u >>> 16) & 255) + (u >>> 24) - BYTE_SUM_MEAN) / BYTE_SUM_SD;
  }
}

const BYTE_SUM_MEAN = 4 * 127.5;
const BYTE_SUM_SD = Math.sqrt((4 * (256 ** 2 - 1)) / 12);
