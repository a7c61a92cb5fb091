import { CODES, type Code } from '../results/codes.ts';
import { type ContentItem, codeContent, numContent, related, textContent } from './content-item.ts';
import type { ReportMeasurement } from './report-input.ts';
import { ML_DECIMALS, volumeEquation } from './words.ts';

/**
 * The volume with its method (TID 1419 rows 5, 7 and 16), and the range of its uncertainty to either side
 * (CID 225) as measurements of their own: PixelMed's DicomSRValidator takes properties of a measurement (TID
 * 310) for what it was inferred from.
 */
export function volumeItems(measurement: ReportMeasurement): ContentItem[] {
  const { volumeMl, volumeIntervalMl: interval } = measurement;
  const volume = numContent(CODES.volume, volumeMl, CODES.millilitre, ML_DECIMALS, [
    related('HAS CONCEPT MOD', codeContent(CODES.measurementMethod, CODES.sumOfSegmentedVoxelVolumes)),
    related('INFERRED FROM', textContent(CODES.equation, volumeEquation(measurement))),
  ]);
  if (!interval) return [volume];
  const side = (name: Code, ml: number, way: string) =>
    numContent(name, ml, CODES.millilitre, ML_DECIMALS, [
      related(
        'HAS CONCEPT MOD',
        textContent(CODES.equivalentMeaning, `Uncertainty of the pancreas volume ${way}`),
      ),
    ]);
  return [
    volume,
    side(CODES.upperUncertainty, interval.high - volumeMl, 'upwards'),
    side(CODES.lowerUncertainty, volumeMl - interval.low, 'downwards'),
  ];
}
