import path from 'node:path';
import { z } from 'zod';
import { refuseForeignData } from '../compose/data-owner.ts';
import { importModel } from '../model-import/import-model.ts';
import { defineCommand } from './definition/command.ts';
import { argument, flag, jsonFlag, option, optionalText, requiredText } from './definition/field.ts';
import { createProgressDisplay } from './terminal/progress.ts';

/** Ctrl-C ends it with nothing left behind. */
export const modelsImport = defineCommand({
  name: 'models import',
  help: "make a model of nnU-Net v1's or PanSegNet's training output: a folder, or a zip file of it",
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
      'patient direction of the axes in training, such as LPS',
      requiredText.default('as-stored'),
    ),
    replace: flag('--replace', 'take the place of a model that is there'),
    json: jsonFlag,
  }),
  run: async ({ source, name, modality, output, orientation, replace, json }, { configure }) => {
    const target = output ?? path.join(configure().models.folder, name);
    refuseForeignData(new Map([['models.folder', target]]));
    const interruption = new AbortController();
    const interrupt = () =>
      interruption.abort(new DOMException('interrupted; nothing was imported', 'AbortError'));
    process.once('SIGINT', interrupt);
    const progress = createProgressDisplay();
    try {
      const model = await importModel({
        source,
        name,
        modality,
        output: target,
        replace,
        orientation,
        onProgress: progress.listener,
        onNote: (note) => progress.line(`note: ${note}`),
        signal: interruption.signal,
      });
      progress.result(
        json
          ? JSON.stringify({ ...model.info, folder: model.folder, sha256: model.sha256 })
          : `${model.info.title}, version ${model.info.version}, ` +
              `${model.networks.length} fold(s): ${model.folder}`,
      );
    } finally {
      progress.stop();
      process.off('SIGINT', interrupt);
    }
  },
});
