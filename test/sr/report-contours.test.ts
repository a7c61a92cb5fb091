import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DicomDataset, readInstance, sequence, text, texts } from '../../src/dicom/reading/dataset.ts';
import { CODES, isCode } from '../../src/results/codes.ts';
import { pancreasTrackingUid } from '../../src/results/pancreas-segment.ts';
import { type ResultContext } from '../../src/results/result-context.ts';
import type { ImagePoint } from '../../src/sr/content-item.ts';
import { type Outlined, outerBorders } from '../../src/sr/outer-border.ts';
import { createReport } from '../../src/sr/report.ts';
import { resultsOfEnhanced } from '../support/enhanced-image.ts';
import { context, reportInput, SMALL_SIZE, smallMask, smallSeries } from '../support/result-fixtures.ts';

/** A mask from rows of `#` and `.`, and its width. */
function drawn(...rows: string[]): [Uint8Array, number] {
  return [Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0)), rows[0]?.length ?? 0];
}

const words = ({ border }: Outlined): string => border.map((point) => point.join(',')).join(' ');

describe('outer borders', () => {
  test('run clockwise along the edges of the pixels, with a point at each turn', () => {
    expect(outerBorders(...drawn('...', '.#.')).map(words)).toEqual(['1,1 2,1 2,2 1,2 1,1']);
    expect(outerBorders(...drawn('##', '#.')).map(words)).toEqual(['0,0 2,0 2,1 1,1 1,2 0,2 0,0']);
    expect(outerBorders(...drawn('...', '...'))).toEqual([]);
  });

  test('are those of parts whose pixels share edges', () => {
    const parts = outerBorders(...drawn('#..', '.##'));
    expect(parts.map(({ pixels }) => pixels)).toEqual([1, 2]);
    expect(parts.map(words)).toEqual(['0,0 1,0 1,1 0,1 0,0', '1,1 3,1 3,2 1,2 1,1']);
  });

  test('go into what is open at a corner, and not into holes', () => {
    expect(outerBorders(...drawn('###', '#.#', '###')).map(words)).toEqual(['0,0 3,0 3,3 0,3 0,0']);
    expect(outerBorders(...drawn('###', '#.#', '##.')).map(words)).toEqual([
      '0,0 3,0 3,2 2,2 2,1 1,1 1,2 2,2 2,3 0,3 0,0',
    ]);
  });

  test('enclose their part, and else only what it closes off', () => {
    const width = 6;
    const masks = uint8Array({ minLength: 30, maxLength: 30, max: 1 });
    assert(
      property(masks, (mask) => {
        const covered = new Uint8Array(mask.length);
        const borders = outerBorders(mask, width);
        for (const { border } of borders) {
          expect(border.at(-1)).toEqual(border[0]);
          mask.forEach((_, pixel) => {
            if (isEnclosed(border, pixel % width, Math.floor(pixel / width))) covered[pixel] = 1;
          });
        }
        const open = reachedFromOutside(mask, width);
        expect(covered).toEqual(open.map((isOpen) => 1 - isOpen));
      }),
    );
  });
});

/**
 * Whether the centre of a pixel lies inside of a closed line: an odd number of its vertical stretches is to
 * the right.
 */
function isEnclosed(border: readonly ImagePoint[], column: number, row: number): boolean {
  return (
    border.filter(([x, y], i) => {
      const [nextX, nextY] = border[i + 1] ?? [x, y];
      return x === nextX && x > column && Math.min(y, nextY) <= row && Math.max(y, nextY) > row;
    }).length %
      2 ===
    1
  );
}

