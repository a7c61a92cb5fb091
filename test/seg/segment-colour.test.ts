import { data } from 'dcmjs';
import { expect, test } from 'vitest';
import { pancreasSegment } from '../../src/seg/segmentation-segment.ts';
import { context } from '../support/result-fixtures.ts';

test('the colour of the segment is one that every screen can show: amber, sRGB 240, 170, 20', () => {
  const amber = data.Colors.rgb2DICOMLAB([240 / 255, 170 / 255, 20 / 255]).map((value) => Math.round(value));
  const { RecommendedDisplayCIELabValue: stored } = pancreasSegment(context());
  if (!Array.isArray(stored)) throw new Error('the segment has no colour');
  // Programs round the white point differently.
  for (const [i, value] of amber.entries()) expect(Math.abs(Number(stored[i]) - value)).toBeLessThan(4);
});
