/**
 * Measures the demo models on synthetic patients that training never saw, as the node segments them, and
 * prints one table.
 *
 *   npm run demo:evaluate -- [--trainings FOLDER] [--seeds FIRST] [--count N] [--pairs N] [--classes
 * CT,T1W,T2W]
 *                            [--modes exact,fast,quick] [--form ordinary|cut|edge|two] [--threads N] [--json
 * FILE]
 *
 * Thirty patients a class from seed 30000 on, whose glands have 25 to 160 ml; the first ten of them a second
 * time with a gland that is 5 to 25 % smaller. A gland is found in half a minute or so on two idle cores:
 * `--count 4 --pairs 1` is quick. Several modes segment the same scans, and are
 * compared with the first. `--form` takes scans that are hard: see SCAN_FORMS. Seeds below 20000 are for
 * training. `--json` gets every case after each.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { importDemoModels } from '../src/demo/demo-models.ts';
import { SCAN_FORMS } from '../src/demo/phantom/hard-scan.ts';
import { SCANNED, type ScannedContrast } from '../src/demo/phantom/varied-scan.ts';
import { type ScanScore, scoreScan } from '../src/demo/scan-score.ts';
import { MODES } from '../src/inference-mode.ts';
import { loadModel } from '../src/segmentation/model/model-folder.ts';
import { formatSummaries, type PairScore, type Summary, summarize } from './evaluation-summary.ts';

const { values } = parseArgs({
  options: {
    trainings: { type: 'string' },
    seeds: { type: 'string', default: '30000' },
    count: { type: 'string', default: '30' },
    pairs: { type: 'string', default: '10' },
    classes: { type: 'string', default: SCANNED.join(',') },
    modes: { type: 'string', default: 'exact' },
    form: { type: 'string', default: 'ordinary' },
    threads: { type: 'string' },
    json: { type: 'string' },
  },
});
const number = (text: string, least: number) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${text} is not a whole number from ${least}`);
  return value;
};
const first = number(values.seeds, 0);
const count = number(values.count, 2);
const pairCount = Math.min(count, number(values.pairs, 0));
const threads = values.threads === undefined ? undefined : number(values.threads, 1);
const classes = SCANNED.filter((contrast) => values.classes.split(',').includes(contrast));
if (classes.length === 0) throw new Error(`--classes takes some of ${SCANNED.join(',')}`);

const modes = MODES.filter((mode) => values.modes.split(',').includes(mode));
if (modes.length === 0) throw new Error(`--modes takes some of ${MODES.join(',')}`);

const form = SCAN_FORMS.find((name) => name === values.form);
if (!form) throw new Error(`--form takes one of ${SCAN_FORMS.join(',')}`);

/** The second visit's volume as a share of the first's: even between 0.95 and 0.75. */
const laterScale = (pair: number) => 0.95 - (0.2 * (pair + 0.5)) / Math.max(1, pairCount);

const summaries: Record<string, Summary> = {};
const details: Record<string, { version: string; scores: ScanScore[]; pairs: PairScore[] }> = {};
const folder = mkdtempSync(path.join(tmpdir(), 'demo-evaluate-'));
try {
  await importDemoModels(folder, values.trainings === undefined ? {} : { trainings: values.trainings });
  for (const contrast of classes) await evaluate(contrast);
} finally {
  rmSync(folder, { recursive: true });
}
console.log(formatSummaries(summaries));

async function evaluate(contrast: ScannedContrast): Promise<void> {
  const model = await loadModel(`demo-${contrast.toLowerCase()}`, [folder]);
  const scores: ScanScore[] = [];
  const pairs: PairScore[] = [];
  details[contrast] = { version: model.info.version, scores, pairs };
  for (let i = 0; i < count; i++) {
    const firsts = await scoreScan(model, contrast, first + i, { modes, form, threads });
    scores.push(...firsts);
    for (const score of firsts) tell(contrast, score);
    if (i < pairCount) {
      const later = { form, visit: 1, pancreasScale: laterScale(i), modes, threads };
      const seconds = await scoreScan(model, contrast, first + i, later);
      for (const [k, second] of seconds.entries()) {
        pairs.push({ first: firsts[k] as ScanScore, second });
        tell(contrast, second);
      }
    }
    for (const mode of modes) {
      const own = scores.filter((score) => score.mode === mode);
      const ownPairs = pairs.filter((pair) => pair.first.mode === mode);
      if (own.length > 1)
        summaries[modes.length > 1 ? `${contrast} ${mode}` : contrast] = summarize(own, ownPairs);
    }
    save();
  }
}

function tell(contrast: ScannedContrast, score: ScanScore): void {
  const error = (100 * (score.volumeMl / score.trueVolumeMl - 1)).toFixed(1);
  console.error(
    `${contrast} ${score.mode} seed ${score.seed}${score.visit > 0 ? ' later' : ''}: Dice ${score.dice.toFixed(3)}, ` +
      `${score.volumeMl.toFixed(1)} ml of ${score.trueVolumeMl.toFixed(1)} ml (${error} %), ` +
      `slices of ${score.sliceMm.toFixed(1)} mm, ${score.seconds.toFixed(0)} s`,
  );
}

function save(): void {
  if (values.json)
    writeFileSync(values.json, `${JSON.stringify({ seeds: first, form, summaries, details }, null, 1)}\n`);
}