/** The pixels that a walk over empty pixels and their corners reaches from outside. */
function reachedFromOutside(mask: Uint8Array, width: number): Uint8Array {
  const height = mask.length / width;
  const reached = new Uint8Array(mask.length);
  const waiting = [[-1, -1]];
  const seen = new Set<string>();
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    const [x = 0, y = 0] = place;
    const isOutside = x < 0 || y < 0 || x >= width || y >= height;
    if (x < -1 || y < -1 || x > width || y > height || seen.has(`${x} ${y}`)) continue;
    if (!isOutside && mask[y * width + x]) continue;
    seen.add(`${x} ${y}`);
    if (!isOutside) reached[y * width + x] = 1;
    for (const dx of [-1, 0, 1]) for (const dy of [-1, 0, 1]) waiting.push([x + dx, y + dy]);
  }
  return reached;
}

const groupsOf = (given: ResultContext, outlines = true): DicomDataset[] => {
  const { bytes } = createReport(reportInput({ context: given, outlines }));
  const named = (parent: DicomDataset, name: typeof CODES.measurementGroup) =>
    sequence(parent, 'ContentSequence').filter((item) =>
      sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, name)),
    );
  const [measurements] = named(readInstance(bytes, 'SR').dataset, CODES.imagingMeasurements);
  return named(measurements ?? {}, CODES.measurementGroup);
};

/** Every outline with the image that it is on, and the frame of it. */
const outlinesOf = (given: ResultContext) =>
  sequence(groupsOf(given)[1] ?? {}, 'ContentSequence')
    .filter((item) => text(item, 'ValueType') === 'SCOORD')
    .map((item) => {
      const [image] = sequence(item, 'ContentSequence');
      const [reference] = sequence(image ?? {}, 'ReferencedSOPSequence');
      return {
        points: texts(item, 'GraphicData').map(Number),
        image: text(reference ?? {}, 'ReferencedSOPInstanceUID'),
        frame: text(reference ?? {}, 'ReferencedFrameNumber'),
      };
    });

const commentsOf = (given: ResultContext): string[] => {
  const { dataset } = readInstance(createReport(reportInput({ context: given })).bytes, 'SR');
  const evaluations = sequence(dataset, 'ContentSequence').at(-1) ?? {};
  return sequence(evaluations, 'ContentSequence').flatMap((item) => texts(item, 'TextValue'));
};

/** How many outlines a report holds. */
const MOST = 400;

