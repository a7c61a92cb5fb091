/** Counts forward passes: those done, and those that are to come as far as is known. */
export class ForwardTally {
  #done = 0;
  #left: number;
  readonly #tell: (done: number, total: number) => void;

  constructor(tell: ((done: number, total: number) => void) | undefined, left: number) {
    this.#tell = tell ?? (() => {});
    this.#left = left;
    this.#tell(0, left);
  }

  get done(): number {
    return this.#done;
  }

  /** What is to come turned out to be this many. */
  expect(left: number): void {
    this.#left = left;
  }

  /** One more is done. */
  readonly forward = (): void => {
    this.#done++;
    this.#left = Math.max(0, this.#left - 1);
    this.#tell(this.#done, this.#done + this.#left);
  };
}
