import { z } from 'zod';
import { listModels } from '../segmentation/model/model-folder.ts';
import { defineCommand } from './definition/command.ts';
import { jsonFlag } from './definition/field.ts';
import { print } from './terminal/print.ts';

export const modelsList = defineCommand({
  name: 'models list',
  help: 'the models of the configured folder, and which of them cannot be used',
  runs: 'here',
  options: z.strictObject({ json: jsonFlag }),
  run: async ({ json }, { configure }) => {
    const { folder } = configure().models;
    const listed = (await listModels(folder)).map(({ folder: at, model, error }) => ({
      folder: at,
      ...(model
        ? {
            name: model.info.name,
            modality: model.info.modality,
            version: model.info.version,
            title: model.info.title,
            notice: model.info.notice ?? null,
            sha256: model.sha256,
          }
        : { error: error.message }),
    }));
    if (json) return print(JSON.stringify(listed));
    if (listed.length === 0) return print(`no models in ${folder}`);
    for (const model of listed) {
      print(
        'name' in model
          ? `${model.name}  ${model.modality}  ${model.version}  ` +
              `${model.title}${model.notice ? `  (${model.notice})` : ''}`
          : `${model.folder}  cannot be used: ${model.error}`,
      );
    }
  },
});
