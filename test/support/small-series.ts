import { smallInstance } from './small-instance.ts';

/** Pixels along rows and columns; enough for one window of the test network. */
const EDGE = 16;

/** A bright ball in soft tissue, so that a network that looks for brightness finds something. */
function pixels(slice: number, slices: number): ArrayBuffer {
  const values = Int16Array.from({ length: EDGE * EDGE }, (_, index) => {
    const [x, y] = [index % EDGE, Math.floor(index / EDGE)];
    const squared = (x - EDGE / 2) ** 2 + (y - EDGE / 2) ** 2 + (slice - slices / 2) ** 2;
    return squared < 16 ? 120 : -20;
  });
  return values.buffer;
}

/**
 * The series are smaller than any abdomen, which the rules would refuse: a node that is to take them needs
 * these.
 */
export const SMALL_SERIES_RULES = [
  { when: { words: { matches: '^abdomen portal' } }, class: 'CT_ABDOMEN', reason: 'a small abdomen' },
  { when: { words: { matches: '^t1 vibe' } }, class: 'T1W', reason: 'a small T1' },
];

/** Of soft tissue alone: a network that looks for brightness finds nothing. */
export const plainPixels = (): ArrayBuffer =>
  Int16Array.from({ length: EDGE * EDGE }, (_, index) => (index % 2 === 0 ? -20 : -30)).buffer;

/**
 * A little axial abdominal CT, as Part 10 bytes of its instances: 1 mm pixels, slices 2 mm apart, a ball of
 * 120 HU.
 */
export function smallCtSeries(
  study: string,
  attributes: Readonly<Record<string, unknown>> = {},
  slices = 12,
  series = 1,
): Uint8Array[] {
  return Array.from({ length: slices }, (_, slice) =>
    smallInstance(
      { study, series: `${study}.${series}`, sop: `${study}.${series}.${slice + 1}` },
      {
        SeriesDescription: 'abdomen portal venous',
        ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
        FrameOfReferenceUID: `${study}.9`,
        InstanceNumber: String(slice + 1),
        ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
        ImagePositionPatient: ['0', '0', String(2 * slice)],
        PixelSpacing: ['1', '1'],
        SliceThickness: '2',
        RescaleSlope: '1',
        RescaleIntercept: '0',
        Rows: EDGE,
        Columns: EDGE,
        PixelData: pixels(slice, slices),
        ...attributes,
      },
    ),
  );
}
