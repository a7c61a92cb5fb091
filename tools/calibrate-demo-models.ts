/**
 * Calibrates the demo models: writes what `npm run demo:evaluate -- --seeds 40000 --pairs 0 --json FILE` found
 * (in the modes that were asked for) as calibration.json beside the folds that it was found with, for `models import`.
 *
 *   node tools/calibrate-demo-models.ts FILE [models/demo-src]
 *
 * The seeds have to be others than those that the interval is reported on.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { MODES } from '../src/inference-mode.ts';
import { calibrationFile } from '../src/segmentation/model/model-folder.ts';

const range = z.object({ low: z.number(), high: z.number() });
const evaluationSchema = z.object({
  details: z.partialRecord(
    z.enum(['CT', 'T1W', 'T2W']),
    z.object({
      scores: z.array(
        z.object({
          mode: z.enum(MODES),
          seed: z.int(),
          volumeMl: z.number(),
          trueVolumeMl: z.number(),
          softmaxRangeMl: range,
        }),
      ),
    }),
  ),
});
const TASKS = { CT: 'Task901_DemoCT', T1W: 'Task902_DemoT1', T2W: 'Task903_DemoT2' } as const;
const CHECKPOINT = 'model_final_checkpoint.model';

const [file, trainings = path.resolve(import.meta.dirname, '../models/demo-src')] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: calibrate-demo-models.ts FILE [FOLDER]');
const { details } = evaluationSchema.parse(JSON.parse(readFileSync(file, 'utf8')));

for (const [contrast, task] of Object.entries(TASKS)) {
  const all = details[contrast as keyof typeof TASKS]?.scores ?? [];
  const [trainer = ''] = readdirSync(path.join(trainings, task));
  const folder = path.join(trainings, task, trainer);
  const folds = readdirSync(folder).filter((name) => name.startsWith('fold_'));
  const sha256 = (fold: string) =>
    createHash('sha256')
      .update(readFileSync(path.join(folder, fold, CHECKPOINT)))
      .digest('hex');
  for (const mode of MODES) {
    const scores = all.filter((score) => score.mode === mode);
    if (scores.length === 0) continue;
    const seeds = scores.map(({ seed }) => seed);
    const calibration = {
      format: 1,
      checkpoints: Object.fromEntries(folds.map((fold) => [fold, sha256(fold)])),
      mode,
      source: `synthetic abdomens, seeds ${Math.min(...seeds)} to ${Math.max(...seeds)}`,
      cases: scores.map(({ seed, volumeMl, trueVolumeMl, softmaxRangeMl }) => ({
        name: `seed ${seed}`,
        volumeMl,
        trueVolumeMl,
        softmaxRangeMl,
      })),
    };
    writeFileSync(path.join(folder, calibrationFile(mode)), `${JSON.stringify(calibration, undefined, 1)}\n`);
  }
}
