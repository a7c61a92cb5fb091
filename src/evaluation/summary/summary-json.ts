import { ARTICLE } from './article.ts';
import type { Evaluation } from './evaluation.ts';
import { titleOf } from './rows.ts';

/**
 * What `summary.json` says. `cases` has the labelled and the predicted volume of each case with the interval
 * that the node would state, so that intervals can be calibrated by it.
 */
export function summaryAsJson(evaluation: Evaluation): string {
  const { softwareVersion, madeAt, mode, models, settings, raters, unlabelled, rows, groups } = evaluation;
  const failed = rows.filter(({ outcome }) => outcome.failure).length;
  const summary = {
    format: 1,
    researchUseOnly: true,
    software: { name: 'pansegnet-node', version: softwareVersion },
    madeAt: madeAt.toISOString(),
    mode,
    models: models.map(({ info: { name, title, version, modality, notice }, sha256 }) => ({
      name,
      title,
      version,
      modality,
      sha256,
      notice: notice ?? null,
    })),
    predictions: models.length > 0 ? 'made by the models' : 'given',
    settings: {
      labelValues: settings.labelValues ?? 'all above 0',
      predictionValues: settings.predictionValues ?? 'all above 0',
      resample: settings.resample,
    },
    labelsFromArchive: evaluation.labelsFromArchive,
    counts: { cases: rows.length, evaluated: rows.length - failed, failed, unlabelled },
    raters,
    article: ARTICLE,
    groups,
    cases: rows.map((row) => {
      const { measures, failure, prediction } = row.outcome;
      return {
        case: titleOf(row),
        groups: Object.fromEntries(row.groups),
        model: row.model ?? null,
        failure: failure?.code ?? null,
        labelMl: measures?.agreement?.labelMl ?? null,
        predictedMl: measures?.predictedMl ?? null,
        intervalMl: prediction?.volumeIntervalMl ?? null,
        agreement: measures?.agreement ?? null,
        against: measures?.against ?? null,
        ratedMl: measures?.ratedMl ?? [],
        raterPairs: measures?.raterPairs ?? [],
        resampled: measures?.resampled ?? [],
      };
    }),
  };
  return `${JSON.stringify(summary, null, 1)}\n`;
}
