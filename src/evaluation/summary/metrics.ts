import type { Agreement } from '../metrics/agreement.ts';

interface MetricWords {
  readonly name: keyof Agreement;
  readonly title: string;
  readonly unit: '%' | 'mm' | 'ml' | '';
  /** What is shown is the value times this. */
  readonly times: number;
  readonly digits: number;
}

/** What tables tell of a case and of a group, in their order. */
export const METRICS: readonly MetricWords[] = [
  { name: 'dice', title: 'Dice', unit: '%', times: 100, digits: 1 },
  { name: 'jaccard', title: 'Jaccard', unit: '%', times: 100, digits: 1 },
  { name: 'hd95Mm', title: 'HD95', unit: 'mm', times: 1, digits: 2 },
  { name: 'meanSurfaceDistanceMm', title: 'Mean surface distance', unit: 'mm', times: 1, digits: 2 },
  { name: 'surfaceDice1Mm', title: 'Surface Dice at 1 mm', unit: '%', times: 100, digits: 1 },
  { name: 'surfaceDice3Mm', title: 'Surface Dice at 3 mm', unit: '%', times: 100, digits: 1 },
  { name: 'precision', title: 'Precision', unit: '%', times: 100, digits: 1 },
  { name: 'recall', title: 'Recall', unit: '%', times: 100, digits: 1 },
  { name: 'kappa', title: 'Cohen’s kappa', unit: '', times: 1, digits: 3 },
  { name: 'errorMl', title: 'Volume error', unit: 'ml', times: 1, digits: 1 },
  { name: 'errorPercent', title: 'Volume error', unit: '%', times: 1, digits: 1 },
];

/** By what two sets of predictions are compared. */
export const COMPARED = ['dice', 'hd95Mm', 'meanSurfaceDistanceMm', 'surfaceDice1Mm', 'predictedMl'] as const;
