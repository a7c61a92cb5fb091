import type { ScanScore } from '../src/demo/scan-score.ts';

/** Two scans of one patient, the second with a smaller gland. */
export interface PairScore {
  readonly first: ScanScore;
  readonly second: ScanScore;
}

/** What one model's scores come to; volumes are measured against true ones. */
export interface Summary {
  readonly cases: number;
  readonly diceMean: number;
  readonly diceLowest: number;
  /** The lowest Dice with what the first mode found. */
  readonly agreementLowest: number;
  /** Mean of the relative errors, and of their sizes, %. */
  readonly biasPercent: number;
  readonly errorPercent: number;
  /** Of the least-squares line of measured over true ml. */
  readonly slope: number;
  readonly pairs: number;
  /** Of the changes in %, measured less true: mean, mean size and largest size, in points. */
  readonly changeBias: number;
  readonly changeError: number;
  readonly changeLargest: number;
  /**
   * Share of the cases whose true volume lies in the interval, %, and the median of half its width, % of the
   * volume.
   */
  readonly coveragePercent: number;
  readonly halfWidthPercent: number;
  /** Cases whose boundary is called uncertain, those with a Dice below POOR_DICE, and those that are both. */
  readonly wide: number;
  readonly poor: number;
  readonly poorAndWide: number;
  /** Mean count of passes through the network. */
  readonly forwards: number;
}

const POOR_DICE = 0.9;

/** @param scores at least two, of different true volumes */
export function summarize(scores: readonly ScanScore[], pairs: readonly PairScore[]): Summary {
  const errors = scores.map((s) => 100 * (s.volumeMl / s.trueVolumeMl - 1));
  const changes = pairs.map(
    ({ first, second }) =>
      100 * (second.volumeMl / first.volumeMl - second.trueVolumeMl / first.trueVolumeMl),
  );
  const covered = scores.filter(
    ({ intervalMl, trueVolumeMl }) => intervalMl.low <= trueVolumeMl && trueVolumeMl <= intervalMl.high,
  );
  const wide = scores.filter(({ intervalMl }) => intervalMl.isWide);
  const poor = scores.filter((s) => s.dice < POOR_DICE);
  return {
    cases: scores.length,
    diceMean: mean(scores.map((s) => s.dice)),
    diceLowest: Math.min(...scores.map((s) => s.dice)),
    agreementLowest: Math.min(...scores.map((s) => s.diceToFirst)),
    biasPercent: mean(errors),
    errorPercent: mean(errors.map(Math.abs)),
    slope: slope(
      scores.map((s) => s.trueVolumeMl),
      scores.map((s) => s.volumeMl),
    ),
    pairs: pairs.length,
    changeBias: mean(changes),
    changeError: mean(changes.map(Math.abs)),
    changeLargest: Math.max(0, ...changes.map(Math.abs)),
    coveragePercent: (100 * covered.length) / scores.length,
    halfWidthPercent: median(
      scores.map((s) => (50 * (s.intervalMl.high - s.intervalMl.low)) / Math.max(s.volumeMl, TINY_ML)),
    ),
    wide: wide.length,
    poor: poor.length,
    poorAndWide: poor.filter((s) => wide.includes(s)).length,
    forwards: mean(scores.map((s) => s.forwards)),
  };
}

/** An empty mask has no width in % of its volume. */
const TINY_ML = 1e-3;

/** One line a model, under one heading. */
export function formatSummaries(summaries: Readonly<Record<string, Summary>>): string {
  const heading = [
    'class      cases  Dice mean  lowest   bias  |error|  slope  pairs  change |error|  largest   bias  inside  half-width  uncertain  of poor ones  to first  passes',
    '                                         %        %                        points   points  points      %           %',
  ];
  const lines = Object.entries(summaries).map(([name, s]) =>
    [
      name.padEnd(9),
      String(s.cases).padStart(7),
      s.diceMean.toFixed(3).padStart(11),
      s.diceLowest.toFixed(3).padStart(8),
      s.biasPercent.toFixed(1).padStart(7),
      s.errorPercent.toFixed(1).padStart(9),
      s.slope.toFixed(3).padStart(7),
      String(s.pairs).padStart(7),
      s.changeError.toFixed(1).padStart(16),
      s.changeLargest.toFixed(1).padStart(9),
      s.changeBias.toFixed(1).padStart(8),
      s.coveragePercent.toFixed(0).padStart(7),
      s.halfWidthPercent.toFixed(1).padStart(12),
      String(s.wide).padStart(11),
      `${s.poorAndWide} of ${s.poor}`.padStart(14),
      s.agreementLowest.toFixed(3).padStart(10),
      s.forwards.toFixed(0).padStart(8),
    ].join(''),
  );
  return [...heading, ...lines].join('\n');
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

function slope(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  const products = x.map((value, i) => (value - mx) * ((y[i] ?? 0) - my));
  return mean(products) / mean(x.map((value) => (value - mx) ** 2));
}
