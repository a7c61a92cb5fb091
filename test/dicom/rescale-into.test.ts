import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rescaleInto } from '../../src/dicom/geometry/rescale-into.ts';

const stored = fc.oneof(
  fc.int16Array({ minLength: 1, maxLength: 3000 }),
  fc.uint16Array({ minLength: 1, maxLength: 3000 }),
  fc.uint8Array({ minLength: 1, maxLength: 3000 }),
);
const padding = fc.option(
  fc.record({
    low: fc.integer({ min: -3000, max: 0 }),
    high: fc.integer({ min: 0, max: 3000 }),
    fill: fc.constantFrom(-1024, 0),
  }),
  { nil: undefined },
);
const offset = fc.nat(50);

describe('real values', () => {
  it('of integers are slope x value + intercept, padding its filling; a frame with others than Int16 is refused', () => {
    const slope = fc.oneof(fc.constantFrom(1, -1, 2), fc.integer({ min: -16_384, max: 16_384 }));
    const intercept = fc.oneof(fc.constant(-1024), fc.integer({ min: -70_000, max: 70_000 }));
    fc.assert(
      fc.property(stored, slope, intercept, padding, offset, (values, m, b, pad, from) => {
        const expected = Array.from(values, (value) =>
          pad && value >= pad.low && value <= pad.high ? pad.fill : m * value + b + 0,
        );
        const target = new Int16Array(from + values.length).fill(7);
        const fits = expected.every((value) => value >= -32_768 && value <= 32_767);
        const done = rescaleInto(target, from, values, {
          slope: m,
          intercept: b,
          ...(pad && { padding: pad }),
        });
        const written = fits ? [...Array<number>(from).fill(7), ...expected] : [...target];
        expect({ done, written: [...target] }).toEqual({ done: fits, written });
      }),
    );
  });

  it('by a slope that leaves room for no value are refused', () => {
    expect(rescaleInto(new Int16Array(1), 0, Uint16Array.of(3), { slope: 40_000, intercept: 0 })).toBe(false);
  });

  it('of other numbers are the nearest of single precision', () => {
    const number = fc.float({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(stored, number, number, padding, offset, (values, m, b, pad, from) => {
        const target = new Float32Array(from + values.length);
        const rescale = { slope: m, intercept: b, ...(pad && { padding: pad }) };
        expect(rescaleInto(target, from, values, rescale)).toBe(true);
        const expected = Float32Array.from(values, (value) =>
          pad && value >= pad.low && value <= pad.high ? pad.fill : m * value + b,
        );
        expect(target.subarray(from)).toEqual(expected);
      }),
    );
  });
});
