import { loadConfig } from '../config.ts';
import { listModels } from '../segmentation/model/model-folder.ts';
import { print } from './print.ts';

export async function listModelFolders(options: { json?: true; config?: string }): Promise<void> {
  const { folder } = loadConfig({ file: options.config }).models;
  const listed = (await listModels(folder)).map(({ folder: path, model, error }) => ({
    folder: path,
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
  if (options.json) return print(JSON.stringify(listed));
  if (listed.length === 0) return print(`no models in ${folder}`);
  for (const model of listed) {
    print(
      'name' in model
        ? `${model.name}  ${model.modality}  ${model.version}  ${model.title}${model.notice ? `  (${model.notice})` : ''}`
        : `${model.folder}  cannot be used: ${model.error}`,
    );
  }
}
