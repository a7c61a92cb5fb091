/**
 * Measures the demo models on synthetic abdomens that training never saw, as the node segments them.
 *
 *   node tools/evaluate-demo-models.ts [MODELS_FOLDER] [COUNT] [FIRST_SEED]      (default: models 10 3000)
 *
 * Prints Dice and volume for each seed and contrast; exits with 1 where a mean Dice is below 0.85.
 */
import { scorePhantom } from '../src/demo/phantom-score.ts';
import { loadModel } from '../src/segmentation/model/model-folder.ts';

const REQUIRED_DICE = 0.85;

const [folder = 'models', count = '10', first = '3000'] = process.argv.slice(2);
for (const contrast of ['CT', 'T1W', 'T2W'] as const) {
  const model = await loadModel(`demo-${contrast.toLowerCase()}`, [folder]);
  const scores: number[] = [];
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const { dice, volumeMl, trueVolumeMl, seconds } = await scorePhantom(model, contrast, seed);
    scores.push(dice);
    const error = (100 * (volumeMl / trueVolumeMl - 1)).toFixed(1);
    console.log(
      `${contrast} seed ${seed}: Dice ${dice.toFixed(3)}, ${volumeMl.toFixed(1)} ml of ` +
        `${trueVolumeMl.toFixed(1)} ml (${error} %), ${seconds.toFixed(0)} s`,
    );
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  console.log(`${contrast}: mean Dice ${mean.toFixed(3)}, lowest ${Math.min(...scores).toFixed(3)}`);
  if (mean < REQUIRED_DICE) process.exitCode = 1;
}
