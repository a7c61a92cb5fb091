import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { inferenceOptions } from '../compose/run.ts';
import type { Config } from '../config.ts';
import { evaluate as evaluateFolders, failedCases, INTERNAL_FOLDER } from '../evaluation/evaluate.ts';
import { EvaluationError } from '../evaluation/evaluation-error.ts';
import { collected } from '../evaluation/sources/collect-labels.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { SOFTWARE_VERSION } from '../version.ts';
import { defineCommand, pathName } from './definition/command.ts';
import { flag, option, optionalText, requiredText } from './definition/field.ts';
import { modeOption } from './definition/mode-option.ts';
import { resultsCollect } from './results-collect.ts';
import { runBesideNode } from './running/run-beside-node.ts';
import { print } from './terminal/print.ts';
import { createProgressDisplay } from './terminal/progress.ts';

/** `7` or `1,2`. */
const labelValues = z
  .string()
  .regex(/^[1-9]\d*(?:,[1-9]\d*)*$/, 'Values are whole numbers from 1 on, such as 7 or 1,2.')
  .optional();
const several = z.array(z.string()).default([]);
const whole = (least: number) => z.coerce.number().int().min(least).optional();

/** Of the machine's memory, for the masks that are measured at a time. */
const MEMORY_SHARE = 0.4;

export const evaluate = defineCommand({
  name: 'evaluate',
  help: 'compare predictions with labels: a table per case, a summary, and a page with plots',
  runs: 'here',
  options: z
    .strictObject({
      images: option(
        '--images <dir>',
        'NAME_0000.nii.gz as nnU-Net names them, or DICOM images',
        optionalText,
      ),
      labels: option('--labels <dir>', 'NAME.nii.gz, or DICOM SEGs of the images', optionalText),
      fromArchive: flag('--from-archive', "images and labels are the node's accepted and corrected results"),
      model: option(
        '--model <name...>',
        'names or folders of models that predict; several: each for its modality',
        several,
      ),
      predictions: option(
        '--predictions <dir>',
        'NAME.nii.gz or DICOM SEGs, in place of a model',
        optionalText,
      ),
      against: option('--against <dir>', 'other predictions, to compare with', optionalText),
      raters: option('--raters <dir...>', 'labels of other readers, or of the same once more', several),
      groups: option('--groups <file>', 'CSV with the columns case, and modality, centre, ...', optionalText),
      repeats: option(
        '--repeats <file>',
        'CSV with the columns subject and case: repeated scans',
        optionalText,
      ),
      mode: modeOption('exact'),
      pancreasLabel: option(
        '--pancreas-label <values>',
        'values of the pancreas in labels; default: all above 0',
        labelValues,
      ),
      predictionLabel: option(
        '--prediction-label <values>',
        'values of the pancreas in predictions; default: all above 0',
        labelValues,
      ),
      resample: flag('--resample', "lay masks on other grids on the label's, by nearest voxels"),
      showNames: flag('--show-names', 'name cases and raters as their files do, instead of numbers'),
      parallel: option('--parallel <n>', 'cases measured at a time; default: as many as cores', whole(1)),
      memory: option('--memory <mb>', 'for the cases measured at a time; default: 40 % of all', whole(100)),
      output: option('--output <dir>', 'where cases.csv, summary.json and evaluation.html go', requiredText),
    })
    .superRefine(({ images, labels, model, predictions, fromArchive }, context) => {
      if (fromArchive === (labels !== undefined))
        context.addIssue('evaluate: name either --labels or --from-archive');
      if (fromArchive && images !== undefined)
        context.addIssue('evaluate: with --from-archive the images come from there too');
      if (model.length > 0 === (predictions !== undefined))
        context.addIssue('evaluate: name either --model or --predictions');
      if (model.length > 0 && images === undefined && !fromArchive)
        context.addIssue('evaluate: a model needs --images');
    }),
  run: async (options, { configure }) => {
    const { predictions, against, raters, output } = options;
    const config = configure();
    const from = options.fromArchive ? await collectFromArchive(output, configure) : options;
    const { images, labels = '', groups } = from;
    const progress = createProgressDisplay();
    try {
      const models = [];
      for (const name of options.model) models.push(await loadModel(name, [config.models.folder]));
      const evaluation = await evaluateFolders({
        folders: { images, labels, predictions, against, raters },
        models,
        reading: {
          labelValues: valuesOf(options.pancreasLabel),
          predictionValues: valuesOf(options.predictionLabel),
          resample: options.resample,
        },
        groups: options.groups ?? groups,
        repeats: options.repeats,
        output,
        showNames: options.showNames,
        labelsFromArchive: options.fromArchive,
        mode: options.mode,
        inference: inferenceOptions(config, (message) => progress.line(`warning: ${message}`)),
        parallel: options.parallel ?? availableParallelism(),
        memoryBytes: options.memory === undefined ? MEMORY_SHARE * totalmem() : options.memory * 1e6,
        softwareVersion: SOFTWARE_VERSION,
        now: () => new Date(),
        onProgress: (subject, done, total) => progress.listener({ stage: 'segment', subject, done, total }),
        onLine: (line) => progress.line(line),
      });
      const failed = failedCases(evaluation).length;
      const count = evaluation.rows.length;
      const [all] = evaluation.groups;
      const dice = all?.metrics.dice;
      const percent = (value: number | null | undefined) => (value == null ? '–' : (100 * value).toFixed(1));
      print(
        `${count - failed} of ${count} cases; Dice ${percent(dice?.mean)} ± ${percent(dice?.sd)} %; ` +
          `${output}/evaluation.html`,
      );
      if (failed > 0)
        throw new EvaluationError(
          'CASES_FAILED',
          `${failed} of ${count} cases failed; the others are evaluated`,
        );
    } finally {
      progress.stop();
    }
  },
});

/** Has the node, or this process in its place, fetch what readers accepted and corrected. */
async function collectFromArchive(output: string, configure: () => Config) {
  const folder = path.resolve(output, INTERNAL_FOLDER, 'archive');
  await mkdir(folder, { recursive: true });
  const prepared = resultsCollect.prepare({ output: folder });
  await runBesideNode({ name: pathName(resultsCollect), ...prepared }, configure);
  const places = collected(folder);
  if ((await readdir(places.labels)).length === 0) {
    const problem = 'no result of this node was accepted or corrected by a reader and has a segmentation';
    throw new EvaluationError('CASES_MISSING', problem);
  }
  return places;
}

const valuesOf = (text: string | undefined): number[] | undefined => text?.split(',').map(Number);