describe('the outlines in a report', () => {
  test('are on every image with pancreas, the largest first', () => {
    const mask = smallMask([1, 2, 3, 4]);
    mask[3 * SMALL_SIZE[0] * SMALL_SIZE[1] + 13] = 1; // beside the voxel that is there
    const uid = (plane: number) => smallSeries().slices[plane]?.sopInstanceUid;
    expect(outlinesOf(context({ mask }))).toEqual([
      { points: [5, 1, 7, 1, 7, 2, 5, 2, 5, 1], image: uid(3), frame: undefined },
      { points: [3, 1, 4, 1, 4, 2, 3, 2, 3, 1], image: uid(1), frame: undefined },
      { points: [4, 1, 5, 1, 5, 2, 4, 2, 4, 1], image: uid(2), frame: undefined },
      { points: [6, 1, 7, 1, 7, 2, 6, 2, 6, 1], image: uid(4), frame: undefined },
    ]);
  });

  test('are two halves where there is one section alone: a single outline is that of a planar region', () => {
    const [width] = SMALL_SIZE;
    const plane = SMALL_SIZE[0] * SMALL_SIZE[1];
    const masked = (...pixels: number[]) => {
      const mask = new Uint8Array(plane * SMALL_SIZE[2]);
      for (const pixel of pixels) mask[2 * plane + pixel] = 1;
      return outlinesOf(context({ mask })).map(({ points }) => points);
    };
    expect(masked(width + 1, width + 2, 2 * width + 1)).toEqual([
      [1, 1, 3, 1, 3, 2, 1, 2, 1, 1],
      [1, 2, 2, 2, 2, 3, 1, 3, 1, 2],
    ]);
    expect(masked(width + 1, width + 2, width + 3)).toEqual([
      [2, 1, 4, 1, 4, 2, 2, 2, 2, 1],
      [1, 1, 2, 1, 2, 2, 1, 2, 1, 1],
    ]);
    expect(masked(width + 1)).toEqual([
      [1, 1, 1.5, 1, 1.5, 2, 1, 2, 1, 1],
      [1.5, 1, 2, 1, 2, 2, 1.5, 2, 1.5, 1],
    ]);
  });

  test('name the frame of an image with several', async () => {
    const { given } = await resultsOfEnhanced();
    const [image] = given.series.slices.map(({ sopInstanceUid }) => sopInstanceUid);
    const outlined = outlinesOf(given).map(({ image: uid, frame }) => ({ uid, frame }));
    expect(outlined).toEqual([
      { uid: image, frame: '2' },
      { uid: image, frame: '1' },
    ]);
  });

  test('stand behind the measurements, in a group of the same tracking UID, which says nothing twice', () => {
    const [measured, outlined] = groupsOf(context()).map((group) => sequence(group, 'ContentSequence'));
    const uids = (items: DicomDataset[] | undefined) => items?.flatMap((item) => texts(item, 'UID')) ?? [];
    expect(uids(measured)[0]).toBe(pancreasTrackingUid(context()));
    expect(uids(outlined)).toEqual([pancreasTrackingUid(context())]);
    expect(outlined?.filter((item) => text(item, 'ValueType') === 'NUM')).toEqual([]);
  });

  test('are said to be outlines, by a code of CID 219', () => {
    const values = groupsOf(context()).map((group) =>
      sequence(group, 'ContentSequence')
        .filter((item) =>
          sequence(item, 'ConceptNameCodeSequence').some((code) => isCode(code, CODES.geometricPurpose)),
        )
        .flatMap((item) => sequence(item, 'ConceptCodeSequence'))
        .map((code) => text(code, 'CodeMeaning')),
    );
    expect(values).toEqual([[], ['Outline']]);
  });

  test('are left out where the site wants one group', () => {
    expect(groupsOf(context(), false)).toHaveLength(1);
  });

  test('are the largest ones where the mask has more, or longer ones, than a report should hold', () => {
    const [width, height] = [2000, 1000];
    const series = smallSeries();
    const size = [width, height, 1] as const;
    const wide = { ...series, volume: { ...series.volume, size, voxels: new Int16Array(height * width) } };
    const pixels = (isInside: (column: number, row: number) => boolean) =>
      Uint8Array.from({ length: height * width }, (_, i) =>
        isInside(i % width, Math.floor(i / width)) ? 1 : 0,
      );
    const areas = (mask: Uint8Array) =>
      outlinesOf(context({ series: wide, mask })).map(({ points: [left = 0, , right = 0] }) => right - left);
    const comments = (mask: Uint8Array) => commentsOf(context({ series: wide, mask }));

    // Ten of each length, in every other of 1000 rows.
    const dashes = pixels((column, row) => row % 2 === 0 && column % 20 <= column / 200);
    expect(areas(dashes)).toEqual(Array<number>(MOST).fill(10));
    expect(comments(dashes)).toContain(
      `${MOST} of 50000 outlines of the segmentation are in this report, the largest; the segmentation has all.`,
    );
  });

  test('are all there where a gland is of a hundred slices, and the report then says nothing of them', () => {
    const planes = 100;
    const size = [SMALL_SIZE[0], SMALL_SIZE[1], planes] as const;
    const length = size[0] * size[1] * planes;
    const [slice] = smallSeries().slices;
    if (!slice) throw new TypeError('no slice');
    const series = {
      ...smallSeries(),
      volume: { ...smallSeries().volume, size, voxels: new Int16Array(length) },
      slices: Array.from({ length: planes }, (_, k) => ({ ...slice, sopInstanceUid: `1.2.3.${k + 1}` })),
    };
    const given = context({ series, mask: new Uint8Array(length).map((_, i) => (i % 35 === 16 ? 1 : 0)) });
    expect(outlinesOf(given)).toHaveLength(planes);
    expect(commentsOf(given).join()).not.toContain('outline');
  });
});
