import { CODES, type Code } from '../results/codes.ts';
import { isFormat3 } from '../results/result-format.ts';
import { type ContentItem, codeContent, numContent, related, textContent } from './content-item.ts';
import { formOf } from './report-form.ts';
import type { ReportInput, ReportMeasurement } from './report-input.ts';
import { VOLUME_UNITS } from './volume-units.ts';
import { ML_DECIMALS, volumeEquation } from './words.ts';

/**
 * The volume with its method (TID 1419 rows 5, 7 and 16), and the range of its uncertainty to either side
 * (CID 225): as properties of it (TID 310), or `conservative` as measurements of their own, as PixelMed's
 * DicomSRValidator takes properties of a measurement for what it was inferred from.
 * @param center where viewers may show it (TID 320)
 */
export function volumeItems(
  input: ReportInput,
  measurement: ReportMeasurement,
  center: ContentItem | undefined,
): ContentItem[] {
  const { volumeMl, volumeIntervalMl: interval } = measurement;
  const { templates, volumeUnit } = formOf(input);
  const unit = VOLUME_UNITS[volumeUnit].volume;
  const method = isFormat3(input.context) ? CODES.sumOfSegmentedVoxelVolumes : CODES.sumOfSegmentedVoxels;
  const side = (name: Code, ml: number, way: string) =>
    numContent(name, ml, unit, ML_DECIMALS, [
      related(
        'HAS CONCEPT MOD',
        textContent(CODES.equivalentMeaning, `Uncertainty of the pancreas volume ${way}`),
      ),
    ]);
  const sides = interval
    ? [
        side(CODES.upperUncertainty, interval.high - volumeMl, 'upwards'),
        side(CODES.lowerUncertainty, volumeMl - interval.low, 'downwards'),
      ]
    : [];
  const isCurrent = templates === 'current';
  const volume = numContent(CODES.volume, volumeMl, unit, ML_DECIMALS, [
    related('HAS CONCEPT MOD', codeContent(CODES.measurementMethod, method)),
    ...(isCurrent ? sides.map((item) => related('HAS PROPERTIES', item)) : []),
    related('INFERRED FROM', textContent(CODES.equation, volumeEquation(measurement))),
    ...(center ? [related('INFERRED FROM', center)] : []),
  ]);
  return [volume, ...(isCurrent ? [] : sides)];
}
