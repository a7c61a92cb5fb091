import { type Command, InvalidArgumentError } from 'commander';
import { inferenceOptions, resultSettings } from '../compose/run.ts';
import { loadConfig } from '../config.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import { segmentInput } from '../segment-input/segment-input.ts';
import { isNiftiName } from '../segment-input/segment-nifti.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

interface SegmentOptions {
  model: string;
  output: string;
  series?: string;
  mode: 'exact';
  saveProbabilities?: true;
  json?: true;
  config?: string;
}

/** @throws InvalidArgumentError for a mode that does not exist */
export function parseMode(mode: string): 'exact' {
  if (mode === 'exact') return mode;
  throw new InvalidArgumentError(
    mode === 'fast' ? 'This version has no fast mode yet; leave --mode out.' : 'Only exact exists.',
  );
}

export async function segmentSeries(input: string, options: SegmentOptions, command: Command): Promise<void> {
  if (options.series !== undefined && isNiftiName(input)) {
    command.error(`error: --series names a DICOM series, but ${input} is a NIfTI file`);
  }
  const config = loadConfig({ file: options.config });
  const progress = createProgressDisplay();
  try {
    const summary = await segmentInput({
      input,
      output: options.output,
      model: await loadModel(options.model, [config.models.folder]),
      rules: () => readSelectionRules(config.selection.rules, config.selection.siteRules),
      settings: resultSettings(config),
      seriesInstanceUid: options.series,
      inference: {
        ...inferenceOptions(config, (message) => progress.line(`warning: ${message}`)),
        saveProbability: options.saveProbabilities,
      },
      now: new Date(),
      onProgress: progress.listener,
    });
    for (const warning of summary.warnings) progress.line(`warning: ${warning}`);
    const { name, notice } = summary.model;
    const flags = summary.flags.length > 0 ? `; flags: ${summary.flags.join(', ')}` : '';
    print(
      options.json
        ? JSON.stringify(summary)
        : `pancreas ${summary.volumeMl.toFixed(1)} ml, model ${name}${notice ? ` (${notice})` : ''}${flags}`,
    );
  } finally {
    progress.stop();
  }
}
