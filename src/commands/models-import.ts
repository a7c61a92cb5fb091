import path from 'node:path';
import { z } from 'zod';
import { refuseForeignData } from '../compose/data-owner.ts';
import { importModel } from '../model-import/import-model.ts';
import type { Fact } from '../model-import/trained-model.ts';
import { defineCommand } from './definition/command.ts';
import { argument, flag, jsonFlag, option, optionalText, requiredText } from './definition/field.ts';
import { createProgressDisplay } from './terminal/progress.ts';

/** Ctrl-C ends it with nothing left behind. */
export const modelsImport = defineCommand({
  name: 'models import',
  help: "make a model of nnU-Net's or PanSegNet's training output (v1 or v2): a folder, or a zip file of it",
  runs: 'here',
  options: z.strictObject({
    source: argument('<source>', 'the folder or the zip file', requiredText),
    name: option('--name <name>', "the model's name", requiredText),
    modality: option('--modality <modality>', 'what it is for', z.enum(['CT', 'T1W', 'T2W'])),
    output: option(
      '--output <dir>',
      "the model's folder; else one of that name among the models",
      optionalText,
    ),
    orientation: option(
      '--orientation <axes>',
      "patient direction of the axes in training, such as LPS, or as-stored; else the training's own",
      optionalText,
    ),
    label: option(
      '--label <label>',
      'which of several labels is the pancreas: its name or number',
      optionalText,
    ),
    training: option(
      '--training <name>',
      "which of several trained models: its folder's name, or more of its path",
      optionalText,
    ),
    fold: option('--fold <fold>', 'one fold alone, such as 0 or all', optionalText),
    checkpoint: option(
      '--checkpoint <file>',
      "name of the folds' checkpoints, where it isn't nnU-Net's final one",
      optionalText,
    ),
    postprocessing: option(
      '--postprocessing <file>',
      "a postprocessing.json that doesn't lie where nnU-Net looks for it",
      optionalText,
    ),
    replace: flag('--replace', 'take the place of a model that is there'),
    json: jsonFlag,
  }),
  run: async ({ name, output, json, ...request }, { configure }) => {
    const target = output ?? path.join(configure().models.folder, name);
    refuseForeignData(new Map([['models.folder', target]]));
    const interruption = new AbortController();
    const interrupt = () =>
      interruption.abort(new DOMException('interrupted; nothing was imported', 'AbortError'));
    process.once('SIGINT', interrupt);
    const progress = createProgressDisplay();
    let understood: readonly Fact[] = [];
    try {
      const model = await importModel({
        ...request,
        name,
        output: target,
        onUnderstood: (facts) => (understood = facts),
        onProgress: progress.listener,
        onNote: (note) => progress.line(`note: ${note}`),
        signal: interruption.signal,
      });
      progress.result(
        json
          ? JSON.stringify({
              ...model.info,
              folder: model.folder,
              sha256: model.sha256,
              understood: Object.fromEntries(understood),
            })
          : `${model.info.title}, version ${model.info.version}, ` +
              `${model.networks.length} fold(s): ${model.folder}`,
      );
      if (!json) for (const line of tableOf(understood)) progress.result(line);
    } finally {
      progress.stop();
      process.off('SIGINT', interrupt);
    }
  },
});

/** What was understood, to be held against the training's own words. */
function tableOf(facts: readonly Fact[]): string[] {
  const width = Math.max(...facts.map(([what]) => what.length));
  return facts.map(([what, value]) => `  ${what.padEnd(width)}  ${value}`);
}
