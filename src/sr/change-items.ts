import { CODES, type Code } from '../results/codes.ts';
import type { ChangeSince } from './change.ts';
import { type ContentItem, numContent, related, textContent } from './content-item.ts';
import type { ReportForm } from './report-form.ts';
import { VOLUME_UNITS } from './volume-units.ts';
import { dateInWords, ML_DECIMALS, PERCENT_DECIMALS } from './words.ts';

/**
 * The change since an earlier volume, absolute and relative, in all and a year, each with the volume that it
 * was inferred from (TID 1419 rows 5, 13 and 18).
 */
export function changeItems(
  { since, which, ml, percent, mlPerYear, percentPerYear }: ChangeSince,
  volumeUnit: ReportForm['volumeUnit'],
): ContentItem[] {
  const { volume, perYear } = VOLUME_UNITS[volumeUnit];
  const item = (what: string, value: number | undefined, unit: Code, decimals: number): ContentItem[] =>
    value === undefined
      ? []
      : [
          numContent(CODES.differenceInSize, value, unit, decimals, [
            related(
              'HAS CONCEPT MOD',
              textContent(
                CODES.equivalentMeaning,
                `${what} since the ${which} study, ${dateInWords(since.date)}`,
              ),
            ),
            related('INFERRED FROM', numContent(CODES.volume, since.volumeMl, volume, ML_DECIMALS)),
          ]),
        ];
  return [
    ...item('Change of pancreas volume', ml, volume, ML_DECIMALS),
    ...item('Relative change of pancreas volume', percent, CODES.percent, PERCENT_DECIMALS),
    ...item('Change of pancreas volume per year', mlPerYear, perYear, ML_DECIMALS),
    ...item(
      'Relative change of pancreas volume per year',
      percentPerYear,
      CODES.percentPerYear,
      PERCENT_DECIMALS,
    ),
  ];
}
