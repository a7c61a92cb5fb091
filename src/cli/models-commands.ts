import path from 'node:path';
import { loadConfig } from '../config.ts';
import { importModel } from '../segmentation/checkpoint-import/import-model.ts';
import { listModels } from '../segmentation/model/model-folder.ts';
import { print } from './print.ts';
import { createProgressDisplay } from './progress.ts';

export async function listModelFolders(options: { json?: true; config?: string }): Promise<void> {
  const { folder } = loadConfig({ file: options.config }).models;
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

interface ImportOptions {
  name: string;
  modality: 'CT' | 'T1W' | 'T2W';
  output?: string;
  orientation?: string;
  replace?: true;
  json?: true;
  config?: string;
}

/** Ctrl-C ends it with nothing left behind. */
export async function importModelFolder(source: string, options: ImportOptions): Promise<void> {
  const { name, modality, replace = false, orientation } = options;
  const { folder } = loadConfig({ file: options.config }).models;
  const interruption = new AbortController();
  const interrupt = () => interruption.abort(new Error('interrupted; nothing was imported'));
  process.once('SIGINT', interrupt);
  const progress = createProgressDisplay();
  try {
    const model = await importModel({
      source,
      name,
      modality,
      output: options.output ?? path.join(folder, name),
      replace,
      ...(orientation === undefined ? {} : { orientation }),
      onProgress: progress.listener,
      onNote: (note) => progress.line(`note: ${note}`),
      signal: interruption.signal,
    });
    progress.result(
      options.json
        ? JSON.stringify({ ...model.info, folder: model.folder, sha256: model.sha256 })
        : `${model.info.title}, version ${model.info.version}, ${model.networks.length} fold(s): ${model.folder}`,
    );
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
  }
}
