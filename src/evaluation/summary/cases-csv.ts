import type { Agreement } from '../metrics/agreement.ts';
import { csvField } from '../sources/csv.ts';
import type { Evaluation } from './evaluation.ts';
import { type CaseRow, titleOf } from './rows.ts';

const MEASURES = [
  'dice',
  'jaccard',
  'hd95Mm',
  'meanSurfaceDistanceMm',
  'surfaceDice1Mm',
  'surfaceDice3Mm',
  'precision',
  'recall',
  'kappa',
  'labelMl',
  'predictedMl',
  'errorMl',
  'errorPercent',
] as const satisfies readonly (keyof Agreement)[];

type Value = string | number | null | undefined;

/** One line for each case (RFC 4180), failed ones too: then `failure` holds the error's code. */
export function casesAsCsv({ rows, raters }: Evaluation): string {
  const columns = [...new Set(rows.flatMap(({ groups }) => [...groups.keys()]))];
  const hasAgainst = rows.some(({ outcome }) => outcome.measures?.against);
  const pairs = raters.flatMap((first, i) =>
    raters
      .slice(i + 1)
      .map((second, offset) => ({ first: i, second: i + 1 + offset, title: `${first} - ${second}` })),
  );
  const head = [
    'case',
    ...columns,
    'model',
    'failure',
    ...MEASURES,
    'lowMl',
    'highMl',
    ...(hasAgainst ? MEASURES.map((name) => `against ${name}`) : []),
    ...pairs.flatMap(({ title }) => [`dice ${title}`, `kappa ${title}`]),
    'resampled',
  ];
  const line = (row: CaseRow): Value[] => {
    const { measures, failure, prediction } = row.outcome;
    const volumeOnly = measures && !measures.agreement ? { predictedMl: measures.predictedMl } : undefined;
    const agreement: Partial<Agreement> | undefined = measures?.agreement ?? volumeOnly;
    return [
      titleOf(row),
      ...columns.map((column) => row.groups.get(column)),
      row.model,
      failure?.code,
      ...MEASURES.map((name) => agreement?.[name]),
      prediction?.volumeIntervalMl?.low,
      prediction?.volumeIntervalMl?.high,
      ...(hasAgainst ? MEASURES.map((name) => measures?.against?.[name]) : []),
      ...pairs.flatMap(({ first, second }) => {
        const pair = measures?.raterPairs.find((one) => one.first === first && one.second === second);
        return [pair?.dice, pair?.kappa];
      }),
      measures?.resampled.join('; '),
    ];
  };
  return [head, ...rows.map(line)].map((values) => `${values.map(csvField).join(',')}\r\n`).join('');
}
