import { z } from 'zod';
import { inferenceOptions, resultSettings } from '../compose/run.ts';
import { readSelectionRules } from '../pipeline/selection/rules.ts';
import { segmentInput } from '../segment-input/segment-input.ts';
import { isNiftiName } from '../segment-input/segment-nifti.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { defineCommand } from './definition/command.ts';
import { argument, flag, option, optionalText, requiredText } from './definition/field.ts';
import { modeOption } from './definition/mode-option.ts';
import { print } from './terminal/print.ts';
import { createProgressDisplay } from './terminal/progress.ts';

export const segment = defineCommand({
  name: 'segment',
  help: 'segment one series: a folder or zip of DICOM files, a DICOMDIR, or one NIfTI file (.nii, .nii.gz)',
  runs: 'here',
  options: z
    .strictObject({
      input: argument('<input>', 'the folder or the file', requiredText),
      model: option('--model <name>', 'name or folder of a model', requiredText),
      output: option('--output <dir>', 'where seg.dcm, sr.dcm, seg.nii.gz and result.json go', requiredText),
      seriesInstanceUid: option(
        '--series <uid>',
        'the series to take, where the folder has several',
        optionalText,
      ),
      mode: modeOption('fast'),
      saveProbabilities: flag(
        '--save-probabilities',
        "write probabilities.nii.gz too, on the input's own grid",
      ),
      json: flag('--json', 'print result.json instead of a sentence'),
    })
    .superRefine(({ input, seriesInstanceUid }, context) => {
      if (seriesInstanceUid === undefined || !isNiftiName(input)) return;
      context.addIssue(`--series names a DICOM series, but ${input} is a NIfTI file`);
    }),
  run: async ({ input, output, model, seriesInstanceUid, mode, saveProbabilities, json }, { configure }) => {
    const config = configure();
    const progress = createProgressDisplay();
    try {
      const summary = await segmentInput({
        input,
        output,
        model: await loadModel(model, [config.models.folder]),
        rules: () => readSelectionRules(config.selection.rules, config.selection.siteRules),
        looks: config.selection.looks,
        settings: resultSettings(config),
        seriesInstanceUid,
        inference: {
          ...inferenceOptions(config, (message) => progress.line(`warning: ${message}`)),
          mode,
          saveProbability: saveProbabilities,
        },
        now: new Date(),
        onProgress: progress.listener,
      });
      for (const warning of summary.warnings) progress.line(`warning: ${warning}`);
      const { name, notice } = summary.model;
      const flags = summary.flags.length > 0 ? `; flags: ${summary.flags.join(', ')}` : '';
      print(
        json
          ? JSON.stringify(summary)
          : `pancreas ${summary.volumeMl.toFixed(1)} ml, model ` +
              `${name}${notice ? ` (${notice})` : ''}${flags}`,
      );
    } finally {
      progress.stop();
    }
  },
});
