import { SegmentationError } from '../segmentation-error.ts';

/** A length that the checkpoint decides. */
const ANY = undefined;
type ExpectedShape = readonly (number | typeof ANY)[];

const describe = (shape: ExpectedShape | undefined): string =>
  shape ? `[${shape.map((length) => length ?? 'any').join(', ')}]` : 'no such parameter';

/** The parameters of a checkpoint, and which of them the architecture has accounted for. */
export class ParameterShapes {
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #known = new Set<string>();

  constructor(shapes: ReadonlyMap<string, readonly number[]>) {
    this.#shapes = shapes;
  }

  has(name: string): boolean {
    return this.#shapes.has(name);
  }

  hasBelow(prefix: string): boolean {
    return [...this.#shapes.keys()].some((name) => name.startsWith(`${prefix}.`));
  }

  /**
   * The shape of a parameter that must be there with these lengths; `undefined` stands for any.
   *
   * @throws {SegmentationError} CHECKPOINT_ARCHITECTURE
   */
  expect(name: string, expected: ExpectedShape): readonly number[] {
    const found = this.#shapes.get(name);
    this.#known.add(name);
    const fits =
      found?.length === expected.length &&
      found.every((length, i) => length > 0 && (expected[i] === ANY || expected[i] === length));
    if (found && fits) return found;
    throw new SegmentationError(
      'CHECKPOINT_ARCHITECTURE',
      `${name}: expected ${describe(expected)}, found ${describe(found)}`,
    );
  }

  /**
   * Refuses parameters that nothing has asked for: they belong to another architecture, whose results would
   * be others.
   *
   * @throws {SegmentationError} CHECKPOINT_ARCHITECTURE
   */
  refuseUnexpected(): void {
    for (const [name, shape] of this.#shapes) {
      if (this.#known.has(name)) continue;
      throw new SegmentationError(
        'CHECKPOINT_ARCHITECTURE',
        `${name}: expected no such parameter, found ${describe(shape)}`,
      );
    }
  }
}
